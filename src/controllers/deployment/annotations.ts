import type { Deployment } from '../../kinds/apps/deployment.ts'
import type { ReplicaSet } from '../../kinds/apps/replica-set.ts'
import { maxSurge } from './limits.ts'

export const revisionAnnotation = 'deployment.kubernetes.io/revision'
const historyAnnotation = 'deployment.kubernetes.io/revision-history'
const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas'
const maxAnnotation = 'deployment.kubernetes.io/max-replicas'

/** Annotations of a Deployment that its ReplicaSets do not inherit. */
const notInherited = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
])

const historyLengthMax = 2000

type Annotations = Readonly<Record<string, string>>

export const annotationsOf = (object: Deployment | ReplicaSet): Annotations => object.metadata.annotations ?? {}

/** A ReplicaSet's revision; 0 when it has none. */
export const revisionOf = (set: ReplicaSet): number => wholeNumber(annotationsOf(set)[revisionAnnotation]) ?? 0

/** How many replicas the Deployment wanted when this ReplicaSet was last scaled. */
export const desiredReplicasOf = (set: ReplicaSet): number | undefined =>
  wholeNumber(annotationsOf(set)[desiredAnnotation])

/** How many pods there might have been in all, surge included, when this ReplicaSet was last scaled. */
export const maxReplicasOf = (set: ReplicaSet): number | undefined => wholeNumber(annotationsOf(set)[maxAnnotation])

const wholeNumber = (text: string | undefined) =>
  text !== undefined && /^-?[0-9]+$/.test(text) ? Number(text) : undefined

/** What a ReplicaSet remembers of the Deployment's size, for proportional scaling. */
export function withSize(annotations: Annotations, deployment: Deployment): Annotations {
  const desired = deployment.spec.replicas ?? 1
  return {
    ...annotations,
    [desiredAnnotation]: String(desired),
    [maxAnnotation]: String(desired + maxSurge(deployment)),
  }
}

/** What the current ReplicaSet takes over from its Deployment, and its revision, which only ever goes up. */
export function withRevision(annotations: Annotations, deployment: Deployment, revision: number): Annotations {
  const inherited = Object.entries(annotationsOf(deployment)).filter(([key]) => !notInherited.has(key))
  const result: Record<string, string> = { ...annotations, ...Object.fromEntries(inherited) }
  const present = annotations[revisionAnnotation]
  if ((wholeNumber(present) ?? 0) >= revision) return result
  result[revisionAnnotation] = String(revision)
  if (present !== undefined) result[historyAnnotation] = historyWith(annotations[historyAnnotation], present)
  return result
}

function historyWith(history: string | undefined, revision: string): string {
  if (!history) return revision
  const revisions = [...history.split(','), revision]
  while (revisions.length > 1 && revisions.join().length > historyLengthMax) revisions.shift()
  return revisions.join()
}
