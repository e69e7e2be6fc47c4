import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ReplicaSet } from '../../kinds/apps/replica-set.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { TopologySpreadConstraint } from '../../kinds/core/scheduling.ts'
import { Service } from '../../kinds/core/service.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { Draft } from '../../schema/types.ts'
import { clusterState, node, type Occupied, pod } from '../fixtures.ts'
import { scores, verdicts } from './placing.ts'
import { makePodTopologySpread } from './pod-topology-spread.ts'

const zone = 'topology.kubernetes.io/zone'
const at = (name: string, place?: string, more: object = {}) =>
  node(name, { ...more, metadata: { labels: { 'kubernetes.io/hostname': name, ...(place && { [zone]: place }) } } })

const constraint = (more: Partial<TopologySpreadConstraint> = {}) =>
  ({
    maxSkew: 1,
    topologyKey: zone,
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'web' } },
    ...more,
  }) as TopologySpreadConstraint
const spread = (...constraints: TopologySpreadConstraint[]): Draft<Pod['spec']> => ({
  topologySpreadConstraints: constraints,
})
let made = 0
const web = (spec: Draft<Pod['spec']> = {}, rest: Draft<Pod> = {}) =>
  pod(`web-${made++}`, spec, { ...rest, metadata: { labels: { app: 'web' }, ...rest.metadata } })

const uneven = "node(s) didn't match pod topology spread constraints"
const noLabel = `${uneven} (missing required label)`
const plugin = makePodTopologySpread()

describe('PodTopologySpread', () => {
  const tainted = { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }
  const twoToOne: readonly Occupied[] = [
    [at('a', 'x'), web(), web()],
    [at('b', 'y'), web()],
  ]
  const cases: Readonly<Record<string, { nodes: readonly Occupied[]; spec: Draft<Pod['spec']>; says: string }>> = {
    'sends a pod where fewer are': { nodes: twoToOne, spec: spread(constraint()), says: `a:${uneven} b:yes` },
    'lets it go anywhere within the skew': {
      nodes: twoToOne,
      spec: spread(constraint({ maxSkew: 2 })),
      says: 'a:yes b:yes',
    },
    'counts selected pods alone': {
      nodes: twoToOne,
      spec: spread(constraint({ labelSelector: { matchLabels: { app: 'db' } } })),
      says: 'a:yes b:yes',
    },
    'has nothing to say of nodes without the label': {
      nodes: [[at('a', 'x')], [at('b')]],
      spec: spread(constraint()),
      says: `a:yes b:${noLabel}`,
    },
    'counts no pods of nodes that lack a label of another constraint': {
      nodes: [[at('a', 'x'), web()], [node('b', { metadata: { labels: { [zone]: 'y' } } })]],
      spec: spread(constraint(), constraint({ topologyKey: 'kubernetes.io/hostname' })),
      says: `a:yes b:${noLabel}`,
    },
    'takes the least as none while there are too few places': {
      nodes: [
        [at('a', 'x'), web()],
        [at('b', 'y'), web()],
      ],
      spec: spread(constraint({ minDomains: 3 })),
      says: `a:${uneven} b:${uneven}`,
    },
    'leaves out places where the pod may not go': {
      nodes: [[at('a', 'x'), web()], [at('b', 'y')]],
      spec: { ...spread(constraint()), nodeSelector: { [zone]: 'x' } },
      says: 'a:yes b:yes',
    },
    'counts them where that is ignored': {
      nodes: [[at('a', 'x'), web()], [at('b', 'y')]],
      spec: { ...spread(constraint({ nodeAffinityPolicy: 'Ignore' })), nodeSelector: { [zone]: 'x' } },
      says: `a:${uneven} b:yes`,
    },
    'counts tainted nodes': {
      nodes: [[at('a', 'x'), web()], [at('b', 'y', tainted)]],
      spec: spread(constraint()),
      says: `a:${uneven} b:yes`,
    },
    'leaves them out where taints are honoured': {
      nodes: [[at('a', 'x'), web()], [at('b', 'y', tainted)]],
      spec: spread(constraint({ nodeTaintsPolicy: 'Honor' })),
      says: 'a:yes b:yes',
    },
    'counts no pods that are about to go': {
      nodes: [
        [at('a', 'x'), web({}, { metadata: { labels: { app: 'web' }, deletionTimestamp: '2026-01-01T00:00:00Z' } })],
        [at('b', 'y')],
      ],
      spec: spread(constraint()),
      says: 'a:yes b:yes',
    },
    'leaves wishes to the scores': {
      nodes: twoToOne,
      spec: spread(constraint({ whenUnsatisfiable: 'ScheduleAnyway' })),
      says: 'a:yes b:yes',
    },
  }
  for (const [title, { nodes, spec, says }] of Object.entries(cases))
    test(title, () => assert.equal(verdicts(plugin, web(spec), clusterState(...nodes)), says))

  test('counts with every pod that comes and goes', () => {
    const state = clusterState([at('a', 'x')], [at('b', 'y')])
    const says = () => verdicts(plugin, web(spread(constraint())), state).replaceAll(uneven, 'no')
    assert.equal(says(), 'a:yes b:yes')
    const first = web()
    state.place(first, 'a')
    assert.equal(says(), 'a:no b:yes')
    state.place(web(), 'b')
    assert.equal(says(), 'a:yes b:yes')
    state.remove(first.metadata.uid!)
    assert.equal(says(), 'a:yes b:no')
    state.removeNode('a')
    assert.equal(says(), 'b:yes')
  })
})

describe('PodTopologySpread prefers places with fewer pods', () => {
  const soft = constraint({ whenUnsatisfiable: 'ScheduleAnyway' })
  const nodes: readonly Occupied[] = [[at('a', 'x'), web(), web(), web()], [at('b', 'y'), web()], [at('c')]]
  test('as the pod asks; nodes without the label come last', () => {
    // Two places: each pod counts ln 4; 3 × 1.39 and 1 × 1.39 are rounded to 4 and 1.
    assert.deepEqual(scores(plugin, web(spread(soft)), clusterState(...nodes)), { a: 25, b: 100, c: 0 })
  })

  const owned = (kind: string) => ({
    metadata: { labels: { app: 'web' }, ownerReferences: [{ kind, name: 'web', uid: 'u', controller: true }] },
  })
  const selector = { matchLabels: { app: 'web' } }
  const owners: Readonly<Record<string, { pod: Pod; objects: [Kind, ApiObject][]; isSpread: boolean }>> = {
    'by default, of one ReplicaSet': {
      pod: web({}, owned('ReplicaSet') as Draft<Pod>),
      objects: [[ReplicaSet, { metadata: { name: 'web', namespace: 'default' }, spec: { selector } } as never]],
      isSpread: true,
    },
    'by default, of one service': {
      pod: web(),
      objects: [
        [Service, { metadata: { name: 's', namespace: 'default' }, spec: { selector: { app: 'web' } } } as never],
      ],
      isSpread: true,
    },
    'not of a pod that belongs to nobody': { pod: web(), objects: [], isSpread: false },
  }
  for (const [title, { pod: wanting, objects, isSpread }] of Object.entries(owners)) {
    test(title, () => {
      const found = scores(plugin, wanting, clusterState(...nodes), objects)
      assert.equal(found && found['b']! > found['a']!, isSpread || undefined)
    })
  }
})
