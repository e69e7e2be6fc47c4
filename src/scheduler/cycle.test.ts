import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../world/virtual.ts'
import type { ClusterState } from './cluster-state.ts'
import { Cycle, type Placement, sampleSize } from './cycle.ts'
import { clusterOf, clusterState, node, pod, requesting } from './fixtures.ts'
import { Known, Memory } from './memory.ts'
import { unschedulable } from './messages.ts'
import { Nominations } from './nominations.ts'
import { definePlugin } from './plugin.ts'
import { defaultPlugins } from './plugins/index.ts'
import { podState } from './pod-state.ts'
import { type Found, preempt } from './preemption.ts'
import { profileOf } from './profile.ts'

const newCycle = (state: ClusterState, seed = 1) =>
  new Cycle(profileOf(defaultPlugins), clusterOf(state), new Nominations(), seededRandom(seed))
const named = (count: number) => clusterState(...Array.from({ length: count }, (_, at) => [node(`n${at}`)] as const))

const message = (wanting: ReturnType<typeof pod>, state: ClusterState) => {
  const cycle = newCycle(state)
  const placement = cycle.place(wanting)
  assert.equal(placement.node, undefined)
  if (placement.node) throw new Error('it has a node')
  const context = {
    cycle,
    cluster: clusterOf(state),
    nominations: new Nominations(),
    random: seededRandom(1),
    memory: new Memory(() => new Known<Found>()),
  }
  const preemption = preempt(podState(wanting), placement, context)
  return unschedulable(state.nodes.length, placement, preemption.node ? undefined : preemption.message)
}

const saying = (state: ClusterState, placement: Placement) =>
  placement.node ? '' : unschedulable(state.nodes.length, placement, undefined)

test('with no node there is no place', () => {
  assert.equal(message(pod('p'), clusterState()), 'no nodes available to schedule pods')
})

test('the best node wins', () => {
  const state = clusterState([node('full'), pod('other', requesting({ cpu: '1', memory: '1Gi' }))], [node('empty')])
  for (let seed = 0; seed < 10; seed++) assert.equal(newCycle(state, seed).place(pod('p')).node?.name, 'empty')
})

test('of equal nodes each gets its share, the same ones for the same seed', () => {
  const state = named(4)
  const choices = (seed: number) => {
    const cycle = newCycle(state, seed)
    return Array.from({ length: 400 }, (_, at) => cycle.place(pod(`p${at}`)).node!.name)
  }
  assert.deepEqual(choices(7), choices(7))
  assert.notDeepEqual(choices(7), choices(8))
  const counts = Object.values(Object.groupBy(choices(7), (name) => name)).map((names) => names!.length)
  assert.equal(counts.length, 4)
  assert.ok(Math.min(...counts) > 60, `${counts}`)
})

test('refusals are counted, each node by its first, sorted as text', () => {
  const state = clusterState(
    [node('a', { spec: { unschedulable: true } })],
    [node('b', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } })],
    [node('c'), pod('other', requesting({ cpu: '2' }))],
    [node('d', { status: { allocatable: { cpu: '500m', memory: '1Mi', pods: '10' } } })],
  )
  assert.equal(
    message(pod('p', requesting({ cpu: '1', memory: '1Gi' })), state),
    '0/4 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, ' +
      '2 Insufficient cpu. no new claims to deallocate, preemption: 0/4 nodes are available: ' +
      '1 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.',
  )
})

test('a pod that never preempts is told so', () => {
  const state = clusterState([node('a')])
  assert.equal(
    message(pod('p', { ...requesting({ cpu: '3' }), preemptionPolicy: 'Never' }), state),
    '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: ' +
      'not eligible due to preemptionPolicy=Never.',
  )
})

test('a pod that names its node goes there, and others are not looked at', () => {
  const naming = (name: string) =>
    pod('p', {
      ...requesting({ cpu: '1' }),
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
          },
        },
      },
    })
  const state = clusterState([node('a'), pod('other', requesting({ cpu: '2' }))], [node('b')], [node('c')])
  assert.equal(newCycle(state).place(naming('c')).node?.name, 'c')
  assert.equal(
    message(naming('a'), state),
    "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. " +
      'no new claims to deallocate, preemption: 0/3 nodes are available: ' +
      '1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
  )
  assert.match(message(naming('gone'), state), /^0\/3 nodes are available: 3 node\(s\) didn't satisfy/)
  const cycle = newCycle(state)
  assert.equal(cycle.place(naming('gone')).node, undefined)
  assert.equal(cycle.place(naming('b')).node?.name, 'b', 'whom it has no node for keeps nobody else from one')
})

test('of a large cluster a part is looked at, and every node gets its turn', () => {
  for (const [nodes, enough] of [
    [10, 10],
    [100, 100],
    [250, 120],
    [1000, 420],
    [5000, 500],
    [20_000, 1000],
  ] as const)
    assert.equal(sampleSize(nodes), enough, `${nodes} nodes`)
  const cycle = newCycle(named(250))
  const chosen = new Set(Array.from({ length: 4000 }, (_, at) => cycle.place(pod(`p${at}`)).node!.name))
  assert.equal(chosen.size, 250)
})

test('a cluster that grows is looked at as a whole, by those who remember a smaller one, too', () => {
  const state = named(3)
  const cycle = newCycle(state)
  const chosen = (count: number) =>
    new Set(Array.from({ length: count }, (_, at) => cycle.place(pod(`p${at}`)).node!.name)).size
  assert.equal(chosen(60), 3)
  for (let at = 3; at < 200; at++) state.setNode(node(`n${at}`))
  assert.equal(chosen(4000), 200)
  for (let at = 0; at < 190; at++) state.removeNode(`n${at}`)
  assert.equal(chosen(200), 10)
})

test('what is remembered of nodes gives the same places as asking them all anew', () => {
  const random = seededRandom(5)
  const some = <T>(list: readonly T[]): T => list[random.int(list.length)]!
  const taints = [
    undefined,
    [{ key: 'k', effect: 'NoSchedule' }],
    [{ key: 'soft', effect: 'PreferNoSchedule' }],
  ] as const
  const made = (name: string) =>
    node(name, {
      ...(some([true, false]) && { metadata: { labels: { disk: 'ssd', zone: some(['a', 'b']) } } }),
      spec: { taints: some(taints) as never, unschedulable: random.int(8) === 0 },
      status: { allocatable: { cpu: some(['1', '2']), memory: some(['1Gi', '2Gi']), pods: '10' } },
    })
  const shapes = [
    requesting({ cpu: '200m', memory: '128Mi' }),
    requesting({ cpu: '200m' }),
    { containers: [{ name: 'a', image: 'i' }, requesting({ cpu: '200m' }).containers![0]!] },
    { ...requesting({ cpu: '1' }), tolerations: [{ key: 'k', operator: 'Exists' as const }] },
    { ...requesting({ memory: '300Mi' }), nodeSelector: { disk: 'ssd' } },
    { containers: [{ name: 'web', image: 'i', ports: [{ containerPort: 80, hostPort: 80 }] }] },
  ]
  const state = clusterState(...Array.from({ length: 12 }, (_, at) => [made(`n${at}`)] as const))
  // What is chosen of equals depends on how often somebody was asked before: both begin at one place each time.
  const turns = seededRandom(9)
  const choosing = { ...turns, int: (below: number) => turnOf % below }
  let turnOf = 0
  const remembering = new Cycle(profileOf(defaultPlugins), clusterOf(state), new Nominations(), choosing)
  const placed: string[] = []
  let refused = 0
  for (let step = 0; step < 1500; step++) {
    turnOf = random.int(1000)
    const next = pod(`p${step}`, some(shapes))
    const anew = new Cycle(profileOf(defaultPlugins), clusterOf(state), new Nominations(), choosing).place(next)
    const found = remembering.place(next)
    assert.equal(found.node?.name, anew.node?.name, `step ${step}`)
    assert.equal(saying(state, found), saying(state, anew), `step ${step}`)
    if (!found.node) refused++
    else if (some([true, true, false])) {
      state.place(next, found.node.name)
      placed.push(next.metadata.uid!)
    }
    if (random.int(2) === 0 && placed.length > 0) state.remove(placed.splice(random.int(placed.length), 1)[0]!)
    if (random.int(6) === 0) state.setNode(made(`n${random.int(12)}`))
    if (random.int(40) === 0) {
      // Others come in the place of those that went, and are not taken for them.
      const names = [`n${random.int(12)}`, `n${random.int(12)}`]
      for (const name of names) state.removeNode(name)
      for (const name of names) state.setNode(made(name))
    }
  }
  assert.ok(refused > 20 && placed.length > 5, `${refused} refused, ${placed.length} there at the end`)
})

test('where nobody would have a pod, its like are told so without asking those nodes that have not changed', () => {
  let asked = 0
  const counting = definePlugin<undefined>({
    name: 'Counting',
    isLocal: true,
    listens: [],
    wakes: () => false,
    filter() {
      asked++
      return undefined
    },
  })
  const plugins = [counting, ...defaultPlugins]
  const full = (at: number) => [node(`n${at}`), pod(`other-${at}`, requesting({ cpu: '2' }))] as const
  const state = clusterState(...Array.from({ length: 200 }, (_, at) => full(at)))
  const nominations = new Nominations((name) => state.touch(name))
  const cycle = new Cycle(profileOf(plugins), clusterOf(state), nominations, seededRandom(1))
  let turn = 0
  const tried = () => {
    const wanting = pod(`p${turn++}`, requesting({ cpu: '1' }))
    asked = 0
    const placement = cycle.place(wanting)
    const questions = asked
    const anew = new Cycle(profileOf(plugins), clusterOf(state), nominations, seededRandom(1)).place(wanting)
    assert.equal(saying(state, placement), saying(state, anew))
    return { name: placement.node?.name, questions, saying: saying(state, placement) }
  }
  assert.deepEqual(tried(), {
    name: undefined,
    questions: 200,
    saying: '0/200 nodes are available: 200 Insufficient cpu.',
  })
  assert.equal(tried().questions, 0)

  state.setNode(node('n150', { spec: { unschedulable: true } }))
  const cordoned = tried()
  assert.equal(cordoned.questions, 1)
  assert.match(cordoned.saying, /199 Insufficient cpu/)

  state.remove('other-70')
  assert.equal(tried().name, 'n70')
  state.place(pod('other-70', requesting({ cpu: '2' })), 'n70')
  assert.equal(tried().name, undefined)

  state.remove('other-3')
  const coming = podState(pod('coming', { ...requesting({ cpu: '2' }), priority: 1 }))
  nominations.set(coming, 'n3')
  assert.equal(tried().name, undefined, 'the place is for another')
  nominations.delete('coming')
  assert.equal(tried().name, 'n3')
  state.place(pod('other-3', requesting({ cpu: '2' })), 'n3')

  assert.equal(tried().name, undefined)
  state.removeNode('n199')
  assert.match(tried().saying, /^0\/199 /)
  state.setNode(node('new'))
  assert.equal(tried().name, 'new')
})
