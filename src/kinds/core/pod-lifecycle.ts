/** What the server itself writes into a pod when it is created, changed, and deleted. */

import { equalJson } from '../../schema/freeze.ts'
import type { Mutable } from '../../schema/types.ts'
import type { LabelSelector } from '../meta/label-selector.ts'
import type { Pod } from './pod.ts'
import { mirrorServiceAccount } from './pod-defaults.ts'
import { computeQos } from './pod-qos.ts'
import type { AppArmorProfile } from './security.ts'

export function preparePodCreate(pod: Mutable<Pod>): void {
  const { spec } = pod
  pod.metadata.generation = 1
  mirrorServiceAccount(spec)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1
  pod.status = { phase: 'Pending', qosClass: computeQos(spec) }
  if (spec.schedulingGates?.length) showGates(pod)
  mergeLabelKeys(pod)
  alignAppArmor(pod)
}

export function preparePodUpdate(pod: Mutable<Pod>, old: Pod): void {
  pod.status = old.status as Mutable<Pod>['status']
  mirrorServiceAccount(pod.spec)
  raiseGeneration(pod, old)
}

export function raiseGeneration(pod: Mutable<Pod>, old: Pod): void {
  const generation = old.metadata.generation ?? 0
  pod.metadata.generation = equalJson(pod.spec, old.spec) ? generation : generation + 1
  if (pod.metadata.generation === 0) delete pod.metadata.generation
}

/** A pod behind gates says so from the beginning, not only once the scheduler has seen it. */
function showGates(pod: Mutable<Pod>): void {
  pod.status.conditions = [
    {
      type: 'PodScheduled',
      status: 'False',
      lastProbeTime: null as unknown as string,
      lastTransitionTime: pod.metadata.creationTimestamp!,
      reason: 'SchedulingGated',
      message: 'Scheduling is blocked due to non-empty scheduling gates',
    },
  ]
}

/**
 * Label keys whose values are the pod's own become plain requirements, so that the scheduler need not look at the pod
 * again (KEP-3633 for affinity, KEP-3243 for spread constraints).
 */
function mergeLabelKeys({ metadata, spec }: Mutable<Pod>): void {
  const labels = metadata.labels ?? {}
  for (const affinity of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    const terms = [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => term.podAffinityTerm),
    ]
    for (const term of terms) {
      addRequirements(term.labelSelector, term.matchLabelKeys, 'In', labels)
      addRequirements(term.labelSelector, term.mismatchLabelKeys, 'NotIn', labels)
    }
  }
  for (const constraint of spec.topologySpreadConstraints ?? []) {
    addRequirements(constraint.labelSelector, constraint.matchLabelKeys, 'In', labels)
  }
}

function addRequirements(
  selector: Mutable<LabelSelector> | undefined,
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
  labels: Readonly<Record<string, string>>,
): void {
  if (!selector || !keys) return
  for (const key of keys) {
    const value = labels[key]
    if (value === undefined) continue
    selector.matchExpressions ??= []
    selector.matchExpressions.push({ key, operator, values: [value] })
  }
}

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/'

/** The annotation that came before the field is still read by old node agents, and written by old clients. */
function alignAppArmor({ metadata, spec }: Mutable<Pod>): void {
  if (spec.os?.name === 'windows') return
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    const key = appArmorPrefix + container.name
    const own = container.securityContext?.appArmorProfile
    const annotation = metadata.annotations?.[key]
    const effective = own ?? spec.securityContext?.appArmorProfile
    if (effective && annotation === undefined) {
      metadata.annotations = { ...metadata.annotations, [key]: appArmorText(effective) }
    } else if (!effective && annotation !== undefined) {
      const profile = appArmorProfile(annotation)
      if (profile) container.securityContext = { ...container.securityContext, appArmorProfile: profile }
    }
  }
}

function appArmorText({ type, localhostProfile = '' }: AppArmorProfile): string {
  if (type === 'Localhost') return `localhost/${localhostProfile}`
  return type === 'Unconfined' ? 'unconfined' : 'runtime/default'
}

function appArmorProfile(text: string): Mutable<AppArmorProfile> | undefined {
  if (text === 'unconfined') return { type: 'Unconfined' }
  if (text === 'runtime/default') return { type: 'RuntimeDefault' }
  if (!text.startsWith('localhost/')) return undefined
  return { type: 'Localhost', localhostProfile: text.slice('localhost/'.length) }
}

/** A pod that runs nowhere, or no longer, goes at once; others have the time they were promised. */
export function podGracePeriod({ spec, status }: Pod, asked: number | undefined): number {
  if (!spec.nodeName || status.phase === 'Succeeded' || status.phase === 'Failed') return 0
  const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 30
  return seconds < 0 ? 1 : seconds
}
