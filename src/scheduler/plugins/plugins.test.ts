import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Node } from '../../kinds/core/node.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Draft } from '../../schema/types.ts'
import { clusterOf, clusterState, node, pod, requesting } from '../fixtures.ts'
import { nothingToSay, type Plugin } from '../plugin.ts'
import { podState } from '../pod-state.ts'
import { makeBalancedAllocation } from './balanced-allocation.ts'
import { imageLocality } from './image-locality.ts'
import { makeNodeAffinity } from './node-affinity.ts'
import { nodePorts } from './node-ports.ts'
import { makeNodeResourcesFit } from './node-resources-fit.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { taintToleration } from './taint-toleration.ts'

interface Case {
  readonly pod?: Draft<Pod['spec']>
  readonly node?: Draft<Node>
  readonly others?: readonly Draft<Pod['spec']>[]
  /** The reasons of the refusal; none when the pod fits. A star marks one with which preemption could help. */
  readonly refused?: string
}

function filters(plugin: Plugin, cases: Readonly<Record<string, Case>>): void {
  describe(`${plugin.name} refuses`, () => {
    for (const [title, { pod: spec = {}, node: rest = {}, others = [], refused }] of Object.entries(cases)) {
      test(title, () => {
        const state = clusterState([node('n', rest), ...others.map((other, at) => pod(`other-${at}`, other))])
        const wanting = pod('p', spec)
        const prepared = plugin.prepare?.(wanting, clusterOf(state))
        const refusal =
          prepared === nothingToSay ? undefined : plugin.filter!(podState(wanting), state.nodes[0]!, prepared)
        const said = refusal && refusal.reasons.join(', ') + (refusal.preemptible ? '*' : '')
        assert.equal(said, refused)
      })
    }
  })
}

/** What the plugin thinks of a node with these pods on it; nothing when it does not care. */
function scoreOf(
  plugin: Plugin,
  spec: Draft<Pod['spec']>,
  rest: Draft<Node> = {},
  others: readonly Draft<Pod['spec']>[] = [],
) {
  const state = clusterState([node('n', rest), ...others.map((other, at) => pod(`other-${at}`, other))])
  const wanting = pod('p', spec)
  const cluster = clusterOf(state)
  const prepared = plugin.prepare?.(wanting, cluster)
  if (prepared === nothingToSay) return undefined
  return plugin.scorer!(podState(wanting), state.nodes, prepared, cluster)?.(state.nodes[0]!)
}

const nodeAffinity = makeNodeAffinity()
const nodeResourcesFit = makeNodeResourcesFit()

const cordoned: Draft<Node> = { spec: { unschedulable: true } }
filters(nodeUnschedulable, {
  'no node that is open': {},
  'a cordoned node': { node: cordoned, refused: 'node(s) were unschedulable' },
  'no pod that tolerates it': {
    node: cordoned,
    pod: { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }] },
  },
  'not for a toleration of something else': {
    node: cordoned,
    pod: { tolerations: [{ key: 'other', operator: 'Exists' }] },
    refused: 'node(s) were unschedulable',
  },
})

const tainted = (effect: 'NoSchedule' | 'NoExecute' | 'PreferNoSchedule'): Draft<Node> => ({
  spec: { taints: [{ key: 'k', value: 'v', effect }] },
})
const untolerated = 'node(s) had untolerated taint(s)'
filters(taintToleration, {
  'a hard taint': { node: tainted('NoSchedule'), refused: untolerated },
  'a taint that evicts': { node: tainted('NoExecute'), refused: untolerated },
  'no soft taint': { node: tainted('PreferNoSchedule') },
  'no taint that the value tolerates': {
    node: tainted('NoSchedule'),
    pod: { tolerations: [{ key: 'k', operator: 'Equal', value: 'v' }] },
  },
  'another value': {
    node: tainted('NoSchedule'),
    pod: { tolerations: [{ key: 'k', operator: 'Equal', value: 'w' }] },
    refused: untolerated,
  },
  'another effect': {
    node: tainted('NoExecute'),
    pod: { tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoSchedule' }] },
    refused: untolerated,
  },
  'nothing when everything is tolerated': {
    node: tainted('NoExecute'),
    pod: { tolerations: [{ operator: 'Exists' }] },
  },
})

const labelled: Draft<Node> = { metadata: { labels: { disk: 'ssd', cores: '8' } } }
const mismatch = "node(s) didn't match Pod's node affinity/selector"
type Requirement = {
  key: string
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt'
  values?: string[]
}
const requiring = (...terms: readonly Requirement[][]): Draft<Pod['spec']> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: terms.map((matchExpressions) => ({ matchExpressions })),
      },
    },
  },
})
const byName = (name: string): Draft<Pod['spec']> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
      },
    },
  },
})
filters(nodeAffinity, {
  'nothing without a wish': { node: labelled },
  'a label with another value': { node: labelled, pod: { nodeSelector: { disk: 'hdd' } }, refused: mismatch },
  'a label that is missing': { node: labelled, pod: { nodeSelector: { gpu: 'yes' } }, refused: mismatch },
  'not the label': { node: labelled, pod: { nodeSelector: { disk: 'ssd' } } },
  'In: another value': {
    node: labelled,
    pod: requiring([{ key: 'disk', operator: 'In', values: ['hdd'] }]),
    refused: mismatch,
  },
  'NotIn: the value': {
    node: labelled,
    pod: requiring([{ key: 'disk', operator: 'NotIn', values: ['ssd'] }]),
    refused: mismatch,
  },
  'NotIn: no node without the label': {
    node: labelled,
    pod: requiring([{ key: 'gpu', operator: 'NotIn', values: ['x'] }]),
  },
  'Exists: no label': { node: labelled, pod: requiring([{ key: 'gpu', operator: 'Exists' }]), refused: mismatch },
  'DoesNotExist: a label': {
    node: labelled,
    pod: requiring([{ key: 'disk', operator: 'DoesNotExist' }]),
    refused: mismatch,
  },
  'Gt: the same number': {
    node: labelled,
    pod: requiring([{ key: 'cores', operator: 'Gt', values: ['8'] }]),
    refused: mismatch,
  },
  'not Gt: a larger number': { node: labelled, pod: requiring([{ key: 'cores', operator: 'Gt', values: ['7'] }]) },
  'Lt: what is no number': {
    node: labelled,
    pod: requiring([{ key: 'disk', operator: 'Lt', values: ['9'] }]),
    refused: mismatch,
  },
  'one requirement of a term that fails': {
    node: labelled,
    pod: requiring([
      { key: 'disk', operator: 'Exists' },
      { key: 'gpu', operator: 'Exists' },
    ]),
    refused: mismatch,
  },
  'not when one term holds': {
    node: labelled,
    pod: requiring([{ key: 'gpu', operator: 'Exists' }], [{ key: 'disk', operator: 'Exists' }]),
  },
  'a term that asks for nothing': { node: labelled, pod: requiring([]), refused: mismatch },
  'not the node that is named': { pod: byName('n') },
  'another node than the one that is named': { pod: byName('m'), refused: mismatch },
})

const listening = (hostPort: number, hostIP?: string, protocol?: 'UDP'): Draft<Pod['spec']> => ({
  containers: [
    {
      name: 'main',
      image: 'i',
      ports: [{ containerPort: 80, hostPort, ...(hostIP && { hostIP }), ...(protocol && { protocol }) }],
    },
  ],
})
const taken = "node(s) didn't have free ports for the requested pod ports*"
filters(nodePorts, {
  'no free port': { pod: listening(80), others: [listening(81)] },
  'a port in use': { pod: listening(80), others: [listening(80)], refused: taken },
  'no other protocol': { pod: listening(80), others: [listening(80, undefined, 'UDP')] },
  'no other address': { pod: listening(80, '10.0.0.1'), others: [listening(80, '10.0.0.2')] },
  'every address when one is in use': { pod: listening(80), others: [listening(80, '10.0.0.2')], refused: taken },
  'one address when every is in use': { pod: listening(80, '10.0.0.1'), others: [listening(80)], refused: taken },
  "a sidecar's port": {
    pod: { initContainers: [{ ...listening(80).containers![0]!, name: 's', restartPolicy: 'Always' }] },
    others: [listening(80)],
    refused: taken,
  },
})

const few: Draft<Node> = { status: { allocatable: { cpu: '2', memory: '2Gi', pods: '1' } } }
filters(nodeResourcesFit, {
  'nothing when there is room': { pod: requesting({ cpu: '2' }) },
  'what others have left too little of': {
    pod: requesting({ cpu: '1' }),
    others: [requesting({ cpu: '1500m' })],
    refused: 'Insufficient cpu*',
  },
  'more than the node has': { pod: requesting({ cpu: '3' }), refused: 'Insufficient cpu' },
  'all that is too much at once': {
    pod: requesting({ cpu: '5', memory: '3Gi' }),
    refused: 'Insufficient cpu, Insufficient memory',
  },
  'one pod too many': { node: few, others: [{}], refused: 'Too many pods*' },
  'what the node does not have at all': {
    pod: requesting({ 'example.com/gpu': '1' }),
    refused: 'Insufficient example.com/gpu',
  },
  'no pod that requests nothing, however full': { others: [requesting({ cpu: '4' })] },
  'what the init containers need': {
    pod: { initContainers: [{ name: 'i', image: 'i', resources: { requests: { cpu: '3' } } }] },
    refused: 'Insufficient cpu',
  },
})

test('NodeResourcesFit prefers the emptier node, and counts pods that request nothing', () => {
  const score = (spec: Draft<Pod['spec']>, ...others: Draft<Pod['spec']>[]) =>
    scoreOf(nodeResourcesFit, spec, {}, others)
  assert.equal(score(requesting({ cpu: '1', memory: '1Gi' })), 50)
  assert.equal(score(requesting({ cpu: '1', memory: '1Gi' }), requesting({ cpu: '1', memory: '1Gi' })), 0)
  // 100m of 2 CPUs and 200Mi of 2Gi are assumed.
  assert.equal(score({}), (95 + 90) / 2)
  assert.equal(score({}, {}), (90 + 80) / 2)
})

test('NodeResourcesFit scores as its strategy says', () => {
  const score = (args: Parameters<typeof makeNodeResourcesFit>[0]) =>
    scoreOf(makeNodeResourcesFit(args), requesting({ cpu: '500m', memory: '1Gi' }))
  assert.equal(score({ scoringStrategy: { type: 'MostAllocated' } }), (25 + 50) / 2)
  const weighed = [
    { name: 'cpu', weight: 3 },
    { name: 'memory', weight: 1 },
  ]
  assert.equal(score({ scoringStrategy: { type: 'LeastAllocated', resources: weighed } }), (3 * 75 + 50) / 4)
  const shape = [
    { utilization: 0, score: 0 },
    { utilization: 50, score: 10 },
    { utilization: 100, score: 0 },
  ]
  const requestedToCapacityRatio = { shape }
  assert.equal(
    score({ scoringStrategy: { type: 'RequestedToCapacityRatio', requestedToCapacityRatio } }),
    (50 + 100) / 2,
  )
})

test('NodeResourcesFit leaves ignored resources to others', () => {
  const args = { ignoredResources: ['example.com/a'], ignoredResourceGroups: ['ignored.example'] }
  const wanting = podState(pod('p', requesting({ 'example.com/a': '1', 'ignored.example/b': '1' })))
  const [state] = clusterState([node('n')]).nodes
  assert.equal(makeNodeResourcesFit(args).filter!(wanting, state!, undefined), undefined)
  assert.ok(nodeResourcesFit.filter!(wanting, state!, undefined))
})

test('NodeResourcesBalancedAllocation prefers nodes that are used evenly', () => {
  const score = (spec: Draft<Pod['spec']>) => scoreOf(makeBalancedAllocation(), spec)
  assert.equal(score(requesting({ cpu: '1', memory: '1Gi' })), 100)
  assert.equal(score(requesting({ cpu: '2' })), 50)
  assert.equal(score({}), undefined)
})

test('TaintToleration counts soft taints that are not tolerated', () => {
  const soft = (key: string) => ({ key, effect: 'PreferNoSchedule' as const })
  const score = (spec: Draft<Pod['spec']>) =>
    scoreOf(taintToleration, spec, { spec: { taints: [soft('a'), soft('b')] } })
  assert.equal(score({}), 2)
  assert.equal(score({ tolerations: [{ key: 'a', operator: 'Exists' }] }), 1)
  assert.equal(score({ tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule' }] }), 2)
})

test('NodeAffinity adds up the weights of what is preferred', () => {
  const preferred = (weight: number, key: string) => ({
    weight,
    preference: { matchExpressions: [{ key, operator: 'Exists' as const }] },
  })
  const spec: Draft<Pod['spec']> = {
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          preferred(3, 'disk'),
          preferred(4, 'cores'),
          preferred(9, 'gpu'),
        ],
      },
    },
  }
  assert.equal(scoreOf(nodeAffinity, spec, labelled), 7)
})

test('NodeAffinity keeps all pods to what a profile adds', () => {
  const terms = [{ matchExpressions: [{ key: 'disk', operator: 'In' as const, values: ['hdd'] }] }]
  const plugin = makeNodeAffinity({ requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } })
  const state = clusterState([node('n', labelled)])
  const wanting = pod('p')
  assert.deepEqual(
    plugin.filter!(podState(wanting), state.nodes[0]!, plugin.prepare!(wanting, clusterOf(state)))?.reasons,
    ["node(s) didn't match scheduler-enforced node affinity"],
  )
})

test('ImageLocality prefers nodes that have large images, as far as they are common', () => {
  const mebibyte = 1024 * 1024
  const images = [{ names: ['big:latest', 'big@sha256:1'], sizeBytes: 500 * mebibyte }]
  const score = (image: string) =>
    scoreOf(imageLocality, { containers: [{ name: 'main', image }] }, { status: { images } } as Draft<Node>)
  assert.equal(Math.floor(score('big')!), 48)
  assert.equal(Math.floor(score('big:latest')!), 48)
  assert.equal(score('small'), undefined)
})
