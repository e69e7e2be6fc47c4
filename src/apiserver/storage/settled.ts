import type { ApiObject } from '../../schema/kind.ts'
import type { Mutable } from '../../schema/types.ts'
import type { StoredEntry } from '../entry.ts'
import { loosen } from './metadata.ts'
import type { ResourceState } from './state.ts'

/**
 * Members of a stored object that decoding and defaults leave as they are (`StoredEntry.settled`). A status is written
 * far more often than a wish changes, and whoever writes one mostly sends the very wish that is stored: it need not be
 * decoded, defaulted and compared again and again. That a member is settled is not taken for granted, since a webhook
 * may have made it and an older server may have stored it; it is known of what this server has completed itself, and else
 * once a write has brought it through all of that unchanged.
 */

type Members = Readonly<Record<string, unknown>>

const membersOf = (object: object) => object as Members

const isObject = (value: unknown) => typeof value === 'object' && value !== null

/** The settled members that a draft has from the stored object, and not just alike. */
export function keptMembers(draft: ApiObject, { settled, object }: StoredEntry): readonly string[] {
  const [given, stored] = [membersOf(draft), membersOf(object)]
  const isKept = (name: string) => given[name] === stored[name]
  return settled.every(isKept) ? settled : settled.filter(isKept)
}

/** Whether a draft has further members from the stored object: what changes drafts must not get hold of those. */
export function hasUnsettled(draft: ApiObject, { object }: StoredEntry, kept: readonly string[]): boolean {
  const [given, stored] = [membersOf(draft), membersOf(object)]
  for (const name in given) {
    if (isObject(given[name]) && given[name] === stored[name] && !kept.includes(name)) return true
  }
  return false
}

/**
 * Notes which members have come through decoding and defaults as they are stored, and gives their names. Of those that
 * have not nothing follows: they were changed.
 * @param shared the new object with the parts of the stored one in the place of those that are the same
 */
export function noteSettled(state: ResourceState, entry: StoredEntry, shared: ApiObject): readonly string[] {
  if (!maySettle(state)) return entry.settled
  const [now, stored] = [membersOf(shared), membersOf(entry.object)]
  const isSettled = (name: string) => name !== 'metadata' && isObject(now[name]) && now[name] === stored[name]
  const same = oneOf(Object.keys(now).filter(isSettled))
  const others = entry.settled.filter((name) => !same.includes(name))
  entry.settled = others.length === 0 ? same : oneOf([...same, ...others])
  return same
}

/**
 * Custom objects are decoded by a schema that may change, versions are made of one another whenever they are written,
 * and what a hook puts into an object it puts there in place.
 */
const maySettle = ({ kind, hook }: ResourceState) =>
  hook === undefined && kind.storedAs === undefined && kind.schema.options.decode === undefined

/** Puts stored members in the place of those that have come out the same. `kept` are there already. */
export function putBack(
  object: Mutable<ApiObject>,
  stored: ApiObject,
  settled: readonly string[],
  kept: readonly string[],
): void {
  const others = settled.filter((name) => !kept.includes(name))
  for (const name of others) Object.assign(object, { [name]: membersOf(stored)[name] })
  loosen(object, others)
}

/**
 * What is settled of the stored object and has stayed is settled in the one that takes its place, and so is what has
 * changed in one that is `derived`: what was put there is complete.
 */
export function passOnSettled(entry: StoredEntry, object: ApiObject, next: StoredEntry, derived = false): void {
  const isThere = (name: string) => isObject(membersOf(object)[name])
  next.settled = oneOf(derived ? entry.settled.filter(isThere) : keptMembers(object, entry))
}

/** Notes that a new object is complete in all of its members: whatever admission has put into it, defaults would leave. */
export function settleNew(state: ResourceState, object: ApiObject, entry: StoredEntry): void {
  if (!maySettle(state)) return
  const isSettled = (name: string) => name !== 'metadata' && isObject(membersOf(object)[name])
  entry.settled = oneOf(Object.keys(object).filter(isSettled))
}

const lists = new Map<string, readonly string[]>()

/** Every entry has such a list, and there are few different ones: those of the same names are the same list. */
function oneOf(names: readonly string[]): readonly string[] {
  const text = names.join()
  const known = lists.get(text)
  if (known !== undefined) return known
  lists.set(text, names)
  return names
}
