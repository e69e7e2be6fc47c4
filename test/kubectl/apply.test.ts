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
})
