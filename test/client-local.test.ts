import { Registry } from '../src/apiserver/registry.ts'
import { clientConformance } from '../src/client/conformance.ts'
import { LocalClient } from '../src/client/local.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { Namespace } from '../src/kinds/core/namespace.ts'
import { ClusterRole } from '../src/kinds/rbac/cluster-role.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { VirtualWorld } from '../src/world/virtual.ts'

clientConformance('in process', async () => {
  const world = new VirtualWorld()
  const store = new MemoryStore(world)
  const client = new LocalClient(
    new Registry({ store, kinds: [ConfigMap, Namespace, ClusterRole], world, admission: [] }),
  )
  await client.create(Namespace, { metadata: { name: 'n' } })
  return {
    client,
    namespace: 'n',
    compact: () => store.compact(store.revision),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
})
