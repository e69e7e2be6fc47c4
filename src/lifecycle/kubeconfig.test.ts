import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { KubeconfigError, putIntoKubeconfig, removeFromKubeconfig } from './kubeconfig.ts'

const entry = {
  name: 'coracle',
  server: 'https://127.0.0.1:6443',
  certificateAuthority: 'CA',
  clientCertificate: 'CERT',
  clientKey: 'KEY',
}

const mine = `# my clusters
apiVersion: v1
kind: Config
clusters:
- name: work # the real one
  cluster: { server: https://10.0.0.1:6443 }
contexts:
- name: work
  context: { cluster: work, user: me }
users:
- name: me
  user: { token: abc }
current-context: work
`

test('a new file holds one cluster, one user and one context, which is the current one', () => {
  const config = parse(putIntoKubeconfig(undefined, entry))
  assert.equal(config['current-context'], 'coracle')
  assert.deepEqual(config.contexts, [{ name: 'coracle', context: { cluster: 'coracle', user: 'coracle' } }])
  assert.deepEqual(config.clusters, [
    { name: 'coracle', cluster: { server: entry.server, 'certificate-authority-data': 'Q0E=' } },
  ])
})

test('other contexts stay, comments included, and leave again what was there before', () => {
  const text = putIntoKubeconfig(mine, entry)
  const config = parse(text)
  assert.deepEqual(
    config.contexts.map((context: { name: string }) => context.name),
    ['work', 'coracle'],
  )
  assert.match(text, /# the real one/)

  const without = parse(removeFromKubeconfig(text, 'coracle'))
  assert.deepEqual(without, { ...parse(mine), 'current-context': '' })
})

test('putting it in twice changes the entry instead of adding one', () => {
  const twice = putIntoKubeconfig(putIntoKubeconfig(mine, entry), { ...entry, server: 'https://127.0.0.1:7443' })
  const clusters = parse(twice).clusters as { name: string; cluster: { server: string } }[]
  assert.equal(clusters.length, 2)
  assert.equal(clusters[1]?.cluster.server, 'https://127.0.0.1:7443')
})

for (const [what, text] of [
  ['broken YAML', 'clusters: [\n  {'],
  ['a list', '- a\n- b\n'],
  ['another kind of object', 'kind: Pod\napiVersion: v1\n'],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(() => putIntoKubeconfig(text, entry), KubeconfigError)
  })
}
