import type { ContainerStatus, Pod } from '../../kinds/core/pod.ts'
import { timeOf } from './owner.ts'
import { isReady, podCondition } from './pods.ts'

const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost'
const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

interface Ranked {
  readonly pod: Pod
  readonly phase: number
  readonly ready: boolean
  readonly cost: number
  /** How many related pods run on the same node. */
  readonly crowd: number
  readonly readySince: number
  readonly restarts: Restarts
}

interface Restarts {
  readonly regular: number
  readonly sidecars: number
}

/**
 * Picks the `count` pods whose loss hurts least: not yet placed, not yet running, not ready, cheapest by annotation,
 * on the node with the most related pods, ready for the shortest time, restarted most, youngest. Times count in powers
 * of two, so that among pods of about the same age chance (the uid) decides and nodes are not emptied in order.
 */
export function leastWanted(pods: readonly Pod[], related: readonly Pod[], count: number, now: number): Pod[] {
  if (count >= pods.length) return [...pods]
  const crowds = new Map<string, number>()
  for (const { spec } of related) if (spec.nodeName) crowds.set(spec.nodeName, (crowds.get(spec.nodeName) ?? 0) + 1)
  const ranked = pods.map((pod) => rank(pod, crowds.get(pod.spec.nodeName ?? '') ?? 0))
  return ranked
    .sort((a, b) => compare(a, b, now))
    .slice(0, count)
    .map(({ pod }) => pod)
}

function rank(pod: Pod, crowd: number): Ranked {
  const ready = isReady(pod)
  return {
    pod,
    phase: phaseOrder[pod.status.phase ?? ''] ?? 0,
    ready,
    cost: deletionCost(pod),
    crowd,
    readySince: ready ? timeOf(podCondition(pod, 'Ready')?.lastTransitionTime) : 0,
    restarts: restartsOf(pod),
  }
}

/** Negative when `a` goes before `b`. */
function compare(a: Ranked, b: Ranked, now: number): number {
  return (
    Number(!!a.pod.spec.nodeName) - Number(!!b.pod.spec.nodeName) ||
    a.phase - b.phase ||
    Number(a.ready) - Number(b.ready) ||
    a.cost - b.cost ||
    b.crowd - a.crowd ||
    (a.ready && b.ready ? compareAges(a, b, a.readySince, b.readySince, now) : 0) ||
    b.restarts.regular - a.restarts.regular ||
    b.restarts.sidecars - a.restarts.sidecars ||
    compareAges(a, b, timeOf(a.pod.metadata.creationTimestamp), timeOf(b.pod.metadata.creationTimestamp), now)
  )
}

function compareAges(a: Ranked, b: Ranked, sinceA: number, sinceB: number, now: number): number {
  if (sinceA === sinceB) return 0
  if (sinceA === 0 || sinceB === 0) return sinceA === 0 ? -1 : 1
  return magnitude(now - sinceA) - magnitude(now - sinceB) || (a.pod.metadata.uid! < b.pod.metadata.uid! ? -1 : 1)
}

const magnitude = (ageMs: number) => (ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1)

function deletionCost({ metadata }: Pod): number {
  const text = metadata.annotations?.[deletionCostAnnotation]
  return text !== undefined && /^(0|-?[1-9][0-9]*)$/.test(text) ? Number(text) : 0
}

function restartsOf({ spec, status }: Pod): Restarts {
  const sidecars = new Set(spec.initContainers?.filter((c) => c.restartPolicy === 'Always').map((c) => c.name))
  return {
    regular: mostRestarts(status.containerStatuses ?? []),
    sidecars:
      sidecars.size === 0 ? 0 : mostRestarts((status.initContainerStatuses ?? []).filter((c) => sidecars.has(c.name))),
  }
}

const mostRestarts = (statuses: readonly ContainerStatus[]) =>
  statuses.reduce((most, { restartCount }) => Math.max(most, restartCount), 0)
