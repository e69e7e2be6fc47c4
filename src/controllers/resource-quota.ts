import { Quantity } from '../base/quantity.ts'
import { Pod } from '../kinds/core/pod.ts'
import { countName, quotaApplies, usageOf } from '../kinds/core/quota.ts'
import { ResourceQuota } from '../kinds/core/resource-quota.ts'
import type { CacheChange } from '../reconciler/caches.ts'
import { setStatus } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, type WatchContext, watch } from '../reconciler/controller.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { isEqual } from './shared/equal.ts'
import { isTerminal } from './shared/pods.ts'

/** Core kinds whose objects count under names of their own; the others only as `count/<resource>`. */
const named = new Set([
  'pods',
  'services',
  'persistentvolumeclaims',
  'configmaps',
  'secrets',
  'replicationcontrollers',
  'resourcequotas',
])

/**
 * Counts what is used of each quota. Admission books what comes; this counts what goes, and what was there before
 * the quota.
 *
 * @param kinds gives every kind that is served, custom resources included, whenever it is asked
 */
export function resourceQuotaController(kinds: () => readonly Kind[]): Controller {
  const countable = () =>
    kinds().filter(({ namespaced, verbs, kind }) => namespaced && verbs.includes('list') && kind !== 'Event')
  const watches = () => countable().map((kind) => watch(kind, quotasOf))
  return defineController<ResourceQuota>({
    name: 'resourcequota-controller',
    reconciles: ResourceQuota,
    watches: watches(),
    follows: watches,
    // What admission has just booked is not in the caches yet: to count again because of it would take it off.
    wakes: ({ object, old }) => old === undefined || !isEqual(object?.spec.hard ?? {}, old.spec.hard ?? {}),

    *reconcile(quota, context) {
      const hard = quota.spec.hard ?? {}
      const used = usedOf(quota, countable(), context)
      const status = { hard, used }
      const isCurrent = isEqual(quota.status.hard ?? {}, hard) && isEqual(quota.status.used ?? {}, used)
      if (!isCurrent) yield setStatus(ResourceQuota, quota, status)
    },
  })
}

function* quotasOf({ object, old }: CacheChange<ApiObject>, { list }: WatchContext) {
  if (object !== undefined && (old === undefined || !isFreeing(object, old))) return
  for (const { metadata } of list(ResourceQuota, (object ?? old!).metadata.namespace))
    yield { namespace: metadata.namespace, name: metadata.name! }
}

/** Pods free what they used when they come to their end, other objects when their wish changes. */
function isFreeing(object: ApiObject, old: ApiObject): boolean {
  if (object.kind === Pod.kind) return isTerminal(object as Pod) && !isTerminal(old as Pod)
  return object.kind === 'Service' || object.kind === 'PersistentVolumeClaim'
}

function usedOf(quota: ResourceQuota, kinds: readonly Kind[], { list, reads }: Context): Record<string, string> {
  const names = Object.keys(quota.spec.hard ?? {})
  const totals = new Map(names.map((name) => [name, Quantity.zero]))
  for (const kind of kinds) {
    const isNamed = kind.group === '' && named.has(kind.plural)
    if ((!isNamed && !totals.has(countName(kind))) || !reads(kind)) continue
    for (const object of list(kind, quota.metadata.namespace)) {
      if (!quotaApplies(quota, kind, object)) continue
      for (const [name, amount] of usageOf(kind, object)) {
        const total = totals.get(name)
        if (total !== undefined) totals.set(name, total.add(amount))
      }
    }
  }
  return Object.fromEntries([...totals].map(([name, amount]) => [name, amount.toString()]))
}
