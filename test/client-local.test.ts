import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from '../src/apiserver/registry.ts'
import { clientConformance } from '../src/client/conformance.ts'
import { LocalClient } from '../src/client/local.ts'
import { startCluster } from '../src/cluster/cluster.ts'
import { ReplicaSet } from '../src/kinds/apps/replica-set.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Namespace } from '../src/kinds/core/namespace.ts'
import { ClusterRole } from '../src/kinds/rbac/cluster-role.ts'
import { isForbidden, isNotFound } from '../src/schema/status.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { VirtualWorld } from '../src/world/virtual.ts'

clientConformance('in process', async () => {
  const world = new VirtualWorld()
  const store = new MemoryStore(world)
  const client = new LocalClient(
    new Registry({ store, kinds: [ConfigMap, Namespace, ClusterRole, ReplicaSet], world, admission: [] }),
  )
  await client.create(Namespace, { metadata: { name: 'n' } })
  return {
    client,
    namespace: 'n',
    compact: () => store.compact(store.revision),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
})

test('a path is read as the user who asks, and refused as over HTTP', async () => {
  await using cluster = await startCluster({ world: new VirtualWorld(), apiOnly: true })
  const { client } = cluster
  const version = (await client.read('/version')) as { readonly major: string }
  assert.equal(version.major, '1')
  const list = (await client.read('/api/v1/namespaces?labelSelector=none')) as { readonly items: readonly unknown[] }
  assert.deepEqual(list.items, [])
  assert.ok(Object.isFrozen(list))
  await assert.rejects(client.read('/apis/sea.example/v1/boats'), isNotFound)
  await assert.rejects(client.as({ name: 'nobody' }).read('/api/v1/namespaces'), isForbidden)
})
