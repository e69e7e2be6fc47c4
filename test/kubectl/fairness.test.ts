import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

/** A level with room for one request at a time, and a flow that leads a user there. */
const level = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'PriorityLevelConfiguration',
      metadata: { name: 'narrow' },
      spec: {
        type: 'Limited',
        limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } },
      },
    },
    {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      kind: 'FlowSchema',
      metadata: { name: 'jane' },
      spec: {
        priorityLevelConfiguration: { name: 'narrow' },
        matchingPrecedence: 150,
        distinguisherMethod: { type: 'ByUser' },
        rules: [
          {
            subjects: [{ kind: 'User', user: { name: 'jane' } }],
            resourceRules: [{ verbs: ['*'], apiGroups: [''], resources: ['configmaps'], namespaces: ['*'] }],
          },
        ],
      },
    },
  ],
})

stories(
  {
    'who waits, by level and by flow, as tables show it': async ({ kubectl }) => {
      const levels = await kubectl.rows('get prioritylevelconfigurations')
      assert.deepEqual(Object.keys(levels[0]!), [
        ...['NAME', 'TYPE', 'NOMINALCONCURRENCYSHARES', 'QUEUES', 'HANDSIZE', 'QUEUELENGTHLIMIT', 'AGE'],
      ])
      const cells = levels.map(({ AGE: _, ...row }) => Object.values(row).join(' '))
      assert.deepEqual(cells, [
        'catch-all Limited 5 <none> <none> <none>',
        'exempt Exempt 0 <none> <none> <none>',
        'global-default Limited 20 128 6 50',
        'leader-election Limited 10 16 4 50',
        'node-high Limited 40 64 6 50',
        'system Limited 30 64 6 50',
        'workload-high Limited 40 128 6 50',
        'workload-low Limited 100 128 6 50',
      ])
      const flows = await kubectl.rows('get flowschemas')
      assert.deepEqual(Object.keys(flows[0]!), [
        ...['NAME', 'PRIORITYLEVEL', 'MATCHINGPRECEDENCE', 'DISTINGUISHERMETHOD', 'AGE', 'MISSINGPL'],
      ])
      const leaders = flows.find(({ NAME }) => NAME === 'system-leader-election')
      assert.deepEqual(
        [leaders?.['PRIORITYLEVEL'], leaders?.['MATCHINGPRECEDENCE'], leaders?.['MISSINGPL']],
        ['leader-election', '100', 'False'],
      )
    },

    'who is turned away is told to come again, does so, and gets in when there is room': async ({
      kubectl,
      cluster,
      namespace,
    }) => {
      await kubectl('create clusterrolebinding jane --clusterrole=cluster-admin --user=jane')
      await kubectl('create configmap here')
      await kubectl('create -f -', level)
      assert.equal(await kubectl('get configmap here -o name --as jane'), 'configmap/here')
      // The one place that there is, is taken by a request whose body does not come.
      const body = Promise.withResolvers<Buffer>()
      const held = cluster.handler({
        ...{ method: 'POST', url: `/api/v1/namespaces/${namespace}/configmaps`, remoteAddress: '127.0.0.1' },
        headers: { 'content-type': 'application/json' },
        certificate: { commonName: 'jane', organizations: [], fingerprint: '' },
        signal: new AbortController().signal,
        body: () => body.promise,
      })
      const waiting = kubectl.start('get configmap here -o name --as jane')
      const refused =
        /rejected_requests_total\{priority_level="narrow",flow_schema="jane",reason="concurrency-limit"\} [1-9]/
      while (!refused.test(await kubectl('get --raw /metrics'))) await new Promise((resolve) => setTimeout(resolve, 50))
      // Only she, and only there.
      assert.equal(await kubectl('get configmap here -o name'), 'configmap/here')
      assert.equal(await kubectl('get pods --as jane -o name'), '')
      body.resolve(Buffer.from('{}'))
      assert.equal((await held).status, 422)
      const { code, stdout } = await waiting.ended
      assert.deepEqual([code, stdout.trim()], [0, 'configmap/here'])
    },

    'a flow whose level is missing says so': async ({ kubectl }) => {
      await kubectl('create -f -', level)
      await kubectl('delete prioritylevelconfiguration narrow')
      const missing = async () => (await kubectl.rows('get flowschema jane'))[0]?.['MISSINGPL']
      while ((await missing()) !== 'True') await new Promise((resolve) => setTimeout(resolve, 50))
    },
  },
  { own: true, apiOnly: true },
)
