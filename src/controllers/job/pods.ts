import { Job } from '../../kinds/batch/job.ts'
import type { Container } from '../../kinds/core/containers.ts'
import type { ContainerStatus, Pod } from '../../kinds/core/pod.ts'
import type { PodTemplateSpec } from '../../kinds/core/pod-spec.ts'
import type { Draft } from '../../schema/types.ts'
import { controllerReference, timeOf } from '../shared/owner.ts'
import { podCondition, podFrom } from '../shared/pods.ts'
import { fateOf } from './failure-policy.ts'

/** Keeps a pod until its end has been counted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
const indexName = 'batch.kubernetes.io/job-completion-index'
const failureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count'
const ignoredCountAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count'
const indexVariable = 'JOB_COMPLETION_INDEX'
/** Room for five random characters in a name of 63. */
const longestNamePrefix = 58

export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed'
export const isLimitedPerIndex = (job: Job): boolean => isIndexed(job) && job.spec.backoffLimitPerIndex !== undefined
export const isSuspended = ({ spec }: Job): boolean => spec.suspend === true

/** Somebody else's controller looks after the job. */
export const isManagedElsewhere = ({ spec: { managedBy } }: Job): boolean =>
  managedBy !== undefined && managedBy !== 'kubernetes.io/job-controller'

/** Whether a pod gets a successor only when it has come to its end, not already on its way there. */
export const replacesOnlyFailed = ({ spec }: Job): boolean =>
  spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined

export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) ?? false

/** The number of an indexed job's pod; undefined when it has none, or none below the number of completions. */
export function indexOf(job: Job, pod: Pod): number | undefined {
  const index = anyIndexOf(pod)
  return index === undefined || index >= (job.spec.completions ?? 0) ? undefined : index
}

function anyIndexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexName]
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : undefined
}

/** A pod that goes counts as failed, too, as it may never get to say how it ended. */
export function isFailed(job: Job, { status, metadata }: Pod): boolean {
  if (status.phase === 'Failed') return true
  if (replacesOnlyFailed(job)) return false
  return metadata.deletionTimestamp !== undefined && status.phase !== 'Succeeded'
}

/** How often the index had failed before this pod, as the pod carries it along. */
export const failuresBefore = ({ metadata }: Pod): number => countIn(metadata.annotations?.[failureCountAnnotation])
const ignoredBefore = ({ metadata }: Pod): number => countIn(metadata.annotations?.[ignoredCountAnnotation])
/** Failures that the policy says not to count included. */
export const allFailuresBefore = (pod: Pod): number => failuresBefore(pod) + ignoredBefore(pod)

const countIn = (text: string | undefined): number =>
  text !== undefined && /^[0-9]+$/.test(text) ? Math.min(Number(text), 2_147_483_647) : 0

/** The pod of a job without indexes. */
export function podOf(job: Job): Draft<Pod> {
  const { name = '', namespace = '' } = job.metadata
  const draft = podFrom(job.spec.template, { name, namespace }, controllerReference(Job, job))
  return { ...draft, metadata: { ...draft.metadata, finalizers: withTracking(job.spec.template) } }
}

/** The pod of an index; `replaced` is the one that failed before it. */
export function podAt(job: Job, index: number, replaced: Pod | undefined): Draft<Pod> {
  const draft = podOf(job)
  const { name = '' } = job.metadata
  const { spec } = job.spec.template
  return {
    metadata: {
      ...draft.metadata,
      generateName: namePrefix(name, index),
      labels: { ...draft.metadata!.labels, [indexName]: String(index) },
      annotations: {
        ...draft.metadata!.annotations,
        [indexName]: String(index),
        ...(isLimitedPerIndex(job) && failureCounts(job, replaced)),
      },
    },
    spec: {
      ...spec,
      hostname: `${name}-${index}`,
      ...(spec.initContainers && { initContainers: spec.initContainers.map(withIndexVariable) }),
      containers: spec.containers.map(withIndexVariable),
    },
  }
}

const withTracking = ({ metadata: { finalizers = [] } }: PodTemplateSpec): readonly string[] =>
  finalizers.includes(trackingFinalizer) ? finalizers : [...finalizers, trackingFinalizer]

function namePrefix(name: string, index: number): string {
  const end = `-${index}-`
  return name.slice(0, longestNamePrefix - end.length) + end
}

function withIndexVariable(container: Container): Draft<Container> {
  if (container.env?.some(({ name }) => name === indexVariable)) return container
  const variable = { name: indexVariable, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexName}']` } } }
  return { ...container, env: [...(container.env ?? []), variable] }
}

function failureCounts(job: Job, replaced: Pod | undefined): Readonly<Record<string, string>> {
  let [counted, ignored] = replaced === undefined ? [0, 0] : [failuresBefore(replaced), ignoredBefore(replaced)]
  if (replaced !== undefined) {
    if (fateOf(job.spec.podFailurePolicy, replaced).counts) counted++
    else ignored++
  }
  return {
    [failureCountAnnotation]: String(counted),
    ...(ignored > 0 && { [ignoredCountAnnotation]: String(ignored) }),
  }
}

/**
 * When a pod came to its end: when its last container did; else when it stopped being ready; else when it was told to
 * go; else, which should not happen, when it began.
 */
export function endOf(pod: Pod): number {
  return endOfContainers(pod) ?? endOfReadiness(pod) ?? timeOfRemoval(pod) ?? timeOf(pod.metadata.creationTimestamp)
}

function endOfContainers({ spec, status }: Pod): number | undefined {
  const sidecars = new Set(spec.initContainers?.filter((c) => c.restartPolicy === 'Always').map(({ name }) => name))
  const besides = (status.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name))
  const ends = [...(status.containerStatuses ?? []), ...besides].map(endOfContainer)
  return ends.length > 0 && ends.every((end) => end !== undefined) ? Math.max(...ends) : undefined
}

function endOfContainer({ state }: ContainerStatus): number | undefined {
  const finishedAt = state?.terminated?.finishedAt
  return finishedAt ? timeOf(finishedAt) : undefined
}

function endOfReadiness(pod: Pod): number | undefined {
  const ready = podCondition(pod, 'Ready')
  return ready?.status === 'False' && ready.lastTransitionTime ? timeOf(ready.lastTransitionTime) : undefined
}

function timeOfRemoval({ metadata }: Pod): number | undefined {
  if (metadata.deletionTimestamp === undefined) return undefined
  return timeOf(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000
}
