import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detachedSignature } from '../src/controllers/bootstrap/signature.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Namespace } from '../src/kinds/core/namespace.ts'
import { Secret } from '../src/kinds/core/secret.ts'
import { isAlreadyExists } from '../src/schema/status.ts'
import { type VirtualCluster, virtualCluster } from './support/virtual-cluster.ts'

const clusterInfo = { namespace: 'kube-public', name: 'cluster-info' }

async function begin(): Promise<VirtualCluster> {
  const virtual = await virtualCluster({ nodes: 0 })
  const { client } = virtual.cluster
  await client.create(Namespace, { metadata: { name: 'kube-public' } }).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error
  })
  await client.create(ConfigMap, { metadata: clusterInfo, data: { kubeconfig: 'the cluster' } })
  await virtual.cluster.settle()
  return virtual
}

async function addToken({ cluster }: VirtualCluster, id: string, more: Readonly<Record<string, string>> = {}) {
  const stringData = { 'token-id': id, 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true', ...more }
  const metadata = { namespace: 'kube-system', name: `bootstrap-token-${id}` }
  await cluster.client.create(Secret, { metadata, type: 'bootstrap.kubernetes.io/token', stringData })
  await cluster.settle()
}

const dataOf = async ({ cluster }: VirtualCluster) => (await cluster.client.get(ConfigMap, clusterInfo)).data!

test('a signature is a JSON web signature without its content', () => {
  const content = 'Hello from the other side. I must have called a thousand times.'
  assert.equal(
    detachedSignature(content, 'joshua', 'my voice is my passcode'),
    'eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8',
  )
})

test('what cluster-info says is signed with every token that may sign', async () => {
  await using virtual = await begin()
  await addToken(virtual, 'aaaaaa')
  await addToken(virtual, 'bbbbbb')
  await addToken(virtual, 'cccccc', { 'usage-bootstrap-signing': 'false' })
  const signed = await dataOf(virtual)
  assert.deepEqual(Object.keys(signed).sort(), ['jws-kubeconfig-aaaaaa', 'jws-kubeconfig-bbbbbb', 'kubeconfig'])
  assert.equal(signed['jws-kubeconfig-aaaaaa'], detachedSignature('the cluster', 'aaaaaa', '0123456789abcdef'))

  const { client } = virtual.cluster
  await client.patch(ConfigMap, clusterInfo, { type: 'merge', body: { data: { kubeconfig: 'another' } } })
  await client.delete(Secret, { namespace: 'kube-system', name: 'bootstrap-token-bbbbbb' })
  await virtual.cluster.settle()
  assert.deepEqual(await dataOf(virtual), {
    kubeconfig: 'another',
    'jws-kubeconfig-aaaaaa': detachedSignature('another', 'aaaaaa', '0123456789abcdef'),
  })
  assert.deepEqual(virtual.faults, [])
})

test('a token that expires is deleted, and its signature with it', async () => {
  await using virtual = await begin()
  const { client } = virtual.cluster
  await addToken(virtual, 'aaaaaa', { expiration: '2026-01-01T02:00:00Z' })
  await addToken(virtual, 'bbbbbb')
  await addToken(virtual, 'cccccc', { expiration: 'next year' })
  const tokens = async () =>
    (await client.list(Secret, { namespace: 'kube-system' })).items
      .map(({ metadata }) => metadata.name!)
      .filter((name) => name.startsWith('bootstrap-token-'))
  assert.deepEqual(await tokens(), ['bootstrap-token-aaaaaa', 'bootstrap-token-bbbbbb'])
  await virtual.cluster.advance(2 * 3_600_000 - 1000)
  assert.equal((await tokens()).length, 2)
  await virtual.cluster.advance(1000)
  assert.deepEqual(await tokens(), ['bootstrap-token-bbbbbb'])
  assert.deepEqual(Object.keys(await dataOf(virtual)).sort(), ['jws-kubeconfig-bbbbbb', 'kubeconfig'])
})
