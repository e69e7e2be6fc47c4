import { goType, goValue } from './go-format.ts'
import { ApiError } from './status.ts'

/**
 * How strategic merge orders a merged list: items that the patch names stand in the patch's order (or in that of
 * `$setElementOrder`), the others keep the order they had, and both are interleaved by their former places
 * (Kubernetes design proposal "Preserve order in strategic merge patch").
 */

export type Members = Readonly<Record<string, unknown>>

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What identifies an item in a list: the value of its merge key; a scalar is its own identity. */
export type Identity = (item: unknown) => unknown

export function identityBy(mergeKey: string): Identity {
  return mergeKey === '' ? (item) => item : (item) => (isMembers(item) ? item[mergeKey] : undefined)
}

/** Orders `merged` by the items of `wanted`, and those that are not in it by `former`. */
export function orderMerged(
  merged: readonly unknown[],
  wanted: readonly unknown[],
  former: readonly unknown[],
  mergeKey: string,
): readonly unknown[] {
  const identity = identityBy(mergeKey)
  const wantedPlaces = placesOf(wanted, identity)
  const formerPlaces = placesOf(former, identity)
  const named = merged.filter((item) => wantedPlaces.has(identity(item)))
  const others = merged.filter((item) => !wantedPlaces.has(identity(item)))
  return interleave(
    byPlace(others, formerPlaces, identity),
    byPlace(named, wantedPlaces, identity),
    formerPlaces,
    identity,
  )
}

function placesOf(items: readonly unknown[], identity: Identity): ReadonlyMap<unknown, number> {
  const places = new Map<unknown, number>()
  for (const [index, item] of items.entries()) if (!places.has(identity(item))) places.set(identity(item), index)
  return places
}

function byPlace(items: readonly unknown[], places: ReadonlyMap<unknown, number>, identity: Identity): unknown[] {
  const place = (item: unknown) => places.get(identity(item)) ?? places.size
  return items.toSorted((left, right) => place(left) - place(right))
}

/** Puts each of `others` before the first of `named` that formerly stood behind it. */
function interleave(
  others: readonly unknown[],
  named: readonly unknown[],
  formerPlaces: ReadonlyMap<unknown, number>,
  identity: Identity,
): unknown[] {
  const ordered: unknown[] = []
  let next = 0
  for (const item of named) {
    const place = formerPlaces.get(identity(item)) ?? -1
    while (next < others.length && (formerPlaces.get(identity(others[next])) ?? Number.POSITIVE_INFINITY) < place) {
      ordered.push(others[next++])
    }
    ordered.push(item)
  }
  return [...ordered, ...others.slice(next)]
}

/** Throws when the patch's items do not stand in the order that `$setElementOrder` gives, or are not in it. */
export function checkOrder(patch: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  if (order.length === 0 || patch.length === 0) return
  const items = mergeKey === '' ? patch : patch.filter((item) => !('$patch' in toMembers(item)))
  let place = 0
  for (const item of items) {
    while (place < order.length && mergeKeyOf(item, mergeKey) !== mergeKeyOf(order[place], mergeKey)) place++
    if (place === order.length) throw misordered(patch, order)
    place++
  }
}

function misordered(patch: readonly unknown[], order: readonly unknown[]): ApiError {
  const lists = `The order in patch list:\n${goValue(patch)}\n doesn't match $setElementOrder list:\n${goValue(order)}\n`
  return new ApiError('', lists)
}

/** The merge key's value of an item, which must have one; a scalar itself when there is no merge key. */
export function mergeKeyOf(item: unknown, mergeKey: string): unknown {
  if (mergeKey === '') return item
  const members = toMembers(item)
  if (!Object.hasOwn(members, mergeKey)) throw withoutMergeKey(members, mergeKey)
  return members[mergeKey]
}

export const withoutMergeKey = (item: Members, mergeKey: string) =>
  new ApiError('', `map: ${goValue(item)} does not contain declared merge key: ${mergeKey}`)

function toMembers(item: unknown): Members {
  if (isMembers(item)) return item
  throw new ApiError('', `expected a map[string]interface {}, but received a ${goType(item)}`)
}
