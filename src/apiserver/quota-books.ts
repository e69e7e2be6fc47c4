import { ResourceQuota } from '../kinds/core/resource-quota.ts'
import type { Clock } from '../world/world.ts'
import type { QuotaBooks } from './admission/resource-quota.ts'
import { serverContext } from './context.ts'
import { entryToStore } from './entry.ts'
import { keyOf } from './storage/keys.ts'
import { recordManagers } from './storage/managers.ts'
import { canonical, fresh } from './storage/metadata.ts'

/**
 * Writes down in quotas what admission lets in, in the transaction that stores it. So what is booked is there, and nobody
 * who counts what is there and finds the quota unchanged can have missed any of it.
 */
export function quotaBooks(clock: Clock): QuotaBooks {
  const tracked = { kind: ResourceQuota, clock, version: () => undefined }
  return {
    book(quota, used) {
      const { namespace = '', name = '', resourceVersion } = quota.metadata
      const object = fresh(ResourceQuota, { ...quota, status: { ...quota.status, used } } as ResourceQuota)
      recordManagers(tracked, 'status', quota, object, object as unknown as ResourceQuota, serverContext)
      const { value, entry } = entryToStore(ResourceQuota, canonical(ResourceQuota, object))
      const key = keyOf(ResourceQuota, namespace, name)
      return { key, modRevision: Number(resourceVersion), op: { type: 'put', key, value, memo: entry } }
    },
  }
}
