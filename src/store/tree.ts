/**
 * A persistent ordered tree: every change gives a new root and leaves the old one as it was; the two share all
 * nodes but those on the path to the change. A root is therefore a whole state that can be kept for nothing, which
 * is what history, fork and rewind are made of.
 *
 * It is a B+ tree of fan-out 32: items lie in leaves, branches know the least key of each child and how many items
 * are below them, so counting a range costs O(log n). Nodes are never changed once made.
 */
export type Tree<T extends Keyed> = Leaf<T> | Branch<T>

export interface Keyed {
  readonly key: string
}

const most = 32
const least = 8

class Leaf<T extends Keyed> {
  readonly leaf = true
  readonly items: readonly T[]
  readonly count: number
  constructor(items: readonly T[]) {
    this.items = items
    this.count = items.length
  }
}

class Branch<T extends Keyed> {
  readonly leaf = false
  /** The least key of each child; the first one is never looked at. */
  readonly keys: readonly string[]
  readonly children: readonly Tree<T>[]
  readonly count: number
  constructor(keys: readonly string[], children: readonly Tree<T>[], count: number) {
    this.keys = keys
    this.children = children
    this.count = count
  }
}

const nothing = new Leaf<never>([])

export function emptyTree<T extends Keyed>(): Tree<T> {
  return nothing
}

export function treeGet<T extends Keyed>(tree: Tree<T>, key: string): T | undefined {
  let node = tree
  while (!node.leaf) node = node.children[childOf(node.keys, key)]!
  const item = node.items[lowerBound(node.items, key)]
  return item !== undefined && item.key === key ? item : undefined
}

/** The tree with `item` in it, in place of what had the same key. */
export function treePut<T extends Keyed>(tree: Tree<T>, item: T): Tree<T> {
  const changed = put(tree, item)
  return size(changed) <= most ? changed : branchOf(split(changed))
}

/** The tree without `key`; the very same tree when it has none. */
export function treeRemove<T extends Keyed>(tree: Tree<T>, key: string): Tree<T> {
  let changed = remove(tree, key)
  while (!changed.leaf && changed.children.length === 1) changed = changed.children[0]!
  return changed
}

/** How many keys come before `key`. */
export function treeRank<T extends Keyed>(tree: Tree<T>, key: string): number {
  let node = tree
  let before = 0
  while (!node.leaf) {
    const at = childOf(node.keys, key)
    for (let i = 0; i < at; i++) before += node.children[i]!.count
    node = node.children[at]!
  }
  return before + lowerBound(node.items, key)
}

/** How many keys are in `[from, to)`; `to` absent: to the end. */
export function treeCount<T extends Keyed>(tree: Tree<T>, from: string, to?: string): number {
  const end = to === undefined ? tree.count : treeRank(tree, to)
  return Math.max(0, end - treeRank(tree, from))
}

/** The items in `[from, to)` in order, at most `limit`; `to` absent: to the end. */
export function treeRange<T extends Keyed>(tree: Tree<T>, from: string, to?: string, limit = Infinity): T[] {
  const found: T[] = []
  if (limit > 0) collect(tree, from, to, limit, found)
  return found
}

/** A tree of items that are already in order and have no key twice. */
export function treeFromSorted<T extends Keyed>(items: readonly T[]): Tree<T> {
  if (items.length <= most) return new Leaf(items)
  let level: Tree<T>[] = slices(items).map((part) => new Leaf(part))
  while (level.length > 1) level = slices(level).map((children) => branchOf(children))
  return level[0]!
}

/** Leaves a quarter of each node free, so that the first changes do not split every one. */
function slices<Item>(items: readonly Item[]): Item[][] {
  const parts = Math.ceil(items.length / ((most * 3) / 4))
  return Array.from({ length: parts }, (_, part) =>
    items.slice(Math.floor((items.length * part) / parts), Math.floor((items.length * (part + 1)) / parts)),
  )
}

function collect<T extends Keyed>(
  node: Tree<T>,
  from: string | undefined,
  to: string | undefined,
  limit: number,
  found: T[],
): boolean {
  if (!node.leaf) {
    const first = from === undefined ? 0 : childOf(node.keys, from)
    const last = to === undefined ? node.children.length - 1 : childOf(node.keys, to)
    for (let i = first; i <= last; i++) {
      const inside = i === first ? from : undefined
      if (!collect(node.children[i]!, inside, i === last ? to : undefined, limit, found)) return false
    }
    return true
  }
  const first = from === undefined ? 0 : lowerBound(node.items, from)
  const end = to === undefined ? node.items.length : lowerBound(node.items, to)
  for (let i = first; i < end; i++) {
    found.push(node.items[i]!)
    if (found.length >= limit) return false
  }
  return true
}

function put<T extends Keyed>(node: Tree<T>, item: T): Tree<T> {
  if (node.leaf) {
    const at = lowerBound(node.items, item.key)
    if (node.items[at]?.key === item.key) return new Leaf(replaced(node.items, at, item))
    return new Leaf(inserted(node.items, at, item))
  }
  const at = childOf(node.keys, item.key)
  const before = node.children[at]!
  const after = put(before, item)
  const count = node.count + after.count - before.count
  if (size(after) <= most) return new Branch(node.keys, replaced(node.children, at, after), count)
  const [left, right] = split(after)
  return new Branch(
    inserted(node.keys, at + 1, leastKey(right)),
    inserted(replaced(node.children, at, left), at + 1, right),
    count,
  )
}

function remove<T extends Keyed>(node: Tree<T>, key: string): Tree<T> {
  if (node.leaf) {
    const at = lowerBound(node.items, key)
    return node.items[at]?.key === key ? new Leaf(without(node.items, at)) : node
  }
  const at = childOf(node.keys, key)
  const before = node.children[at]!
  const after = remove(before, key)
  if (after === before) return node
  if (size(after) >= least || node.children.length === 1) {
    return new Branch(node.keys, replaced(node.children, at, after), node.count - 1)
  }
  return mended(node, at, after)
}

/** The branch with its child `at`, which has become too small, joined with a neighbour (and split again when too big). */
function mended<T extends Keyed>(node: Branch<T>, at: number, small: Tree<T>): Branch<T> {
  const left = at === 0 ? 0 : at - 1
  const joined = at === 0 ? join(small, node.children[1]!) : join(node.children[left]!, small)
  const parts = size(joined) <= most ? [joined] : split(joined)
  const children = [...node.children.slice(0, left), ...parts, ...node.children.slice(left + 2)]
  // Separators may be less than the least key that is left; taking the true one where it is at hand keeps them tight.
  const keys = [
    ...node.keys.slice(0, left),
    node.keys[left]!,
    ...parts.slice(1).map(leastKey),
    ...node.keys.slice(left + 2),
  ]
  return new Branch(keys, children, node.count - 1)
}

function join<T extends Keyed>(left: Tree<T>, right: Tree<T>): Tree<T> {
  if (left.leaf && right.leaf) return new Leaf([...left.items, ...right.items])
  if (left.leaf || right.leaf) throw new Error('tree: neighbours of different height')
  return new Branch(
    [...left.keys, leastKey(right), ...right.keys.slice(1)],
    [...left.children, ...right.children],
    left.count + right.count,
  )
}

function split<T extends Keyed>(node: Tree<T>): [Tree<T>, Tree<T>] {
  const middle = size(node) >> 1
  if (node.leaf) return [new Leaf(node.items.slice(0, middle)), new Leaf(node.items.slice(middle))]
  const children = node.children.slice(0, middle)
  const count = countOf(children)
  return [
    new Branch(node.keys.slice(0, middle), children, count),
    new Branch(node.keys.slice(middle), node.children.slice(middle), node.count - count),
  ]
}

function branchOf<T extends Keyed>(children: readonly Tree<T>[]): Branch<T> {
  return new Branch(children.map(leastKey), children, countOf(children))
}

function countOf<T extends Keyed>(nodes: readonly Tree<T>[]): number {
  let count = 0
  for (const node of nodes) count += node.count
  return count
}

function size<T extends Keyed>(node: Tree<T>): number {
  return node.leaf ? node.items.length : node.children.length
}

function leastKey<T extends Keyed>(node: Tree<T>): string {
  while (!node.leaf) node = node.children[0]!
  return node.items[0]?.key ?? ''
}

/** The index of the child in which `key` belongs. */
function childOf(keys: readonly string[], key: string): number {
  let low = 1
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (keys[middle]! <= key) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The index of the first item whose key is not before `key`. */
function lowerBound<T extends Keyed>(items: readonly T[], key: string): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (items[middle]!.key < key) low = middle + 1
    else high = middle
  }
  return low
}

function replaced<Item>(items: readonly Item[], at: number, item: Item): Item[] {
  const copy = items.slice()
  copy[at] = item
  return copy
}

function inserted<Item>(items: readonly Item[], at: number, item: Item): Item[] {
  const copy = items.slice()
  copy.splice(at, 0, item)
  return copy
}

function without<Item>(items: readonly Item[], at: number): Item[] {
  const copy = items.slice()
  copy.splice(at, 1)
  return copy
}
