import { Deployment } from '../../kinds/apps/deployment.ts'
import { ReplicaSet } from '../../kinds/apps/replica-set.ts'
import type { PodTemplateSpec } from '../../kinds/core/pod-spec.ts'
import { create, event, made, type Steps, setStatus, update } from '../../reconciler/changes.ts'
import type { Context } from '../../reconciler/controller.ts'
import { ApiError, isAlreadyExists } from '../../schema/status.ts'
import type { Draft } from '../../schema/types.ts'
import { canonical, isEqual } from '../shared/equal.ts'
import { controllerReference, isControlledBy, olderFirst } from '../shared/owner.ts'
import { isNamespaceTerminating } from '../shared/pod-control.ts'
import { templateHash } from '../shared/template-hash.ts'
import { annotationsOf, revisionAnnotation, revisionOf, withRevision, withSize } from './annotations.ts'
import { condition, conditionOf, withCondition } from './conditions.ts'
import { isRollingUpdate, maxSurge, progressDeadline, replicasOf, sum } from './limits.ts'

export const hashLabel = 'pod-template-hash'

/** A Deployment in the course of one reconcile: the newest versions of it and of its ReplicaSets. */
export interface Rollout {
  deployment: Deployment
  /** The ReplicaSet of the present template, if it is there. */
  newSet: ReplicaSet | undefined
  oldSets: ReplicaSet[]
  readonly context: Context
}

export const allSets = ({ newSet, oldSets }: Rollout): ReplicaSet[] => (newSet ? [...oldSets, newSet] : [...oldSets])

export function rolloutOf(deployment: Deployment, sets: readonly ReplicaSet[], context: Context): Rollout {
  const sorted = sets.toSorted(olderFirst)
  const template = templateText(deployment.spec.template)
  const newSet = sorted.find(({ spec }) => templateText(spec.template) === template)
  return { deployment, newSet, oldSets: sets.filter((set) => set !== newSet), context }
}

const texts = new WeakMap<object, string>()

/** A template for comparison: without the label that the Deployment adds. */
function templateText(template: PodTemplateSpec): string {
  const present = texts.get(template)
  if (present !== undefined) return present
  const { [hashLabel]: _, ...labels } = template.metadata.labels ?? {}
  const metadata = { ...template.metadata, labels, creationTimestamp: undefined }
  const text = canonical({ ...template, metadata })
  texts.set(template, text)
  return text
}

/** Sees that the newest ReplicaSet has the highest revision and that the Deployment shows it. */
export function* syncRevision(rollout: Rollout): Steps {
  const { newSet, oldSets, deployment, context } = rollout
  if (newSet === undefined) return
  const revision = Math.max(0, ...oldSets.map(revisionOf)) + 1
  const annotations = withRevision(annotationsOf(newSet), deployment, revision)
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0
  if (!isEqual(annotations, annotationsOf(newSet)) || minReadySeconds !== (newSet.spec.minReadySeconds ?? 0)) {
    const changed = {
      ...newSet,
      metadata: { ...newSet.metadata, annotations },
      spec: { ...newSet.spec, minReadySeconds },
    }
    rollout.newSet = yield* made<ReplicaSet>(update(ReplicaSet, changed))
    return
  }
  const found = condition('Progressing', 'True', 'FoundNewReplicaSet', foundMessage(newSet), context.now)
  const isNews =
    progressDeadline(deployment) !== undefined && conditionOf(deployment.status, 'Progressing') === undefined
  yield* noteRevision(rollout, annotations[revisionAnnotation]!, isNews ? found : undefined)
}

const foundMessage = ({ metadata }: ReplicaSet) => `Found new replica set "${metadata.name}"`

/** The revision goes with a write of the status, which the API lets change annotations, too. */
function* noteRevision(rollout: Rollout, revision: string, news: ReturnType<typeof condition> | undefined): Steps {
  const { deployment } = rollout
  const annotations = annotationsOf(deployment)
  if (annotations[revisionAnnotation] === revision && news === undefined) return
  const conditions = deployment.status.conditions ?? []
  const changed = {
    ...deployment,
    metadata: { ...deployment.metadata, annotations: { ...annotations, [revisionAnnotation]: revision } },
  }
  const status = { ...deployment.status, ...(news && { conditions: withCondition(conditions, news) }) }
  rollout.deployment = yield* made<Deployment>(setStatus(Deployment, changed, status))
}

/** Creates the ReplicaSet of the present template. */
export function* createNewSet(rollout: Rollout): Steps {
  const { deployment, oldSets, context } = rollout
  const hash = templateHash(deployment.spec.template, deployment.status.collisionCount)
  const revision = Math.max(0, ...oldSets.map(revisionOf)) + 1
  const replicas = newSetReplicas(rollout, 0)
  const draft = setFrom(deployment, hash, replicas, revision)
  try {
    rollout.newSet = yield* made<ReplicaSet>(create(ReplicaSet, draft))
  } catch (error) {
    yield* creationFailed(rollout, draft, error)
    return
  }
  const { name } = rollout.newSet.metadata
  if (replicas > 0) yield event('ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${replicas}`)
  const message = `Created new replica set "${name}"`
  const created = condition('Progressing', 'True', 'NewReplicaSetCreated', message, context.now)
  yield* noteRevision(rollout, String(revision), progressDeadline(deployment) === undefined ? undefined : created)
}

/** How many replicas the new ReplicaSet, which has `present`, should have now. */
export function newSetReplicas(rollout: Rollout, present: number): number {
  const { deployment } = rollout
  const wish = replicasOf(deployment)
  if (!isRollingUpdate(deployment)) return wish
  const room = wish + maxSurge(deployment) - sum(allSets(rollout), replicasOf)
  return room <= 0 ? present : present + Math.min(room, wish - present)
}

function setFrom(deployment: Deployment, hash: string, replicas: number, revision: number): Draft<ReplicaSet> {
  const { spec, metadata } = deployment
  const labels = { ...spec.template.metadata.labels, [hashLabel]: hash }
  return {
    metadata: {
      name: `${metadata.name!.slice(0, 253 - hash.length - 1)}-${hash}`,
      namespace: metadata.namespace,
      labels,
      annotations: withSize(withRevision({}, deployment, revision), deployment),
      ownerReferences: [controllerReference(Deployment, deployment)],
    },
    spec: {
      replicas,
      minReadySeconds: spec.minReadySeconds,
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [hashLabel]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  }
}

function* creationFailed(rollout: Rollout, draft: Draft<ReplicaSet>, error: unknown): Steps {
  if (isAlreadyExists(error)) yield* resolveCollision(rollout, draft)
  else if (error instanceof ApiError && !isNamespaceTerminating(error)) yield* reportFailure(rollout, draft, error)
  throw error
}

/**
 * Somebody has the name. If it is a ReplicaSet of ours with this template, the caches will show it and the next try
 * finds it; else the template gets another hash.
 */
function* resolveCollision({ deployment, context }: Rollout, { metadata }: Draft<ReplicaSet>): Steps {
  const other = context.get(ReplicaSet, { namespace: metadata?.namespace, name: metadata?.name ?? '' })
  if (other === undefined) return
  const isOurs = isControlledBy(other, deployment)
  if (isOurs && templateText(other.spec.template) === templateText(deployment.spec.template)) return
  const collisionCount = (deployment.status.collisionCount ?? 0) + 1
  yield setStatus(Deployment, deployment, { ...deployment.status, collisionCount })
}

function* reportFailure({ deployment, context }: Rollout, { metadata }: Draft<ReplicaSet>, error: ApiError): Steps {
  const message = `Failed to create new replica set "${metadata?.name}": ${error.message}`
  if (progressDeadline(deployment) !== undefined) {
    const failure = condition('Progressing', 'False', 'ReplicaSetCreateError', message, context.now)
    const conditions = withCondition(deployment.status.conditions ?? [], failure)
    yield setStatus(Deployment, deployment, { ...deployment.status, conditions })
  }
  yield event('ReplicaSetCreateError', message, 'Warning')
}
