import { Pod } from '../kinds/core/pod.ts'
import type { EventType } from '../reconciler/changes.ts'
import type { EventRecorder } from '../reconciler/events.ts'
import type { Budget } from './budget.ts'
import type { ContainerLife } from './pod-status.ts'
import type { PodEvents } from './pod-worker.ts'

/**
 * Events of one node's pods. All simulated nodes share one budget: when a thousand pods start at once, most of what
 * would be said of each is left out, as nobody could read it and each would cost as much as the pod. Warnings stay.
 */
export function podEvents(recorder: EventRecorder, budget: Budget, nodeName: string): PodEvents {
  return {
    record(
      pod: Pod,
      type: EventType,
      reason: string,
      message: string,
      container?: Pick<ContainerLife, 'role' | 'container'>,
    ): void {
      if (type === 'Normal' && !budget.take()) return
      recorder.record({
        kind: Pod,
        object: pod,
        type,
        reason,
        message,
        host: nodeName,
        ...(container && { fieldPath: `spec.${listOf[container.role]}{${container.container.name}}` }),
      })
    },
  }
}

const listOf: Readonly<Record<ContainerLife['role'], string>> = {
  init: 'initContainers',
  sidecar: 'initContainers',
  main: 'containers',
  ephemeral: 'ephemeralContainers',
}
