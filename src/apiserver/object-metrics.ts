import type { Metrics } from '../base/metrics.ts'
import type { Kind } from '../schema/kind.ts'
import type { Registry } from './registry.ts'
import { folderOf, rangeOf } from './storage/keys.ts'

/** How many objects are stored of each resource, counted whenever somebody looks: the store knows without walking them. */
export function addObjectMetrics(metrics: Metrics, registry: Pick<Registry, 'storedKinds' | 'store'>): void {
  const help = 'Stored objects of a resource.'
  const byName = metrics.gauge('apiserver_storage_objects', help, ['resource'])
  const byGroup = metrics.gauge('apiserver_resource_objects', help, ['group', 'resource'])
  let known: ReadonlyMap<string, Kind> = new Map()
  metrics.beforePrinting(() => {
    const stored = registry.storedKinds.filter(({ verbs }) => verbs.includes('watch'))
    const now = new Map(stored.map((kind) => [folderOf(kind), kind]))
    for (const [folder, kind] of known) if (!now.has(folder)) show(kind, 0)
    for (const kind of now.values())
      show(kind, registry.store.rangeNow({ ...rangeOf(kind, ''), countOnly: true }).count)
    known = now
  })

  function show({ group, plural }: Kind, count: number): void {
    byName.of(group === '' ? plural : `${plural}.${group}`).value = count
    byGroup.of(group, plural).value = count
  }
}
