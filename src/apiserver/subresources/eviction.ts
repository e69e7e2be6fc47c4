import { secondsTime } from '../../base/seconds-time.ts'
import { Pod } from '../../kinds/core/pod.ts'
import type { Eviction } from '../../kinds/policy/eviction.ts'
import { PodDisruptionBudget } from '../../kinds/policy/pod-disruption-budget.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { toLabelSelector } from '../../schema/selectors.ts'
import { ApiError, badRequest, forbidden, isConflict } from '../../schema/status.ts'
import type { RequestContext } from '../context.ts'
import type { DeleteOptions } from '../resource.ts'
import { created, type Resources } from './resources.ts'

/** More pods than this in the budget's list of disrupted pods mean that its controller does not follow. */
const maxDisruptedPods = 2000
/** Seconds after which a client may ask again while the budget has not been looked at. */
const retrySeconds = 10
const attempts = 5

/** Deletes a pod unless its disruption budget forbids it (429). */
export async function evict(
  resources: Resources,
  namespace: string,
  name: string,
  body: ApiObject,
  context: RequestContext,
): Promise<object> {
  const { metadata, deleteOptions } = body as Eviction
  if (metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object')
  const sameDryRun = withDryRunOf(deleteOptions?.dryRun, context)
  for (let attempt = 1; ; attempt++) {
    try {
      await evictNow(resources, namespace, name, (deleteOptions ?? {}) as DeleteOptions, sameDryRun)
      return created
    } catch (error) {
      // Somebody changed the pod or the budget in between.
      const isOwn = isConflict(error) && deleteOptions?.preconditions === undefined
      if (!isOwn || attempt === attempts) throw error
    }
  }
}

/** Clients such as `kubectl drain --dry-run=server` ask for a dry run in the body, others in the query; not differently. */
function withDryRunOf(inBody: readonly string[] | undefined, context: RequestContext): RequestContext {
  if (inBody === undefined || inBody.length === 0 || context.dryRun) return context
  return { ...context, signal: context.signal, dryRun: true }
}

async function evictNow(
  resources: Resources,
  namespace: string,
  name: string,
  options: DeleteOptions,
  context: RequestContext,
): Promise<void> {
  const pods = resources.resource(Pod)
  const pod = (await pods.get(namespace, name)).object
  if (!disrupts(pod)) {
    await pods.delete(namespace, name, unchanged(pod, options), context)
    return
  }
  const budget = await budgetOf(resources, namespace, pod)
  if (budget !== undefined && !mayGoUnready(pod, budget)) await takeDisruption(resources, pod, budget, context)
  if (!context.dryRun) await markEvicted(resources, pod, context)
  await pods.delete(namespace, name, options, context)
}

/** Whether the pod counts for its budget: what has ended, not begun, or is going already does not. */
function disrupts({ metadata, status }: Pod): boolean {
  const phase = status.phase ?? ''
  return metadata.deletionTimestamp === undefined && phase !== 'Succeeded' && phase !== 'Failed' && phase !== 'Pending'
}

/** A pod that is let go because of its state must still be in it when it is deleted. */
const unchanged = ({ metadata }: Pod, options: DeleteOptions): DeleteOptions => ({
  ...options,
  preconditions: { resourceVersion: metadata.resourceVersion!, ...options.preconditions },
})

async function budgetOf(resources: Resources, namespace: string, pod: Pod): Promise<PodDisruptionBudget | undefined> {
  const { entries } = await resources.resource(PodDisruptionBudget).list(namespace, {})
  const budgets = entries
    .map(({ object }) => object)
    .filter(({ spec }) => toLabelSelector(spec.selector).matches(pod.metadata.labels))
  if (budgets.length <= 1) return budgets[0]
  const why = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
  throw new ApiError('InternalError', `Internal error occurred: ${why}`, { details: { causes: [{ message: why }] } })
}

/** A pod that serves nobody may go, always or (by default) as long as enough others do. */
function mayGoUnready(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  if (pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return false
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  return status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0
}

const tooMany = (why: string, retryAfterSeconds?: number): ApiError =>
  new ApiError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    details: {
      causes: [{ reason: 'DisruptionBudget', message: why }],
      ...(retryAfterSeconds && { retryAfterSeconds }),
    },
  })

/** Books the disruption in the budget, or refuses it. */
async function takeDisruption(
  resources: Resources,
  pod: Pod,
  budget: PodDisruptionBudget,
  context: RequestContext,
): Promise<void> {
  const { namespace = '', name = '', generation = 0 } = budget.metadata
  const { observedGeneration = 0, disruptionsAllowed, disruptedPods = {} } = budget.status
  const resource = { group: 'policy', resource: 'poddisruptionbudgets' }
  if (observedGeneration < generation) {
    throw tooMany(`The disruption budget ${name} is still being processed by the server.`, retrySeconds)
  }
  if (disruptionsAllowed < 0) throw forbidden(resource, name, 'pdb disruptions allowed is negative')
  if (Object.keys(disruptedPods).length > maxDisruptedPods) {
    throw forbidden(resource, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  }
  if (disruptionsAllowed === 0) throw tooMany(whyNone(budget))
  if (context.dryRun) return
  const now = secondsTime(resources.world.clock.now())
  const booked = withDisruption(budget, pod.metadata.name ?? '', now)
  await resources.resource(PodDisruptionBudget).update(namespace, name, 'status', () => structuredClone(booked), {
    ...context,
    signal: context.signal,
    fieldManager: 'kube-apiserver',
  })
}

/** Why a budget allows nothing. When its controller could not count, the numbers mean nothing. */
function whyNone({ metadata: { name }, status }: PodDisruptionBudget): string {
  const { currentHealthy, desiredHealthy, conditions = [] } = status
  const condition = conditions.find(({ type }) => type === 'DisruptionAllowed')
  const denial = condition?.status === 'False' && condition.message !== '' ? condition : undefined
  const none = `The disruption budget ${name} does not allow evicting pods currently`
  if (denial?.reason === 'SyncFailed') return `${none} because it failed sync: ${denial.message}`
  if (currentHealthy <= desiredHealthy)
    return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
  return denial ? `${none} (${denial.reason}): ${denial.message}` : none
}

function withDisruption(budget: PodDisruptionBudget, pod: string, now: string): PodDisruptionBudget {
  const { status } = budget
  const disruptionsAllowed = status.disruptionsAllowed - 1
  return {
    ...budget,
    status: {
      ...status,
      disruptedPods: { ...status.disruptedPods, [pod]: now },
      disruptionsAllowed,
      ...(disruptionsAllowed === 0 && { conditions: exhausted(budget, now) }),
    },
  }
}

type Conditions = NonNullable<PodDisruptionBudget['status']['conditions']>

function exhausted({ metadata, status }: PodDisruptionBudget, now: string): Conditions {
  const others = (status.conditions ?? []).filter(({ type }) => type !== 'DisruptionAllowed')
  const old = status.conditions?.find(({ type }) => type === 'DisruptionAllowed')
  return [
    ...others,
    {
      type: 'DisruptionAllowed',
      status: 'False',
      observedGeneration: metadata.generation ?? 0,
      lastTransitionTime: old?.status === 'False' ? old.lastTransitionTime : now,
      reason: 'InsufficientPods',
      message: '',
    },
  ]
}

/** Says on the pod why it goes, so that whoever owns it can tell a disruption from a failure. */
async function markEvicted(resources: Resources, pod: Pod, context: RequestContext): Promise<void> {
  const lastTransitionTime = secondsTime(resources.world.clock.now())
  const { namespace = '', name = '' } = pod.metadata
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime,
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  }
  const change = (current: Pod | undefined) => {
    const { status } = current!
    const others = (status.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget')
    return structuredClone({ ...current!, status: { ...status, conditions: [...others, condition] } }) as unknown as Pod
  }
  await resources.resource(Pod).update(namespace, name, 'status', change, context, { keepsManagers: true })
}
