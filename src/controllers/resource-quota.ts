import { Quantity } from '../base/quantity.ts'
import { Pod } from '../kinds/core/pod.ts'
import { countName, overdueAt, quotaApplies, usageOf } from '../kinds/core/quota.ts'
import { ResourceQuota } from '../kinds/core/resource-quota.ts'
import type { CacheChange } from '../reconciler/caches.ts'
import { again, setStatus } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, type WatchContext, watch } from '../reconciler/controller.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { isEqual } from './shared/equal.ts'
import { isBeingDeleted } from './shared/owner.ts'
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
    kinds().filter(({ namespaced, verbs, kind }) => namespaced && verbs.includes('watch') && kind !== 'Event')
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
      const overdue = nextOverdue(quota, context)
      if (overdue !== undefined) yield again(overdue - context.now)
    },
  })
}

function* quotasOf({ object, old }: CacheChange<ApiObject>, { list, now }: WatchContext) {
  const freesAt = object === undefined ? now : old === undefined ? undefined : freeingAt(object, old, now)
  if (freesAt === undefined) return
  for (const { metadata } of list(ResourceQuota, (object ?? old!).metadata.namespace))
    yield { namespace: metadata.namespace, name: metadata.name!, afterMs: freesAt - now }
}

/** Pods free what they used when they come to their end, or at the latest when they should; others when their wish changes. */
function freeingAt(object: ApiObject, old: ApiObject, now: number): number | undefined {
  if (object.kind === Pod.kind) {
    if (isTerminal(object as Pod)) return isTerminal(old as Pod) ? undefined : now
    return isBeingDeleted(object) && !isBeingDeleted(old) ? overdueAt(object as Pod) + 1 : undefined
  }
  return object.kind === 'Service' || object.kind === 'PersistentVolumeClaim' ? now : undefined
}

/** When the next pod counts no longer though it is still there. */
function nextOverdue({ metadata }: ResourceQuota, { list, now }: Context): number | undefined {
  const times = list(Pod, metadata.namespace)
    .filter((pod) => !isTerminal(pod))
    .map((pod) => overdueAt(pod) + 1)
    .filter((time) => time > now && Number.isFinite(time))
  return times.length === 0 ? undefined : Math.min(...times)
}

function usedOf(quota: ResourceQuota, kinds: readonly Kind[], { list, reads, now }: Context): Record<string, string> {
  const names = Object.keys(quota.spec.hard ?? {})
  const totals = new Map(names.map((name) => [name, Quantity.zero]))
  for (const kind of kinds) {
    const isNamed = kind.group === '' && named.has(kind.plural)
    if ((!isNamed && !totals.has(countName(kind))) || !reads(kind)) continue
    for (const object of list(kind, quota.metadata.namespace)) {
      if (!quotaApplies(quota, kind, object)) continue
      for (const [name, amount] of usageOf(kind, object, now)) {
        const total = totals.get(name)
        if (total !== undefined) totals.set(name, total.add(amount))
      }
    }
  }
  return Object.fromEntries([...totals].map(([name, amount]) => [name, amount.toString()]))
}
