import { Quantity } from '../base/quantity.ts'
import { Pod } from '../kinds/core/pod.ts'
import { countName, overdueAt, quotaApplies, usageOf } from '../kinds/core/quota.ts'
import { ResourceQuota } from '../kinds/core/resource-quota.ts'
import type { CacheChange } from '../reconciler/caches.ts'
import {
  type Context,
  type Controller,
  defineController,
  nobody,
  type Wake,
  type Watch,
  type WatchContext,
  watch,
} from '../reconciler/controller.ts'
import type { ApiObject, Kind } from '../schema/kind.ts'
import { isEqual } from './shared/equal.ts'
import { isBeingDeleted } from './shared/owner.ts'
import { isTerminal } from './shared/pods.ts'

/** Core kinds of whose objects more than the number counts, under many names (`requests.cpu`, `services.nodeports`). */
const measured = new Set(['pods', 'services', 'persistentvolumeclaims'])

/**
 * Counts what is used of each quota. Admission books what comes; this counts what goes, and what was there before
 * the quota.
 *
 * @param kinds gives every kind that is served, custom resources included, whenever it is asked
 */
export function resourceQuotaController(kinds: () => readonly Kind[]): Controller {
  const countable = () =>
    kinds().filter(({ namespaced, verbs, kind }) => namespaced && verbs.includes('watch') && kind !== 'Event')
  let known: readonly Kind[] = []
  let followed: readonly Watch[] = []
  const watches = () => {
    const now = kinds()
    if (now !== known) followed = countable().map((kind) => watch(kind, quotasOf))
    known = now
    return followed
  }
  return defineController<ResourceQuota>({
    name: 'resourcequota-controller',
    reconciles: ResourceQuota,
    watches: watches(),
    follows: watches,
    // What admission has just booked is not in the caches yet: to count again because of it would take it off.
    wakes: ({ object, old }) => old === undefined || !isEqual(object?.spec.hard ?? {}, old.spec.hard ?? {}),

    // Caches may show a quota with bookings of objects that they do not show yet, whose room would be given away again.
    // So the quota is asked for first, and then what there is; a booking in between makes the write a conflict.
    async reconcile({ metadata: { namespace, name } }, context) {
      const { client, now } = context
      const quota = await client.get(ResourceQuota, { namespace: namespace!, name: name! })
      const objects = await countedObjects(quota, countable(), context)
      const hard = quota.spec.hard ?? {}
      const used = usedOf(quota, objects, now)
      const isCurrent = isEqual(quota.status.hard ?? {}, hard) && isEqual(quota.status.used ?? {}, used)
      if (!isCurrent) await client.updateStatus(ResourceQuota, { ...quota, status: { hard, used } })
      const overdue = nextOverdue(objects, now)
      return overdue === undefined ? undefined : { againAfterMs: overdue - now }
    },
  })
}

function quotasOf({ object, old }: CacheChange<ApiObject>, { list, now }: WatchContext): readonly Wake[] {
  const freesAt = object === undefined ? now : old === undefined ? undefined : freeingAt(object, old, now)
  if (freesAt === undefined) return nobody
  return list(ResourceQuota, (object ?? old!).metadata.namespace).map(({ metadata }) => ({
    namespace: metadata.namespace!,
    name: metadata.name!,
    afterMs: freesAt - now,
  }))
}

/** Pods free what they used when they come to their end, or at the latest when they should; others when their wish changes. */
function freeingAt(object: ApiObject, old: ApiObject, now: number): number | undefined {
  if (object.kind === Pod.kind) {
    if (isTerminal(object as Pod)) return isTerminal(old as Pod) ? undefined : now
    return isBeingDeleted(object) && !isBeingDeleted(old) ? overdueAt(object as Pod) + 1 : undefined
  }
  return object.kind === 'Service' || object.kind === 'PersistentVolumeClaim' ? now : undefined
}

/** The objects of each kind that the quota may be about, as they are now. */
async function countedObjects(
  { metadata: { namespace }, spec }: ResourceQuota,
  kinds: readonly Kind[],
  { client, reads }: Context,
): Promise<Counted> {
  const names = Object.keys(spec.hard ?? {})
  const isCounted = (kind: Kind) =>
    (kind.group === '' && (measured.has(kind.plural) || names.includes(kind.plural))) || names.includes(countName(kind))
  const counted = kinds.filter((kind) => isCounted(kind) && reads(kind))
  const lists = counted.map(async (kind) => [kind, (await client.list(kind, { namespace: namespace! })).items] as const)
  return new Map(await Promise.all(lists))
}

type Counted = ReadonlyMap<Kind, readonly ApiObject[]>

/** When the next pod counts no longer though it is still there. */
function nextOverdue(objects: Counted, now: number): number | undefined {
  const times = ((objects.get(Pod) ?? []) as readonly Pod[])
    .filter((pod) => !isTerminal(pod))
    .map((pod) => overdueAt(pod) + 1)
    .filter((time) => time > now && Number.isFinite(time))
  return times.length === 0 ? undefined : Math.min(...times)
}

function usedOf(quota: ResourceQuota, objects: Counted, now: number): Record<string, string> {
  const totals = new Map(Object.keys(quota.spec.hard ?? {}).map((name) => [name, Quantity.zero]))
  for (const [kind, items] of objects) {
    for (const object of items) {
      if (!quotaApplies(quota, kind, object)) continue
      for (const [name, amount] of usageOf(kind, object, now)) {
        const total = totals.get(name)
        if (total !== undefined) totals.set(name, total.add(amount))
      }
    }
  }
  return Object.fromEntries([...totals].map(([name, amount]) => [name, amount.toString()]))
}
