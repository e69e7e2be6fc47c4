import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../world/virtual.ts'
import { emptyTree, type Tree, treeCount, treeFromSorted, treeGet, treePut, treeRange, treeRemove } from './tree.ts'

interface Item {
  readonly key: string
  readonly value: number
}

const sorted = (model: Map<string, Item>) => [...model.values()].sort((a, b) => (a.key < b.key ? -1 : 1))

function assertSame(tree: Tree<Item>, model: Map<string, Item>) {
  assert.deepEqual(treeRange(tree, ''), sorted(model))
  assert.equal(tree.count, model.size)
}

test('a tree under random puts and removals holds what a map holds, and old roots stay as they were', () => {
  const random = seededRandom(7)
  let tree = emptyTree<Item>()
  const model = new Map<string, Item>()
  const kept: [Tree<Item>, Map<string, Item>][] = []
  for (let step = 0; step < 30_000; step++) {
    // Phases of growth and of shrinking, so that nodes split as well as join down to nothing.
    const shrinking = step % 10_000 > 6_000
    const key = `k${random.int(shrinking ? 1_500 : 3_000)}`
    if (random.next() < (shrinking ? 0.9 : 0.2)) {
      const removed = treeRemove(tree, key)
      assert.equal(removed === tree, !model.has(key))
      tree = removed
      model.delete(key)
    } else {
      const item = { key, value: step }
      tree = treePut(tree, item)
      model.set(key, item)
    }
    assert.equal(treeGet(tree, key), model.get(key))
    if (step % 3_000 === 0) kept.push([tree, new Map(model)])
  }
  for (const [old, then] of kept) assertSame(old, then)
  for (const key of [...model.keys()]) {
    tree = treeRemove(tree, key)
    model.delete(key)
    assert.equal(tree.count, model.size)
  }
  assertSame(tree, model)
})

test('ranges, counts and limits agree with a sorted list', () => {
  const random = seededRandom(8)
  const items = Array.from({ length: 2_000 }, (_, value) => ({ key: `/${String(value * 3).padStart(5, '0')}`, value }))
  const tree = treeFromSorted(items)
  assert.equal(tree.count, items.length)
  const randomKey = () => `/${String(random.int(6_200)).padStart(5, '0')}`
  for (let step = 0; step < 500; step++) {
    const from = randomKey()
    const to = step % 5 === 0 ? undefined : randomKey()
    const expected = items.filter(({ key }) => key >= from && (to === undefined || key < to))
    assert.deepEqual(treeRange(tree, from, to), expected)
    assert.equal(treeCount(tree, from, to), expected.length)
    const limit = 1 + random.int(50)
    assert.deepEqual(treeRange(tree, from, to, limit), expected.slice(0, limit))
  }
})

test('a tree built from a sorted list of any length takes changes like any other', () => {
  for (const length of [0, 1, 24, 25, 32, 33, 600, 601, 20_000]) {
    const items = Array.from({ length }, (_, value) => ({ key: String(value).padStart(6, '0'), value }))
    let tree = treeFromSorted<Item>(items)
    assert.deepEqual(treeRange(tree, ''), items)
    for (const item of items.slice(0, 700)) tree = treeRemove(tree, item.key)
    assert.deepEqual(treeRange(tree, ''), items.slice(700))
    tree = treePut(tree, { key: 'x', value: -1 })
    assert.equal(treeGet(tree, 'x')?.value, -1)
  }
})
