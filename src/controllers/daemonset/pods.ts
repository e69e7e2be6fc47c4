import { DaemonSet } from '../../kinds/apps/daemon-set.ts'
import type { Node } from '../../kinds/core/node.ts'
import { hardEffects, matchesNode, untolerated } from '../../kinds/core/node-fit.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { PodSpec } from '../../kinds/core/pod-spec.ts'
import type { Affinity, Toleration } from '../../kinds/core/scheduling.ts'
import type { Draft } from '../../schema/types.ts'
import { controllerReference, olderFirst } from '../shared/owner.ts'
import { podFrom } from '../shared/pods.ts'

export const hashLabel = 'controller-revision-hash'
const generationLabel = 'pod-template-generation'
const generationAnnotation = 'deprecated.daemonset.template.generation'

/** What every daemon pod tolerates: it has to be there when the node is in trouble. */
const daemonTolerations: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
]
const hostNetworkToleration: Toleration = {
  key: 'node.kubernetes.io/network-unavailable',
  operator: 'Exists',
  effect: 'NoSchedule',
}

export interface NodeVerdict {
  /** A daemon pod should be made for this node. */
  readonly run: boolean
  /** One that is there may stay. */
  readonly stay: boolean
}

const no: NodeVerdict = { run: false, stay: false }

export function verdictOn({ spec }: DaemonSet, node: Node): NodeVerdict {
  const podSpec = spec.template.spec
  if (podSpec.nodeName && podSpec.nodeName !== node.metadata.name) return no
  if (!matchesNode(podSpec, node)) return no
  const tolerations = tolerationsOf(podSpec)
  if (untolerated(node.spec.taints, tolerations, hardEffects) === undefined) return { run: true, stay: true }
  return { run: false, stay: untolerated(node.spec.taints, tolerations, ['NoExecute']) === undefined }
}

function tolerationsOf({ tolerations = [], hostNetwork }: PodSpec): Toleration[] {
  const result = [...tolerations]
  for (const toleration of [...daemonTolerations, ...(hostNetwork ? [hostNetworkToleration] : [])]) {
    const at = result.findIndex((present) => isSame(present, toleration))
    if (at < 0) result.push(toleration)
    else result[at] = toleration
  }
  return result
}

const isSame = (a: Toleration, b: Toleration) =>
  a.key === b.key && a.effect === b.effect && a.operator === b.operator && (a.value ?? '') === (b.value ?? '')

/** A daemon pod is scheduled like any other; an affinity to the name of its node sees to it that it gets there. */
export function podForNode(set: DaemonSet, nodeName: string, hash: string): Draft<Pod> {
  const { template } = set.spec
  const generation = set.metadata.annotations?.[generationAnnotation]
  const labels = {
    ...template.metadata.labels,
    [hashLabel]: hash,
    ...(generation !== undefined && { [generationLabel]: generation }),
  }
  const { name = '', namespace = '' } = set.metadata
  const spec = {
    ...template.spec,
    affinity: affinityTo(nodeName, template.spec.affinity),
    tolerations: tolerationsOf(template.spec),
  }
  const metadata = { ...template.metadata, labels }
  return podFrom({ metadata, spec }, { name, namespace }, controllerReference(DaemonSet, set))
}

function affinityTo(nodeName: string, affinity: Affinity | undefined): Affinity {
  const matchFields = [{ key: 'metadata.name', operator: 'In' as const, values: [nodeName] }]
  const requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms: [{ matchFields }] }
  return { ...affinity, nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution } }
}

/** The node that a daemon pod is on or is meant for. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  for (const { matchFields = [] } of terms)
    for (const { key, operator, values } of matchFields)
      if (key === 'metadata.name' && operator === 'In' && values?.length === 1) return values[0]
  return undefined
}

/** Pods that have a node first, then by age. */
export const settledFirst = (a: Pod, b: Pod): number =>
  Number(!!b.spec.nodeName) - Number(!!a.spec.nodeName) || olderFirst(a, b)

export const hasHash = ({ metadata }: Pod, hash: string): boolean => metadata.labels?.[hashLabel] === hash
