import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../world/virtual.ts'
import { Cycle, sampleSize } from './cycle.ts'
import { clusterState, node, pod, requesting } from './fixtures.ts'
import type { NodeState } from './node-state.ts'
import { defaultProfile } from './plugins/index.ts'

const newCycle = (seed = 1) => new Cycle(defaultProfile, seededRandom(seed))
const named = (count: number) =>
  clusterState(...Array.from({ length: count }, (_, at) => [node(`n${at}`)] as const)).nodes

const message = (cycle: Cycle, wanting: ReturnType<typeof pod>, nodes: readonly NodeState[]) => {
  const placement = cycle.place(wanting, nodes)
  assert.equal(placement.node, undefined)
  return (placement as { message: string }).message
}

test('with no node there is no place', () => {
  assert.equal(message(newCycle(), pod('p'), []), 'no nodes available to schedule pods')
})

test('the best node wins', () => {
  const { nodes } = clusterState([node('full'), pod('other', requesting({ cpu: '1', memory: '1Gi' }))], [node('empty')])
  for (let seed = 0; seed < 10; seed++) assert.equal(newCycle(seed).place(pod('p'), nodes).node?.name, 'empty')
})

test('of equal nodes each gets its share, the same ones for the same seed', () => {
  const nodes = named(4)
  const choices = (seed: number) => {
    const cycle = newCycle(seed)
    return Array.from({ length: 400 }, (_, at) => cycle.place(pod(`p${at}`), nodes).node!.name)
  }
  assert.deepEqual(choices(7), choices(7))
  assert.notDeepEqual(choices(7), choices(8))
  const counts = Object.values(Object.groupBy(choices(7), (name) => name)).map((names) => names!.length)
  assert.equal(counts.length, 4)
  assert.ok(Math.min(...counts) > 60, `${counts}`)
})

test('refusals are counted, each node by its first, sorted as text', () => {
  const { nodes } = clusterState(
    [node('a', { spec: { unschedulable: true } })],
    [node('b', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } })],
    [node('c'), pod('other', requesting({ cpu: '2' }))],
    [node('d', { status: { allocatable: { cpu: '500m', memory: '1Mi', pods: '10' } } })],
  )
  assert.equal(
    message(newCycle(), pod('p', requesting({ cpu: '1', memory: '1Gi' })), nodes),
    '0/4 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, ' +
      '2 Insufficient cpu. no new claims to deallocate, preemption: 0/4 nodes are available: ' +
      '1 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.',
  )
})

test('a pod that never preempts is told so', () => {
  const { nodes } = clusterState([node('a')])
  assert.equal(
    message(newCycle(), pod('p', { ...requesting({ cpu: '3' }), preemptionPolicy: 'Never' }), nodes),
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
  const { nodes } = clusterState([node('a'), pod('other', requesting({ cpu: '2' }))], [node('b')], [node('c')])
  assert.equal(newCycle().place(naming('c'), nodes).node?.name, 'c')
  assert.equal(
    message(newCycle(), naming('a'), nodes),
    "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. " +
      'no new claims to deallocate, preemption: 0/3 nodes are available: ' +
      '1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
  )
  assert.match(message(newCycle(), naming('gone'), nodes), /^0\/3 nodes are available: 3 node\(s\) didn't satisfy/)
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
  const nodes = named(250)
  const cycle = newCycle()
  const chosen = new Set(Array.from({ length: 4000 }, (_, at) => cycle.place(pod(`p${at}`), nodes).node!.name))
  assert.equal(chosen.size, 250)
})
