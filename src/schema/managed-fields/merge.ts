import { setOwn } from '../freeze.ts'
import { isSame } from './compare.ts'
import {
  isMembers,
  itemElement,
  itemsOf,
  type ListShape,
  type MapShape,
  type Members,
  membersOf,
  type SetShape,
  type Shape,
  shapeOfValue,
} from './shape.ts'

/**
 * The live object with an applied configuration laid over it (`TypedValue.Merge`): what the configuration states wins,
 * everything else stays; items of lists are matched by their keys. What it does not change is the live object's, up to
 * the whole of it, so that comparing the two costs only what did change. Throws ItemFault.
 */
export function merge(shape: Shape, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live
  switch (shape.form) {
    case 'leaf':
      return isSame(live, applied) ? live : applied
    case 'any':
      return mergeUntyped(live, applied)
    case 'map':
      return mergeMaps(shape, live, applied)
    default:
      return mergeLists(shape, live, applied)
  }
}

function mergeUntyped(live: unknown, applied: unknown): unknown {
  const shape = shapeOfValue(applied)
  return live === undefined || shapeOfValue(live).form === shape.form ? merge(shape, live, applied) : applied
}

function mergeMaps(shape: MapShape, live: unknown, applied: unknown): unknown {
  const before = membersOf(live) ?? {}
  const given = membersOf(applied) ?? {}
  if (isNothing(before) && isNothing(given)) return isSame(live, applied) ? live : applied
  const result: Record<string, unknown> = {}
  let isLive = isMembers(live)
  for (const name in before) if (!Object.hasOwn(given, name)) setOwn(result, name, before[name])
  for (const name in given) {
    const below = shape.fields.get(name)?.shape() ?? shape.values()
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    const merged = below && merge(below, old, given[name])
    if (merged !== old) isLive = false
    if (below !== undefined) setOwn(result, name, merged)
  }
  return isLive ? live : result
}

function isNothing(members: Members): boolean {
  for (const _ in members) return false
  return true
}

/**
 * Items that only the live list has keep their place; the applied ones come in the order in which they were applied.
 * Where both orders cannot be kept, the applied one wins.
 */
function mergeLists(shape: SetShape | ListShape, live: unknown, applied: unknown): unknown {
  const before = itemsOf(live) ?? []
  const given = itemsOf(applied) ?? []
  if (before.length === 0 && given.length === 0) return isSame(live, applied) ? live : applied
  const givenNames = given.map((item) => itemElement(shape, item))
  const beforeNames = before.map((item) => itemElement(shape, item))
  const givenByName = new Map(givenNames.map((name, index) => [name, given[index]]))
  const liveByName = unique(beforeNames, before)
  const shared = givenNames.filter((name) => liveByName.has(name))
  let nextShared = 0
  const merged = new Set<string>()
  const result: unknown[] = []
  const take = (name: string) => {
    merged.add(name)
    result.push(merge(shape.items(), liveByName.get(name), givenByName.get(name)))
  }
  for (let left = 0, right = 0; left < before.length || right < given.length; ) {
    const name = beforeNames[left]
    const givenName = givenNames[right]
    if (name !== undefined && givenName !== undefined) {
      if (name === givenName) {
        take(name)
        left++
        right++
        nextShared++
        continue
      }
      const awaited = shared[nextShared]
      if (givenByName.has(name) && awaited !== undefined && awaited !== name) {
        // It is in both, but its turn in the applied order has not come.
        left++
        continue
      }
    }
    if (name !== undefined) {
      if (!givenByName.has(name)) {
        result.push(before[left])
        left++
        continue
      }
      if (merged.has(name)) left++
    }
    if (givenName !== undefined) {
      take(givenName)
      right++
      if (shared[nextShared] === givenName) nextShared++
    }
  }
  const isLive = result.length === before.length && result.every((item, index) => item === before[index])
  return isLive ? live : result
}

/** Items that occur twice are not merged with anything: they go, and what is applied stands alone. */
function unique(names: readonly string[], items: readonly unknown[]): Map<string, unknown> {
  const byName = new Map<string, unknown>()
  for (const [index, name] of names.entries()) byName.set(name, byName.has(name) ? undefined : items[index])
  return byName
}
