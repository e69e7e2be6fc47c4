/**
 * What is done with API objects as plain JSON values: freezing what is shared, copying what is to be changed,
 * comparing. All take trees as `JSON.parse` makes them; cycles, dates and classes do not occur.
 */

import type { Mutable } from './types.ts'

let freezes = true

/**
 * From now on nothing is frozen in this process. Freezing costs an eighth of a write; it is for tests, and for programs
 * into which a cluster is built, where somebody may not know that what is read is shared.
 */
export function trustReaders(): void {
  freezes = false
}

/**
 * Freezes a tree and gives it back. A part that is frozen already is taken to be frozen all the way down, so that
 * objects which share parts cost only what is new.
 */
export function deepFreeze<T>(value: T): T {
  if (freezes && typeof value === 'object' && value !== null && !Object.isFrozen(value)) freezeTree(value)
  return value
}

/** The tree is walked with a list of what is left, so that deep nesting cannot exhaust the stack. */
function freezeTree(root: object): void {
  const left: object[] = [root]
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    Object.freeze(value)
    if (Array.isArray(value)) {
      for (const child of value) if (isOpenObject(child)) left.push(child)
    } else {
      for (const key in value) {
        const child = (value as Record<string, unknown>)[key]
        if (isOpenObject(child)) left.push(child)
      }
    }
  }
}

function isOpenObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Object.isFrozen(value)
}

/**
 * `next` with the parts of `old` in the place of those that are the same to the last bit, order of keys included; `old`
 * itself when all of it is. Neither is changed. What is shared need not be compared, frozen or kept a second time.
 */
export function sharing<T>(next: T, old: unknown): T {
  if (next === old || typeof next !== 'object' || next === null || typeof old !== 'object' || old === null) return next
  if (Array.isArray(next)) return Array.isArray(old) ? (sharingItems(next, old) as T) : next
  if (Array.isArray(old)) return next
  return sharingMembers(next as Record<string, unknown>, old as Record<string, unknown>) as T
}

function sharingItems(next: readonly unknown[], old: readonly unknown[]): readonly unknown[] {
  let result = next as unknown[]
  let isOld = next.length === old.length
  for (let index = 0; index < next.length; index++) {
    const item = sharing(next[index], old[index])
    if (item !== old[index]) isOld = false
    if (item === next[index]) continue
    if (result === next) result = [...next]
    result[index] = item
  }
  return isOld ? old : result
}

function sharingMembers(next: Record<string, unknown>, old: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(old)
  let result = next
  let isOld = true
  let at = 0
  for (const name in next) {
    const isInPlace = names[at++] === name
    const before = isInPlace ? old[name] : ownValue(old, name)
    const item = sharing(next[name], before)
    if (!isInPlace || item !== before) isOld = false
    if (item === next[name]) continue
    if (result === next) result = { ...next }
    setOwn(result, name, item)
  }
  return isOld && at === names.length ? old : result
}

/** A copy that shares nothing with the original and may be changed. */
export function clone<T>(value: T): Mutable<T> {
  return copy(value) as Mutable<T>
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copy)
  const result: Record<string, unknown> = {}
  for (const key in value) setOwn(result, key, copy((value as Record<string, unknown>)[key]))
  return result
}

/** Sets a key that comes from outside: `__proto__` becomes a key like any other. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    target[key] = value
  }
}

/**
 * Whether two values mean the same to the API (`apiequality.Semantic.DeepEqual`): an absent field, `null`, an empty
 * list and an empty map are the same. Quantities and times are compared as text; decoding has made them canonical.
 */
export function equalJson(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) {
    return isNothing(left) && isNothing(right)
  }
  if (Array.isArray(left) !== Array.isArray(right)) return isNothing(left) && isNothing(right)
  return Array.isArray(left)
    ? equalLists(left, right as readonly unknown[])
    : equalObjects(left as Record<string, unknown>, right as Record<string, unknown>)
}

function equalLists(left: readonly unknown[], right: readonly unknown[]): boolean {
  if (left.length !== right.length) return false
  for (let index = 0; index < left.length; index++) {
    if (!equalJson(left[index], right[index])) return false
  }
  return true
}

function equalObjects(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  for (const key in left) if (!equalJson(left[key], ownValue(right, key))) return false
  for (const key in right) if (!Object.hasOwn(left, key) && !isNothing(right[key])) return false
  return true
}

function ownValue(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}
