/**
 * How many replicas a metric asks for. Pure: pods, samples and targets go in, a number comes out. Amounts are whole
 * thousandths, as the reference counts them, so that rounding falls the same way.
 */

import { parseQuantity } from '../../base/quantity.ts'
import type { Container } from '../../kinds/core/containers.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { timeOf } from '../shared/owner.ts'
import { isReady, podCondition } from '../shared/pods.ts'

/** Why no number of replicas follows from a metric; the messages are the reference's. */
export class MetricError extends Error {}

/** What was measured of one pod. */
export interface Sample {
  readonly milli: number
  readonly atMs: number
  /** The time over which it was measured, up to `atMs`. */
  readonly windowMs: number
}

export type Samples = ReadonlyMap<string, Sample>

/** How far a ratio may be off 1 without anything happening. */
export interface Tolerances {
  readonly up: number
  readonly down: number
}

export interface Situation {
  /** What the target has in its spec. */
  readonly specReplicas: number
  /** What the target has in its status. */
  readonly statusReplicas: number
  /** All pods that the target's selector selects. */
  readonly pods: readonly Pod[]
  readonly tolerances: Tolerances
  readonly now: number
  /** So long after its start the CPU use of a pod counts only while it is ready, over a whole window. */
  readonly cpuInitializationMs: number
  /** A pod that became unready so soon after its start has never been ready. */
  readonly initialReadinessMs: number
}

/** What a metric asks for, and the value that the status shows. */
export interface Proposal {
  readonly replicas: number
  /** The average over the pods, or for metrics without pods the value itself. */
  readonly milli: number
  /** In percent of the requests, where that is what was aimed at. */
  readonly utilization?: number
}

interface Groups {
  readonly ready: number
  /** Not counted on a way down, counted as idle on a way up. */
  readonly unready: ReadonlySet<string>
  /** Run, but nothing was measured of them. */
  readonly missing: ReadonlySet<string>
  readonly ignored: ReadonlySet<string>
}

/** Use of a resource against a percentage of what the pods request. */
export function byUtilization(
  situation: Situation,
  samples: Samples,
  target: { readonly resource: string; readonly container: string; readonly utilization: number },
): Proposal {
  const { resource, container, utilization } = target
  const groups = grouped(situation, samples, resource)
  const counted = countedSamples(groups, samples)
  const requests = requestsOf(situation.pods, resource, container)
  const measured = utilizationOf(counted, requests)
  // Where more than all of the request is aimed at, a pod of which nothing is known may use as much.
  const fullShare = Math.max(100, utilization)
  const replicas = replicasFor(situation, groups, counted, measured.percent / utilization, {
    whenDown: (name) => Math.trunc(((requests.get(name) ?? 0) * fullShare) / 100),
    ratio: (filled) => utilizationOf(filled, requests).percent / utilization,
  })
  return { replicas, milli: measured.average, utilization: measured.percent }
}

/** A metric of pods against an average amount. `resource` is empty for metrics that are not resources. */
export function byAverage(situation: Situation, samples: Samples, resource: string, targetMilli: number): Proposal {
  const groups = grouped(situation, samples, resource)
  const counted = countedSamples(groups, samples)
  const average = averageOf(counted)
  const replicas = replicasFor(situation, groups, counted, average / targetMilli, {
    whenDown: () => targetMilli,
    ratio: (filled) => averageOf(filled) / targetMilli,
  })
  return { replicas, milli: average }
}

/** A metric that describes one object, or something outside of the cluster, against an amount. */
export function byValue(situation: Situation, milli: number, targetMilli: number): Proposal {
  const { specReplicas } = situation
  const ratio = milli / targetMilli
  // From zero there is nobody whose load could be shared out, and no tolerance: any load needs somebody.
  if (specReplicas === 0) return { replicas: atMost(Math.ceil(ratio)), milli }
  if (isWithin(situation.tolerances, ratio)) return { replicas: specReplicas, milli }
  return { replicas: atMost(Math.ceil(ratio * readyCount(situation.pods))), milli }
}

/** The same against an amount for each replica. */
export function byValuePerReplica(situation: Situation, milli: number, targetMilli: number): Proposal {
  const { statusReplicas } = situation
  const ratio = milli / (targetMilli * statusReplicas)
  const replicas = isWithin(situation.tolerances, ratio) ? statusReplicas : atMost(Math.ceil(milli / targetMilli))
  const average = statusReplicas === 0 ? 0 : Math.ceil(milli / statusReplicas)
  return { replicas, milli: average }
}

const mostReplicas = 2 ** 31 - 1
const atMost = (replicas: number) => Math.min(replicas, mostReplicas)

const isWithin = ({ up, down }: Tolerances, ratio: number) => 1 - down <= ratio && ratio <= 1 + up

function readyCount(pods: readonly Pod[]): number {
  if (pods.length === 0) throw new MetricError(`unable to calculate ready pods: ${noPods}`)
  return pods.filter((pod) => pod.status.phase === 'Running' && isReady(pod)).length
}

const noPods = 'no pods returned by selector while calculating replica count'

function grouped(situation: Situation, samples: Samples, resource: string): Groups {
  const { pods } = situation
  if (pods.length === 0) throw new MetricError(noPods)
  const [unready, missing, ignored] = [new Set<string>(), new Set<string>(), new Set<string>()]
  let ready = 0
  for (const pod of pods) {
    const name = pod.metadata.name ?? ''
    const sample = samples.get(name)
    if (pod.metadata.deletionTimestamp !== undefined || pod.status.phase === 'Failed') ignored.add(name)
    else if (pod.status.phase === 'Pending') unready.add(name)
    else if (sample === undefined) missing.add(name)
    else if (resource === 'cpu' && isStartingUp(pod, sample, situation)) unready.add(name)
    else ready++
  }
  return { ready, unready, missing, ignored }
}

/** The use of CPU while a program starts says nothing about its load. */
function isStartingUp(pod: Pod, sample: Sample, situation: Situation): boolean {
  const condition = podCondition(pod, 'Ready')
  const { startTime } = pod.status
  if (condition === undefined || startTime === undefined) return true
  const started = timeOf(startTime)
  const changed = condition.lastTransitionTime ? timeOf(condition.lastTransitionTime) : 0
  const isUnready = condition.status === 'False'
  if (started + situation.cpuInitializationMs > situation.now)
    return isUnready || sample.atMs < changed + sample.windowMs
  return isUnready && started + situation.initialReadinessMs > changed
}

function countedSamples({ unready, ignored }: Groups, samples: Samples): ReadonlyMap<string, number> {
  const counted = new Map<string, number>()
  for (const [name, { milli }] of samples) if (!unready.has(name) && !ignored.has(name)) counted.set(name, milli)
  if (counted.size === 0) throw new MetricError('did not receive metrics for targeted pods (pods might be unready)')
  return counted
}

/**
 * The ratio times the pods that it was measured on. Where pods were not measured, or do not serve yet, they are
 * assumed to be what changes least, and a result that would turn the direction around changes nothing.
 */
function replicasFor(
  { specReplicas, tolerances }: Situation,
  groups: Groups,
  counted: ReadonlyMap<string, number>,
  ratio: number,
  assume: {
    /** What a pod of which nothing is known uses when the others use too little. */
    readonly whenDown: (name: string) => number
    readonly ratio: (filled: ReadonlyMap<string, number>) => number
  },
): number {
  const countsUnready = groups.unready.size > 0 && ratio > 1
  if (!countsUnready && groups.missing.size === 0)
    return isWithin(tolerances, ratio) ? specReplicas : atMost(Math.ceil(ratio * groups.ready))
  const filled = new Map(counted)
  if (ratio !== 1) for (const name of groups.missing) filled.set(name, ratio < 1 ? assume.whenDown(name) : 0)
  if (countsUnready) for (const name of groups.unready) filled.set(name, 0)
  const cautious = assume.ratio(filled)
  const turns = (ratio < 1 && cautious > 1) || (ratio > 1 && cautious < 1)
  if (isWithin(tolerances, cautious) || turns) return specReplicas
  const replicas = atMost(Math.ceil(cautious * filled.size))
  const turnsAround = (cautious < 1 && replicas > specReplicas) || (cautious > 1 && replicas < specReplicas)
  return turnsAround ? specReplicas : replicas
}

/** Of sums, not the mean of each pod's part. */
function utilizationOf(
  samples: ReadonlyMap<string, number>,
  requests: ReadonlyMap<string, number>,
): { readonly percent: number; readonly average: number } {
  let [used, requested, count] = [0, 0, 0]
  for (const [name, milli] of samples) {
    const request = requests.get(name)
    if (request === undefined) continue
    used += milli
    requested += request
    count++
  }
  if (requested === 0) throw new MetricError('no metrics returned matched known pods')
  return { percent: Math.trunc((used * 100) / requested), average: Math.trunc(used / count) }
}

function averageOf(samples: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const milli of samples.values()) sum += milli
  return Math.trunc(sum / samples.size)
}

/** What each pod asks of a resource. Without it there is nothing to compare with. */
function requestsOf(pods: readonly Pod[], resource: string, container: string): ReadonlyMap<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name ?? '', requestOf(pod, resource, container)]))
}

function requestOf(pod: Pod, resource: string, container: string): number {
  const { name } = pod.metadata
  const { resources } = pod.spec
  if (container === '' && Object.keys(resources?.requests ?? {}).length > 0) {
    const request = resources?.requests?.[resource] ?? sumIfAll(longRunning(pod), resource)
    if (request === undefined) throw new MetricError(`missing pod-level request for ${resource} in Pod ${name}`)
    return parseQuantity(request).milliValue()
  }
  const asked = longRunning(pod).filter((each) => container === '' || each.name === container)
  if (asked.length === 0 && container !== '') throw new MetricError(`container ${container} not found in Pod ${name}`)
  let sum = 0
  for (const each of asked) {
    const request = each.resources?.requests?.[resource]
    if (request === undefined)
      throw new MetricError(`missing request for ${resource} in container ${each.name} of Pod ${name}`)
    sum += parseQuantity(request).milliValue()
  }
  return sum
}

/** Pod-level requests leave out what only the containers ask for. */
function sumIfAll(containers: readonly Container[], resource: string): string | undefined {
  const requests = containers.flatMap(({ resources }) => resources?.requests?.[resource] ?? [])
  if (requests.length === 0) return undefined
  return requests
    .map(parseQuantity)
    .reduce((sum, each) => sum.add(each))
    .toString()
}

/** All containers that run as long as the pod does: sidecars too. */
function longRunning({ spec }: Pod): readonly Container[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...spec.containers, ...sidecars]
}
