import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ControllerRevision } from '../kinds/apps/controller-revision.ts'
import { DaemonSet } from '../kinds/apps/daemon-set.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import { reconcileOnce } from '../reconciler/fixture.ts'
import type { Draft } from '../schema/types.ts'
import { hashLabel } from './daemonset/pods.ts'
import { daemonSetController } from './daemonset.ts'
import { lines, node, now, object, type PodTraits, pod, written } from './fixtures.ts'
import { templateHash } from './shared/template-hash.ts'

const spec = {
  selector: { matchLabels: { app: 'web' } },
  template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } },
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
} as const

const daemonSet = (rest: Draft<DaemonSet['spec']> = {}) =>
  object<DaemonSet>(DaemonSet, 'd', { spec: { ...spec, ...rest } } as Draft<DaemonSet>)

const hash = templateHash(spec.template, undefined)

const daemon = (set: DaemonSet, on: string, revision = hash, traits: PodTraits = {}) =>
  pod(`d-${on}${revision === hash ? '' : '-old'}`, {
    owner: { kind: DaemonSet, object: set },
    node: on,
    labels: { app: 'web', [hashLabel]: revision },
    ...traits,
  })

const run = (set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]) =>
  reconcileOnce(
    daemonSetController(),
    set,
    [
      [DaemonSet, set],
      [Node, ...nodes],
      [Pod, ...pods],
    ],
    { now },
  )

const podLines = (changes: Parameters<typeof lines>[0]) => lines(changes).filter((line) => / pod\//.test(line))
const ready = { readySince: '2026-01-01T11:00:00Z' }

test('every node gets a pod that is bound to it by name', () => {
  const { changes, error } = run(daemonSet(), [node('n1'), node('n2')], [])
  assert.equal(error, undefined)
  assert.deepEqual(lines(changes), [
    `create controllerrevision/d-${hash}`,
    'create pod/d-',
    'create pod/d-',
    'Normal SuccessfulCreate: Created pod: d-2',
    'Normal SuccessfulCreate: Created pod: d-3',
    'update daemonset/d status',
  ])
  const made = written(changes, Pod)
  assert.deepEqual(made.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution, {
    nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
  })
  assert.deepEqual(
    made.spec.tolerations?.map(({ key }) => key?.replace('node.kubernetes.io/', '')),
    ['not-ready', 'unreachable', 'disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'],
  )
  assert.equal(made.metadata.labels?.[hashLabel], hash)
  assert.equal(written(changes, ControllerRevision).revision, 1)
})

test('the status counts nodes', () => {
  const set = daemonSet()
  const tainted = node('n3', { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } })
  const pods = [daemon(set, 'n1', hash, ready), daemon(set, 'n2', 'older'), daemon(set, 'n3')]
  const { changes } = run(set, [node('n1'), node('n2'), tainted], pods)
  assert.deepEqual(written(changes, DaemonSet, 'status').status, {
    currentNumberScheduled: 2,
    numberMisscheduled: 1,
    desiredNumberScheduled: 2,
    numberReady: 1,
    observedGeneration: 1,
    updatedNumberScheduled: 1,
    numberAvailable: 1,
    numberUnavailable: 1,
  })
})

describe('a pod', () => {
  const set = daemonSet()
  const cases: readonly (readonly [string, Node[], Pod[], string[]])[] = [
    ['stays on a node that has become NoSchedule', [tainted('NoSchedule')], [daemon(set, 'n')], []],
    ['leaves a node that has become NoExecute', [tainted('NoExecute')], [daemon(set, 'n')], ['remove pod/d-n']],
    ['that failed is removed', [node('n')], [daemon(set, 'n', hash, { phase: 'Failed' })], ['remove pod/d-n']],
    [
      'beyond the first on a node goes, the younger one',
      [node('n')],
      [daemon(set, 'n'), pod('d-x', { ...traits('n'), created: '2026-01-01T11:30:00Z' })],
      ['remove pod/d-x'],
    ],
    ['meant for a node that has gone, goes', [], [{ ...daemon(set, 'n'), spec: pendingFor('n') }], ['remove pod/d-n']],
  ]
  for (const [name, nodes, pods, expected] of cases) {
    test(name, () => assert.deepEqual(podLines(run(set, nodes, pods).changes), expected))
  }

  function tainted(effect: 'NoSchedule' | 'NoExecute') {
    return node('n', { spec: { taints: [{ key: 'k', effect }] } })
  }
  function traits(on: string): PodTraits {
    return { owner: { kind: DaemonSet, object: set }, node: on, labels: { app: 'web', [hashLabel]: hash } }
  }
  function pendingFor(name: string): Pod['spec'] {
    const matchFields = [{ key: 'metadata.name', operator: 'In' as const, values: [name] }]
    const nodeSelectorTerms = [{ matchFields }]
    return {
      containers: [],
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
    }
  }
})

describe('a rolling update', () => {
  const nodes = [node('n1'), node('n2'), node('n3')]

  test('replaces one pod at a time', () => {
    const set = daemonSet()
    const pods = ['n1', 'n2', 'n3'].map((name) => daemon(set, name, 'older', ready))
    assert.deepEqual(podLines(run(set, nodes, pods).changes), ['remove pod/d-n1-old'])
  })

  test('replaces broken pods at once', () => {
    const set = daemonSet()
    const pods = [daemon(set, 'n1', 'older'), daemon(set, 'n2', 'older'), daemon(set, 'n3', 'older', ready)]
    assert.deepEqual(podLines(run(set, nodes, pods).changes), ['remove pod/d-n1-old', 'remove pod/d-n2-old'])
  })

  test('with surge makes the new pod first', () => {
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } } as const
    const set = daemonSet({ updateStrategy })
    const old = ['n1', 'n2', 'n3'].map((name) => daemon(set, name, 'older', ready))
    assert.deepEqual(podLines(run(set, nodes, old).changes), ['create pod/d-'])
    const replaced = [...old, daemon(set, 'n1', hash, ready)]
    assert.deepEqual(podLines(run(set, nodes, replaced).changes), ['remove pod/d-n1-old'])
  })

  test('OnDelete waits for somebody to delete', () => {
    const set = daemonSet({ updateStrategy: { type: 'OnDelete' } })
    const pods = ['n1', 'n2', 'n3'].map((name) => daemon(set, name, 'older', ready))
    assert.deepEqual(podLines(run(set, nodes, pods).changes), [])
  })
})
