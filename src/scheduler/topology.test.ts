import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../kinds/core/pod.ts'
import { seededRandom } from '../world/virtual.ts'
import type { Random } from '../world/world.ts'
import { ClusterState, type NodeState } from './cluster-state.ts'
import type { Counter, CounterSpec } from './counter.ts'
import { node, pod } from './fixtures.ts'
import { podState } from './pod-state.ts'

const zone = 'zone'
const spec = (app: string, withEmpty: boolean): CounterSpec => ({
  key: `${app} ${withEmpty}`,
  topologyKey: zone,
  namespaces: new Set(['default']),
  label: `app=${app}`,
  dependsOnNamespaces: false,
  counts: ({ metadata }) => metadata.namespace === 'default' && metadata.labels?.['app'] === app,
  countsNode: ({ spec }) => !spec?.taints?.length,
  withEmpty,
})

const pick = <T>(random: Random, list: readonly T[]): T => list[random.int(list.length)]!

/** Anything that can happen to nodes and pods. */
function happen(state: ClusterState, random: Random): void {
  const name = `n${random.int(6)}`
  const what = random.int(10)
  if (what === 0) state.removeNode(name)
  else if (what <= 2) {
    const place = pick(random, ['x', 'y', 'z', undefined])
    const taints = random.int(4) === 0 ? [{ key: 'k', effect: 'NoSchedule' as const }] : undefined
    state.setNode(
      node(name, { metadata: { labels: place ? { [zone]: place } : {} }, spec: { ...(taints && { taints }) } }),
    )
  } else if (what <= 5) state.remove(`p${random.int(20)}`)
  else state.place(anyPod(random), name)
}

function anyPod(random: Random): Pod {
  const podAffinityTerm = { topologyKey: zone, labelSelector: { matchLabels: { app: 'a' } } }
  const rules = [
    {},
    { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [podAffinityTerm] } } },
    {
      affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 3, podAffinityTerm }] } },
    },
  ]
  const namespace = pick(random, ['default', 'default', 'other'])
  return pod(`p${random.int(20)}`, pick(random, rules), {
    metadata: { namespace, labels: { app: pick(random, ['a', 'b']) } },
  })
}

/** The same, counted anew. */
function counted(state: ClusterState, { counts, countsNode, withEmpty }: CounterSpec) {
  const places = new Map<string, number>()
  for (const { node, pods } of state.nodes) {
    const place = node!.metadata.labels?.[zone]
    if (place === undefined || !countsNode!(node!)) continue
    const found = [...pods.values()].filter(({ pod }) => counts(pod)).length
    places.set(place, (places.get(place) ?? 0) + found)
  }
  const least = withEmpty && places.size > 0 ? Math.min(...places.values()) : 0
  return {
    x: places.get('x') ?? 0,
    y: places.get('y') ?? 0,
    z: places.get('z') ?? 0,
    places: withEmpty ? places.size : 0,
    least,
  }
}

/** How many are counted in a zone, as any of its nodes says. */
function countIn(place: string, { nodes }: ClusterState, at: (node: NodeState) => number): number {
  const found = nodes.filter(({ node }) => node!.metadata.labels?.[zone] === place).map(at)
  assert.ok(new Set(found).size <= 1, `one answer for one place: ${found}`)
  return found[0] ?? 0
}

const shown = (state: ClusterState, counter: Counter, at = (node: NodeState) => counter.at(counter.placeOf(node))) => ({
  x: countIn('x', state, at),
  y: countIn('y', state, at),
  z: countIn('z', state, at),
  places: counter.places,
  least: counter.least,
})

function carriedAnew(state: ClusterState) {
  const sums: Record<string, number> = {}
  for (const { node, pods } of state.nodes) {
    const place = node!.metadata.labels?.[zone]
    for (const { terms } of pods.values()) {
      if (place === undefined) continue
      for (const { key } of terms.antiAffinity) sums[`anti ${key} ${place}`] = (sums[`anti ${key} ${place}`] ?? 0) + 1
      for (const { term, weight } of terms.preferred)
        sums[`${term.key} ${place}`] = (sums[`${term.key} ${place}`] ?? 0) + weight
    }
  }
  return sums
}

function carriedNow(state: ClusterState) {
  const sums: Record<string, number> = {}
  const { carried } = state.topology
  for (const [sort, label] of [
    ['antiAffinity', 'anti '],
    ['preferred', ''],
  ] as const)
    for (const { term, sums: byPlace } of carried.of(sort))
      for (const place of ['x', 'y', 'z']) {
        const sum = countIn(place, state, (node) => byPlace.at(node))
        if (sum !== 0) sums[`${label}${term.key} ${place}`] = sum
      }
  return sums
}

test('what is counted as it changes is what would be counted anew', () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = seededRandom(seed)
    const state = new ClusterState()
    // Some are asked for from the beginning, others when much has happened.
    const specs = [spec('a', true), spec('a', false)]
    for (const one of specs) state.topology.counter(one)
    for (let step = 0; step < 200; step++) {
      if (step === 100) specs.push(spec('b', true))
      happen(state, random)
      for (const one of specs)
        assert.deepEqual(shown(state, state.topology.counter(one)), counted(state, one), `seed ${seed}, step ${step}`)
      assert.deepEqual(carriedNow(state), carriedAnew(state), `seed ${seed}, step ${step}`)
    }
  }
})

test('looking at what would be without some pods, or with others, changes nothing', () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = seededRandom(seed)
    const state = new ClusterState()
    const one = spec('a', true)
    for (let step = 0; step < 100; step++) happen(state, random)
    for (const place of state.nodes) {
      const before = [shown(state, state.topology.counter(one)), carriedNow(state), place.requested, place.version]
      const copy = structuredClone(before)
      const some = [...place.pods.values()].filter(() => random.int(2) === 0)
      state.without(place, some, () => {
        assert.equal(
          some.some(({ uid }) => place.pods.has(uid)),
          false,
        )
        if (some[0]) state.place(some[0].pod, place.name)
      })
      const guest = podState(pod('guest', {}, { metadata: { labels: { app: 'a' } } }))
      state.with(place, [guest], () => assert.ok(place.pods.has('guest')))
      const after = [shown(state, state.topology.counter(one)), carriedNow(state), place.requested, place.version]
      assert.deepEqual(after, copy, `seed ${seed}`)
    }
  }
})

test('topologies by which nobody counts any more are forgotten, and those in use are not', () => {
  const state = new ClusterState()
  const labels = (name: string) =>
    Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`level-${at}`, at % 2 === 0 ? name : 'same']))
  for (const name of ['a', 'b']) state.setNode(node(name, { metadata: { labels: { ...labels(name), [zone]: name } } }))
  const near = (topologyKey: string) => ({
    affinity: {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: {} }] },
    },
  })
  const used = state.topology.counter(spec('x', true))
  const at = (counter: Counter, name: string) => counter.at(counter.placeOf(state.node(name)!))
  state.place(pod('p', near('level-0'), { metadata: { labels: { app: 'x' } } }), 'a')
  // Each of them is carried for a moment.
  for (let level = 1; level < 200; level++) {
    state.place(pod('q', near(`level-${level}`), { metadata: { labels: { app: 'x' } } }), 'b')
    const [carried] = [...state.topology.carried.of('antiAffinity')].filter(
      ({ term }) => term.topologyKey !== 'level-0',
    )
    assert.equal(carried!.sums.at(state.node('b')!), 1)
    assert.equal(carried!.sums.at(state.node('a')!), level % 2 === 0 ? 0 : 1)
    assert.deepEqual([at(used, 'a'), at(used, 'b'), used.places], [1, 1, 2])
  }
  state.removeNode('b')
  state.setNode(node('c', { metadata: { labels: { ...labels('c'), [zone]: 'c' } } }))
  const [first] = state.topology.carried.of('antiAffinity')
  assert.deepEqual([first!.sums.at(state.node('a')!), first!.sums.at(state.node('c')!)], [1, 0])
  assert.deepEqual([at(used, 'a'), at(used, 'c'), used.places, used.least], [1, 0, 2, 0])
})
