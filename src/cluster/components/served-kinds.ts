import { clusterReader } from '../../apiserver/cluster-reader.ts'
import { customKinds } from '../../apiserver/custom/custom-kind.ts'
import { CustomResourceDefinition } from '../../kinds/apiextensions/custom-resource-definition.ts'
import { kinds as builtIn } from '../../kinds/index.ts'
import type { Caches } from '../../reconciler/caches.ts'
import type { Kind } from '../../schema/kind.ts'
import { MemoryStore } from '../../store/memory.ts'
import type { World } from '../../world/world.ts'

/**
 * Every kind that the API server serves, for who is not in its process: those that are built in, and those of
 * definitions that are established. The list is the same one until a definition changes.
 */
export function servedKinds(caches: Caches, world: World): () => readonly Kind[] {
  // Conversion is the server's; here nobody asks.
  const outgoing = { network: undefined, reader: clusterReader(new MemoryStore(world)), random: world.random }
  const made = new Map<string, { readonly version: string; readonly kinds: readonly Kind[] }>()
  let all: readonly Kind[] = builtIn
  const gather = () => {
    all = [...builtIn, ...[...made.values()].flatMap(({ kinds }) => kinds)]
  }
  caches.of(CustomResourceDefinition).onChange(({ object, old }) => {
    const name = (object ?? old)!.metadata.name!
    const isServed = object?.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')
    if (!object || !isServed) {
      if (made.delete(name)) gather()
      return
    }
    // A status that is written again makes no new kinds: caches hang on them.
    const version = JSON.stringify([object.metadata.uid, object.metadata.generation])
    if (made.get(name)?.version === version) return
    made.set(name, { version, kinds: customKinds(object, outgoing) })
    gather()
  })
  return () => all
}
