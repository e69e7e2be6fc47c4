import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

const settings = (data: Record<string, string>) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data })

const web = (fields: object) =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'main', image: 'nginx' }] },
      },
      ...fields,
    },
  })

stories({
  'What is applied and no longer stated goes; what others wrote stays': async ({ kubectl }) => {
    const apply = (data: Record<string, string>) => kubectl('apply --server-side -f -', settings(data))
    assert.equal(await apply({ level: 'info', colour: 'red' }), 'configmap/settings serverside-applied')
    await kubectl(`patch configmap settings --type=merge -p '{"data":{"extra":"1"}}'`)
    await apply({ level: 'debug' })
    const { data } = JSON.parse(await kubectl('get configmap settings -o json'))
    assert.deepEqual(data, { level: 'debug', extra: '1' })
  },

  'A field that somebody else applied is refused, until it is forced': async ({ kubectl }) => {
    await kubectl('apply --server-side --field-manager=ops -f -', settings({ level: 'info' }))
    const refusal = await kubectl.refused('apply --server-side -f -', settings({ level: 'debug' }))
    assert.match(refusal, /conflict with "ops".*: \.data\.level/s)
    assert.match(refusal, /--force-conflicts/)
    assert.equal(await kubectl.read('get configmap settings', '{.data.level}'), 'info')
    await kubectl('apply --server-side --force-conflicts -f -', settings({ level: 'debug' }))
    assert.equal(await kubectl.read('get configmap settings', '{.data.level}'), 'debug')
  },

  'Managed fields are shown to who asks for them': async ({ kubectl, settle }) => {
    await kubectl('apply --server-side -f -', web({ replicas: 2 }))
    await settle()
    const shown =
      kubectl.minor >= 21 ? 'get deployment web -o json --show-managed-fields' : 'get deployment web -o json'
    const { metadata } = JSON.parse(await kubectl(shown))
    const owners = (metadata.managedFields as Record<string, string>[]).map(({ manager, operation, subresource }) =>
      [manager, operation, subresource ?? ''].join(' ').trim(),
    )
    assert.deepEqual(owners, ['kubectl Apply', 'kube-controller-manager Update status'])
    if (kubectl.minor < 21) return
    assert.equal(JSON.parse(await kubectl('get deployment web -o json')).metadata.managedFields, undefined)
  },

  'Whoever scales owns the replicas from then on': async ({ kubectl }) => {
    await kubectl('apply --server-side -f -', web({ replicas: 1 }))
    await kubectl('scale deployment web --replicas=3')
    assert.match(
      await kubectl.refused('apply --server-side -f -', web({ replicas: 1 })),
      /conflict with "kubectl" with subresource "scale" using apps\/v1: \.spec\.replicas/,
    )
    await kubectl('apply --server-side -f -', web({}))
    assert.equal(await kubectl.read('get deployment web', '{.spec.replicas}'), '3')
  },

  'What was applied on the client can be applied on the server': async ({ kubectl }) => {
    await kubectl('apply -f -', settings({ level: 'info', colour: 'red' }))
    await kubectl('apply --server-side -f -', settings({ level: 'debug', colour: 'red' }))
    const { data, metadata } = JSON.parse(await kubectl('get configmap settings -o json'))
    assert.deepEqual(data, { level: 'debug', colour: 'red' })
    const last = metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration']
    if (last !== undefined) assert.equal(JSON.parse(last).data.level, 'debug')
  },

  'A diff shows what an apply would change, and changes nothing': async ({ kubectl }) => {
    await kubectl('apply -f -', settings({ level: 'info', colour: 'red' }))
    const same = await kubectl.run('diff -f -', { file: settings({ level: 'info', colour: 'red' }) })
    assert.deepEqual([same.code, same.stdout, same.stderr], [0, '', ''])
    const other = await kubectl.run('diff -f -', { file: settings({ level: 'debug' }) })
    assert.equal(other.code, 1, other.stderr)
    assert.match(other.stdout, /^- {2}colour: red\n- {2}level: info\n\+ {2}level: debug$/m)
    const onServer = await kubectl.run('diff --server-side --force-conflicts -f -', {
      file: settings({ level: 'debug' }),
    })
    assert.equal(onServer.code, 1, onServer.stderr)
    assert.match(onServer.stdout, /^- {2}level: info\n\+ {2}level: debug$/m)
    assert.equal(await kubectl.read('get configmap settings', '{.data.level}'), 'info')
  },

  'A type of one’s own is explained, listed, applied and compared like any other': async ({ kubectl, namespace }) => {
    const group = `${namespace}.example.com`
    await kubectl('apply --server-side -f -', definition(group))
    await kubectl(`wait --for=condition=Established crd/boats.${group} --timeout=20s`)
    assert.match(
      await kubectl(`api-resources --api-group=${group}`),
      new RegExp(`^boats +bt +(${group}/v1 +)?.*true +Boat$`, 'm'),
    )
    assert.match(await kubectl(`explain boats.spec --api-version=${group}/v1 --recursive`), /^ +sails\t<integer>/m)
    const boat = (sails: number) =>
      JSON.stringify({ apiVersion: `${group}/v1`, kind: 'Boat', metadata: { name: 'one' }, spec: { sails } })
    await kubectl('apply --server-side -f -', boat(2))
    const changed = await kubectl.run('diff --server-side -f -', { file: boat(3) })
    assert.match(changed.stdout, /^- {2}sails: 2\n\+ {2}sails: 3$/m)
    const edited = await kubectl.run('edit boat one', { editor: 'sed -i "s/sails: 2/sails: 4/"' })
    assert.match(edited.stdout, /^boat\.\S+\/one edited$/m)
    assert.equal(await kubectl.read('get bt one', '{.spec.sails}'), '4')
    await kubectl('replace -f -', boat(5))
    await kubectl('annotate boat one colour=red')
    const raw = await kubectl(`get --raw /apis/${group}/v1/namespaces/${namespace}/boats/one`)
    assert.equal(JSON.parse(raw).metadata.annotations.colour, 'red')
    assert.match(
      await kubectl.refused('apply --server-side --force-conflicts -f -', boat(-1)),
      /should be greater than or equal to 0/,
    )
  },
})

const definition = (group: string) =>
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `boats.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'boats', kind: 'Boat', shortNames: ['bt'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: { type: 'object', properties: { sails: { type: 'integer', minimum: 0, description: 'Sails.' } } },
              },
            },
          },
        },
      ],
    },
  })
