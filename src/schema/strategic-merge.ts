import { goQuote } from './field-errors.ts'
import { setOwn } from './freeze.ts'
import { goType, goValue, jsonWord } from './go-format.ts'
import { patchInvalid } from './patch-invalid.ts'
import { ApiError, badRequest } from './status.ts'
import {
  checkOrder,
  isMembers,
  type Members,
  mergeKeyOf,
  orderMerged,
  withoutMergeKey,
} from './strategic-merge-order.ts'
import { findTypeFault } from './strategic-merge-types.ts'
import type { Field, ListType, ObjectType, Type } from './types.ts'

/**
 * Strategic merge patch: a merge patch that knows from the schema which lists merge item by item (`list.options.merge`).
 * Directives in the patch say what a plain value cannot:
 *
 * - `$patch: replace` or `$patch: delete` in an object or in an item of a merging list;
 * - `$deleteFromPrimitiveList/x`: the scalars to take out of the list `x`;
 * - `$setElementOrder/x`: the order of the items of list `x`;
 * - `$retainKeys`: the only members that stay.
 *
 * Faults have the reference's words, status codes included: what it did not foresee is a 500 without a reason.
 */

/**
 * Takes an object that may be frozen, the decoded patch and the object's type; gives the merged object, which shares
 * all untouched parts with the first one and new values with the patch. Throws an ApiError. Unknown fields pass: they
 * are for the decoder that reads the result.
 */
export function applyStrategicMergePatch(current: object, patch: unknown, type?: ObjectType): object {
  // Custom resources: their schema says nothing about patches.
  if (type === undefined) throw badRequest('strategic merge patch format is not supported')
  if (patch === null) return current
  if (!isMembers(patch)) {
    throw badRequest(`json: cannot unmarshal ${jsonWord(patch)} into Go value of type map[string]interface {}`)
  }
  const merged = mergeObject(current as Members, patch, type)
  const fault = findTypeFault(merged, current, type)
  if (fault !== undefined) throw strategicPatchInvalid(patch, fault)
  return withIdentity(merged, current as Members)
}

/** The error of a patch whose result is not an object of the type, or has unknown fields where that is a fault. */
export function strategicPatchInvalid(patch: unknown, why: string): ApiError {
  return patchInvalid(goValue(patch), why)
}

/** The result goes into an object of the type at hand, whatever kind the patch says; the other patches are not so lenient. */
function withIdentity(merged: Members, { apiVersion, kind }: Members): Members {
  if (merged['apiVersion'] === apiVersion && merged['kind'] === kind) return merged
  return { ...merged, ...(apiVersion !== undefined && { apiVersion }), ...(kind !== undefined && { kind }) }
}

const deletePrefix = '$deleteFromPrimitiveList'
const orderPrefix = '$setElementOrder'

function mergeObject(current: Members, patch: Members, type: Type): Members {
  if (Object.hasOwn(patch, '$patch')) return applyObjectDirective(patch)
  const merged: Record<string, unknown> = { ...current }
  retainKeys(merged, patch)
  const ordered = mergeOrderedLists(merged, patch, type)
  for (const [key, value] of Object.entries(patch)) {
    if (key === '$retainKeys' || key.startsWith(orderPrefix) || ordered.has(key)) continue
    if (key.startsWith(deletePrefix)) deleteScalars(merged, key, value, type)
    else mergeMember(merged, key, value, type)
  }
  return isSame(merged, current) ? current : merged
}

function applyObjectDirective(patch: Members): Members {
  const { $patch: directive, ...members } = patch
  if (directive === 'replace') return members
  if (directive === 'delete') return {}
  throw unknownDirective(directive, patch)
}

const unknownDirective = (directive: unknown, patch: Members) =>
  new ApiError('', `unknown patch type: ${goValue(directive)} in map: ${goValue(patch)}`)

function retainKeys(merged: Record<string, unknown>, patch: Members): void {
  if (!Object.hasOwn(patch, '$retainKeys')) return
  const keys = patch['$retainKeys']
  const retained = new Set(Array.isArray(keys) ? keys : [])
  const isNamed = ([key, value]: [string, unknown]) =>
    key === '$retainKeys' ||
    value === null ||
    key.startsWith(deletePrefix) ||
    key.startsWith(orderPrefix) ||
    retained.has(key)
  if (!Array.isArray(keys) || !Object.entries(patch).every(isNamed)) {
    throw badRequest('invalid patch format of retainKeys')
  }
  for (const key of Object.keys(merged)) if (!retained.has(key)) delete merged[key]
}

function mergeMember(merged: Record<string, unknown>, key: string, value: unknown, type: Type): void {
  if (value === null) {
    delete merged[key]
    return
  }
  const current = Object.hasOwn(merged, key) ? merged[key] : undefined
  const now = mergeValue(current, value, key, type)
  if (now === undefined) delete merged[key]
  else if (!isSameList(now, current)) setOwn(merged, key, now)
}

/** `undefined`: the member goes, because all that the patch has for it is a directive. */
function mergeValue(current: unknown, patch: unknown, key: string, type: Type): unknown {
  if (isMembers(current) && isMembers(patch)) {
    const member = memberOf(type, key)
    return member.replace ? patch : mergeObject(current, patch, member.type)
  }
  if (Array.isArray(current) && Array.isArray(patch)) {
    const list = mergingListOf(memberOf(type, key).type)
    return list ? mergeList(current, patch, list, false) : patch
  }
  return toNewValue(patch)
}

/** A value with nothing to merge into: neither `null` nor directives mean anything in it. */
function toNewValue(value: unknown): unknown {
  if (Array.isArray(value)) return toNewItems(value)
  if (!isMembers(value)) return value
  if (Object.hasOwn(value, '$patch')) return undefined
  const members: Record<string, unknown> = {}
  for (const key in value) {
    const item = value[key]
    const now = item === null ? undefined : toNewValue(item)
    if (now !== undefined) setOwn(members, key, now)
  }
  return members
}

function toNewItems(items: readonly unknown[]): unknown[] {
  const result: unknown[] = []
  for (const item of items) {
    const now = toNewValue(item)
    if (now !== undefined) result.push(now)
  }
  return result
}

function deleteScalars(merged: Record<string, unknown>, directive: string, scalars: unknown, type: Type): void {
  const key = listKeyOf(directive, deletePrefix, 'invalid patch format of primitive list')
  if (scalars === null) {
    delete merged[key]
    return
  }
  const current = Object.hasOwn(merged, key) ? merged[key] : undefined
  if (Array.isArray(current) && Array.isArray(scalars)) {
    // Also where a patch would replace the list as a whole: that is what the directive is for.
    const { type: list } = memberOf(type, key)
    if (list.type === 'list') merged[key] = mergeList(current, scalars, list, true)
  } else if (current !== undefined && !Array.isArray(current) && goType(current) === goType(scalars)) {
    mergeMember(merged, key, scalars, type)
  }
}

/** Merges the lists for which the patch gives an order. Returns their names: they are done. */
function mergeOrderedLists(merged: Record<string, unknown>, patch: Members, type: Type): ReadonlySet<string> {
  if (!saysOrder(patch)) return noLists
  const done = new Set<string>()
  for (const [directive, order] of Object.entries(patch)) {
    if (!directive.startsWith(orderPrefix)) continue
    const wanted = toList(order)
    const key = listKeyOf(directive, orderPrefix, 'invalid patch format of setElementOrder list')
    const current = Object.hasOwn(merged, key) ? toList(merged[key]) : undefined
    const given = Object.hasOwn(patch, key) ? toList(patch[key]) : undefined
    const member = memberOf(type, key).type
    const mergeKey = member.type === 'list' && typeof member.options.merge === 'string' ? member.options.merge : ''
    checkOrder(given ?? [], wanted, mergeKey)
    if (!current && !given) continue
    elementKind(current ?? [], given ?? [])
    const list = mergingListOf(member)
    const both = current && given ? (list ? mergeList(current, given, list, false) : given) : (current ?? given ?? [])
    merged[key] = inOrder(both, wanted, current ?? [], mergeKey)
    done.add(key)
  }
  return done
}

const noLists: ReadonlySet<string> = new Set()

function saysOrder(patch: Members): boolean {
  for (const key in patch) if (key.startsWith(orderPrefix)) return true
  return false
}

function inOrder(
  merged: readonly unknown[],
  wanted: readonly unknown[],
  former: readonly unknown[],
  mergeKey: string,
): readonly unknown[] {
  for (const items of [merged, wanted, former]) for (const item of items) mergeKeyOf(item, mergeKey)
  return orderMerged(merged, wanted, former, mergeKey)
}

function toList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  const given = value === null ? '%!s(<nil>)' : goType(value)
  throw new ApiError('', `expected a []interface {}, but received a ${given}`)
}

function listKeyOf(directive: string, prefix: string, fault: string): string {
  const slash = directive.indexOf('/')
  if (slash !== prefix.length) throw badRequest(fault)
  return directive.slice(slash + 1)
}

function mergeList(
  current: readonly unknown[],
  patch: readonly unknown[],
  list: ListType,
  isDeletion: boolean,
): readonly unknown[] {
  if (current.length === 0 && patch.length === 0) return current
  if (elementKind(current, patch) !== 'map') {
    if (isDeletion) return current.filter((item) => !patch.includes(item))
    return orderMerged([...new Set([...current, ...patch])], patch, current, '')
  }
  const mergeKey = list.options.merge
  if (typeof mergeKey !== 'string') throw new ApiError('', 'cannot merge lists without merge key for type struct')
  const { kept, items } = applyItemDirectives(current as Members[], patch as Members[], mergeKey)
  return inOrder(mergeItems(kept, items, mergeKey, list.items), items, kept, mergeKey)
}

/** Splits off the items that are directives, and does what they say to the current ones. */
function applyItemDirectives(
  current: readonly Members[],
  patch: readonly Members[],
  mergeKey: string,
): { kept: readonly Members[]; items: readonly Members[] } {
  const items = patch.filter((item) => !Object.hasOwn(item, '$patch'))
  let kept = current
  let isReplaced = false
  for (const item of patch) {
    if (!Object.hasOwn(item, '$patch')) continue
    const directive = item['$patch']
    if (directive === 'delete') {
      if (!Object.hasOwn(item, mergeKey)) throw withoutMergeKey(item, mergeKey)
      kept = kept.filter((old) => old[mergeKey] !== item[mergeKey])
    } else if (directive === 'replace') isReplaced = true
    else if (directive === 'merge') throw new ApiError('', 'merging lists cannot yet be specified in the patch')
    else throw unknownDirective(directive, item)
  }
  return isReplaced ? { kept: items, items: [] } : { kept, items }
}

function mergeItems(current: readonly Members[], patch: readonly Members[], mergeKey: string, type: Type): Members[] {
  const merged = [...current]
  const indexes = new Map<unknown, number>()
  for (const [index, item] of merged.entries()) {
    if (Object.hasOwn(item, mergeKey) && !indexes.has(item[mergeKey])) indexes.set(item[mergeKey], index)
  }
  for (const item of patch) {
    const key = mergeKeyOf(item, mergeKey)
    const index = indexes.get(key)
    if (index !== undefined) merged[index] = mergeObject(merged[index]!, item, type)
    else indexes.set(key, merged.push(item) - 1)
  }
  return merged
}

/** The one kind that all items of both lists have. */
function elementKind(current: readonly unknown[], patch: readonly unknown[]): string {
  const types = new Set([...current, ...patch].map(goType))
  const [only] = types
  if (only === undefined) throw new ApiError('', 'no elements in any of the given slices')
  if (only === '[]interface {}') {
    throw new ApiError('Invalid', 'the server rejected our request due to an error in our request', { details: {} })
  }
  if (types.size > 1) {
    throw new ApiError('', `list element types are not identical: [${goValue(current)} ${goValue(patch)}]`)
  }
  return isMembers([...current, ...patch][0]) ? 'map' : 'scalar'
}

const mergingListOf = (type: Type) => (type.type === 'list' && type.options.merge !== undefined ? type : undefined)

/** The type of a member, and whether its field says that strategic merge replaces it as a whole. */
function memberOf(type: Type, key: string): { readonly type: Type; readonly replace: boolean } {
  if (type.type === 'map') return { type: type.values, replace: false }
  if (type.type === 'object' && Object.hasOwn(type.fields, key)) {
    const field = type.fields[key] as Field
    return { type: field.type, replace: field.options.replace === true }
  }
  throw new ApiError('', `unable to find api field in struct ${structName(type)} for the json field ${goQuote(key)}`)
}

function structName(type: Type): string {
  if (type.type === 'object') return type.name.slice(type.name.lastIndexOf('.') + 1)
  return type.type === 'json' ? 'JSON' : 'RawExtension'
}

/** A merged list in which nothing has changed; the old one can stay, so that nobody looks at it again. */
function isSameList(merged: unknown, current: unknown): boolean {
  if (!Array.isArray(merged) || !Array.isArray(current) || merged.length !== current.length) return false
  return merged.every((item, index) => item === current[index])
}

function isSame(left: Members, right: Members): boolean {
  const keys = Object.keys(left)
  return keys.length === Object.keys(right).length && keys.every((key) => left[key] === right[key])
}
