/** How `kubectl get pods` shows a pod. */
import type { Column, ColumnContext } from '../../schema/kind.ts'
import { ageColumn, ageSince, nameColumn, textColumn, wideColumn } from '../columns.ts'
import { isSidecar } from './container-amounts.ts'
import type { Container } from './containers.ts'
import type { ContainerStatus, Pod } from './pod.ts'

interface Summary {
  readonly ready: number
  readonly total: number
  readonly reason: string
  readonly restarts: number
  /** When a container last ended to be started again. */
  readonly lastRestart: string
}

const summaries = new WeakMap<Pod, Summary>()

/** Several columns come from one walk over the containers. */
function summaryOf(pod: Pod): Summary {
  let summary = summaries.get(pod)
  if (!summary) {
    summary = summarise(pod)
    summaries.set(pod, summary)
  }
  return summary
}

class Restarts {
  count = 0
  last = ''

  add(status: ContainerStatus): void {
    this.count += status.restartCount
    const ended = status.lastState.terminated?.finishedAt ?? ''
    if (ended > this.last) this.last = ended
  }
}

function summarise(pod: Pod): Summary {
  const { spec, status } = pod
  const sidecars = (spec.initContainers ?? []).filter(isSidecar)
  const start = walkInitContainers(pod, sidecars)
  let { reason, ready, restarts } = start
  if (!start.initializing || hasCondition(pod, 'Initialized')) {
    restarts = start.sidecarRestarts
    const walked = walkContainers(pod, reason ?? phaseReason(pod), restarts)
    reason = walked.reason
    ready += walked.ready
  }
  return {
    ready,
    total: (spec.containers ?? []).length + sidecars.length,
    reason: endingReason(pod) ?? reason ?? phaseReason(pod),
    restarts: restarts.count,
    lastRestart: restarts.last,
  }

  function endingReason({ metadata }: Pod): string | undefined {
    if (!metadata.deletionTimestamp) return undefined
    if (status.reason === 'NodeLost') return 'Unknown'
    return status.phase === 'Succeeded' || status.phase === 'Failed' ? undefined : 'Terminating'
  }
}

function phaseReason({ status }: Pod): string {
  const gated = status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated')
  return gated ? 'SchedulingGated' : status.reason || status.phase || ''
}

const hasCondition = ({ status }: Pod, type: string): boolean =>
  status.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false

/** Init containers run one after the other: the first that is not done says how far the pod has come. */
function walkInitContainers({ spec, status }: Pod, sidecars: readonly Container[]) {
  const restarts = new Restarts()
  const sidecarRestarts = new Restarts()
  const names = new Set(sidecars.map(({ name }) => name))
  let ready = 0
  let reason: string | undefined
  for (const [index, container] of (status.initContainerStatuses ?? []).entries()) {
    const sidecar = names.has(container.name)
    restarts.add(container)
    if (sidecar) sidecarRestarts.add(container)
    if (container.state.terminated?.exitCode === 0) continue
    if (sidecar && container.started) {
      if (container.ready) ready++
      continue
    }
    reason = initReason(container, index, spec.initContainers?.length ?? 0)
    break
  }
  return { ready, reason, restarts, sidecarRestarts, initializing: reason !== undefined }
}

function initReason({ state }: ContainerStatus, index: number, count: number): string {
  if (state.terminated) return `Init:${endReason(state.terminated)}`
  const waiting = state.waiting?.reason
  return waiting && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${count}`
}

function endReason(ended: NonNullable<ContainerStatus['state']['terminated']>): string {
  return ended.reason || (ended.signal ? `Signal:${ended.signal}` : `ExitCode:${ended.exitCode}`)
}

/** The first container with something to say gives the reason; a finished one is only news when none runs. */
function walkContainers(pod: Pod, before: string, restarts: Restarts): { reason: string; ready: number } {
  let reason = before
  let ready = 0
  for (const container of [...(pod.status.containerStatuses ?? [])].reverse()) {
    restarts.add(container)
    const { waiting, terminated, running } = container.state
    if (waiting?.reason) reason = waiting.reason
    else if (terminated) reason = endReason(terminated)
    else if (container.ready && running) ready++
  }
  if (reason === 'Completed' && ready > 0) reason = hasCondition(pod, 'Ready') ? 'Running' : 'NotReady'
  return { reason, ready }
}

function restartsText(pod: Pod, context: ColumnContext): string {
  const { restarts, lastRestart } = summaryOf(pod)
  return restarts === 0 || lastRestart === '' ? `${restarts}` : `${restarts} (${ageSince(lastRestart, context)} ago)`
}

function gatesText({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? []
  if (gates.length === 0) return '<none>'
  const open = gates.filter(({ conditionType }) => {
    const condition = status.conditions?.find(({ type }) => type === conditionType)
    return condition?.status === 'True'
  })
  return `${open.length}/${gates.length}`
}

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  textColumn('Ready', 'How many containers are ready, of how many there are.', (pod) => {
    const { ready, total } = summaryOf(pod)
    return `${ready}/${total}`
  }),
  textColumn('Status', 'How the pod and its containers are, in one word.', (pod) => summaryOf(pod).reason),
  textColumn('Restarts', 'How often containers were started again, and when last.', restartsText),
  ageColumn,
  wideColumn('IP', "The pod's first address.", ({ status }) => status.podIPs?.[0]?.ip || status.podIP || '<none>'),
  wideColumn('Node', 'The node that the pod runs on.', ({ spec }) => spec.nodeName || '<none>'),
  wideColumn(
    'Nominated Node',
    'The node on which room is being made for the pod.',
    ({ status }) => status.nominatedNodeName || '<none>',
  ),
  wideColumn('Readiness Gates', 'How many of its own further conditions the pod fulfils.', gatesText),
]
