import type { Metrics } from '../base/metrics.ts'
import type { Kind } from '../schema/kind.ts'
import type { Registry } from './registry.ts'
import { requestBounds } from './request-metrics.ts'
import { folderOf } from './storage/keys.ts'

/** How long an etcd takes to answer, by resource; nothing where the store is part of this process. */
export function addStoreMetrics(metrics: Metrics, registry: Pick<Registry, 'storedKinds' | 'store'>): void {
  const durations = metrics.histogram(
    'etcd_request_duration_seconds',
    'How long requests to etcd took.',
    requestBounds,
    ['group', 'operation', 'resource'],
  )
  let kinds: ReadonlyMap<string, Kind> = new Map()
  const kindAt = (key: string): Kind | undefined => {
    const [, root, first, second] = key.split('/')
    return kinds.get(`/${root}/${first}/${second}/`) ?? kinds.get(`/${root}/${first}/`)
  }
  registry.store.observe?.((operation, key, seconds) => {
    let kind = kindAt(key)
    if (kind === undefined) {
      kinds = new Map(registry.storedKinds.map((each) => [folderOf(each), each]))
      kind = kindAt(key)
    }
    if (kind !== undefined) durations.of(kind.group, operation, kind.plural).observe(seconds)
  })
}
