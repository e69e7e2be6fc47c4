import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Namespace } from '../../kinds/core/namespace.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { PodAffinityTerm } from '../../kinds/core/scheduling.ts'
import type { ApiObject } from '../../schema/kind.ts'
import type { Draft } from '../../schema/types.ts'
import { clusterState, node, pod } from '../fixtures.ts'
import { makeInterPodAffinity } from './inter-pod-affinity.ts'
import { scores, verdicts } from './placing.ts'

const zone = 'topology.kubernetes.io/zone'
const host = 'kubernetes.io/hostname'
const at = (name: string, place?: string) =>
  node(name, { metadata: { labels: { [host]: name, ...(place && { [zone]: place }) } } })

type Term = Partial<PodAffinityTerm>
const term = (app: string, topologyKey = zone, more: Term = {}) =>
  ({ topologyKey, labelSelector: { matchLabels: { app } }, ...more }) as PodAffinityTerm
const near = (...terms: PodAffinityTerm[]): Draft<Pod['spec']> => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
})
const farFrom = (...terms: PodAffinityTerm[]): Draft<Pod['spec']> => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
})
const rather = (weight: number, podAffinityTerm: PodAffinityTerm): Draft<Pod['spec']> => ({
  affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] } },
})
const ratherNot = (weight: number, podAffinityTerm: PodAffinityTerm): Draft<Pod['spec']> => ({
  affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] } },
})
const app = (name: string, spec: Draft<Pod['spec']> = {}, namespace = 'default') =>
  pod(`${name}-${namespace}`, spec, { metadata: { labels: { app: name }, namespace } })

const no = "node(s) didn't match pod affinity rules"
const notThere = "node(s) didn't match pod anti-affinity rules"
const unwelcome = "node(s) didn't satisfy existing pods anti-affinity rules"
const plugin = makeInterPodAffinity()

describe('InterPodAffinity lets a pod', () => {
  /** `db` is on `a` in zone `x`, together with `b`; `c` is in zone `y`, `d` in none. */
  const cases: Readonly<Record<string, { pod: Pod; there?: Pod; says: string }>> = {
    'go anywhere without a wish': { pod: app('web'), says: 'a:yes b:yes c:yes d:yes' },
    'go to the zone of whom it wants to be near': {
      pod: app('web', near(term('db'))),
      says: `a:yes b:yes c:${no} d:${no}`,
    },
    'go to the node of whom it wants to be near': {
      pod: app('web', near(term('db', host))),
      says: `a:yes b:${no} c:${no} d:${no}`,
    },
    'go nowhere when nobody is there': {
      pod: app('web', near(term('gone'))),
      says: `a:${no} b:${no} c:${no} d:${no}`,
    },
    'be the first of its own sort, where there are zones': {
      pod: app('web', near(term('web'))),
      says: `a:yes b:yes c:yes d:${no}`,
    },
    'stay out of the zone of whom it wants to be far from': {
      pod: app('web', farFrom(term('db'))),
      says: `a:${notThere} b:${notThere} c:yes d:yes`,
    },
    'not come to those that want to be far from it': {
      pod: app('web'),
      there: app('db', farFrom(term('web'))),
      says: `a:${unwelcome} b:${unwelcome} c:yes d:yes`,
    },
    'not see pods of other namespaces': {
      pod: app('web', near(term('db')), 'other'),
      says: `a:${no} b:${no} c:${no} d:${no}`,
    },
    'name other namespaces': {
      pod: app('web', near(term('db', zone, { namespaces: ['default'] })), 'other'),
      says: `a:yes b:yes c:${no} d:${no}`,
    },
    'select other namespaces by label': {
      pod: app('web', near(term('db', zone, { namespaceSelector: { matchLabels: { team: 'one' } } })), 'other'),
      says: `a:yes b:yes c:${no} d:${no}`,
    },
    'mean all namespaces by an empty selector': {
      pod: app('web', farFrom(term('db', zone, { namespaceSelector: {} })), 'other'),
      says: `a:${notThere} b:${notThere} c:yes d:yes`,
    },
    'mean only pods for which all of its terms hold': {
      pod: app('web', near(term('db'), term('cache'))),
      says: `a:${no} b:${no} c:${no} d:${no}`,
    },
  }
  for (const [title, { pod: wanting, there = app('db'), says }] of Object.entries(cases)) {
    test(title, () => {
      const state = clusterState([at('a', 'x'), there], [at('b', 'x')], [at('c', 'y')], [at('d')])
      const namespace = { metadata: { name: 'default', labels: { team: 'one' } } } as unknown as ApiObject
      const said = verdicts(plugin, wanting, state, [[Namespace, namespace]])
      assert.deepEqual(said.split(/ (?=[abcd]:)/).sort(), says.split(/ (?=[abcd]:)/))
    })
  }
})

test('InterPodAffinity counts with every pod and node that comes, goes or changes', () => {
  const state = clusterState([at('a', 'x')], [at('b', 'y')])
  const wanting = app('web', near(term('db')))
  const fits = () => verdicts(plugin, wanting, state).replaceAll(no, 'no')
  assert.equal(fits(), 'a:no b:no')
  state.place(app('db'), 'a')
  assert.equal(fits(), 'a:yes b:no')
  state.setNode(at('b', 'x'))
  assert.equal(fits(), 'a:yes b:yes')
  state.setNode(at('a', 'z'))
  assert.equal(fits(), 'a:yes b:no')
  state.removeNode('a')
  assert.equal(fits(), 'b:no')
  state.setNode(at('a', 'x'))
  assert.equal(fits(), 'a:yes b:yes')
  state.remove(app('db').metadata.uid!)
  assert.equal(fits(), 'a:no b:no')
})

describe('InterPodAffinity prefers', () => {
  const cases: Readonly<Record<string, { pod: Pod; there?: Pod; scores: object | undefined }>> = {
    'nothing without a wish': { pod: app('web'), scores: undefined },
    'those that it would rather be near': { pod: app('web', rather(5, term('db'))), scores: { a: 5, b: 5, c: 0 } },
    'to be away from others': { pod: app('web', ratherNot(5, term('db', host))), scores: { a: -5, b: 0, c: 0 } },
    'those that would rather have it near': {
      pod: app('web'),
      there: app('db', rather(7, term('web'))),
      scores: { a: 7, b: 7, c: 0 },
    },
    'those that must have its like near': {
      pod: app('web'),
      there: app('db', near(term('web'))),
      scores: { a: 1, b: 1, c: 0 },
    },
  }
  for (const [title, { pod: wanting, there = app('db'), scores: wanted }] of Object.entries(cases)) {
    test(title, () => {
      const state = clusterState([at('a', 'x'), there], [at('b', 'x')], [at('c', 'y')])
      assert.deepEqual(scores(plugin, wanting, state), wanted)
    })
  }
})
