import type { Metrics } from '../base/metrics.ts'
import type { ExtensionPoint, SchedulerMeter, StepStatus } from '../scheduler/meter.ts'
import type { Scheduler } from '../scheduler/scheduler.ts'

/** From a millisecond on, each twice the one before: the reference's bounds. */
const attemptBounds = Array.from({ length: 15 }, (_, power) => 0.001 * 2 ** power)
/** The same from ten milliseconds on, to an hour and a half: what a pod waits may be long. */
const waitBounds = Array.from({ length: 20 }, (_, power) => 0.01 * 2 ** power)
/** From a tenth of a millisecond on, to 0.2 s. */
const stepBounds = Array.from({ length: 12 }, (_, power) => 0.0001 * 2 ** power)
/** 1, 2, 4 … 64. */
const victimBounds = Array.from({ length: 7 }, (_, power) => 2 ** power)
/** 1, 2, 4, 8, 16. */
const triesBounds = Array.from({ length: 5 }, (_, power) => 2 ** power)

/** The scheduler's numbers. Those of who waits are read off the one that works at the moment. */
export class SchedulerMetrics implements SchedulerMeter {
  readonly #attempts
  readonly #durations
  readonly #algorithm
  readonly #steps
  readonly #waits
  readonly #tries
  readonly #incoming
  readonly #preemptions
  readonly #victims
  #scheduler: Scheduler | undefined

  constructor(metrics: Metrics) {
    const labels = ['profile', 'result']
    this.#attempts = metrics.counter('scheduler_schedule_attempts_total', 'Looks for a place for a pod.', labels)
    this.#durations = metrics.histogram(
      'scheduler_scheduling_attempt_duration_seconds',
      'How long looks for a place took.',
      attemptBounds,
      labels,
    )
    this.#algorithm = metrics
      .histogram('scheduler_scheduling_algorithm_duration_seconds', 'How long choosing a node took.', attemptBounds)
      .of()
    this.#steps = metrics.histogram(
      'scheduler_framework_extension_point_duration_seconds',
      'How long the steps on the way of pods to their nodes took.',
      stepBounds,
      ['extension_point', 'profile', 'status'],
    )
    this.#waits = metrics.histogram(
      'scheduler_pod_scheduling_sli_duration_seconds',
      'From when pods could be placed until they were, by how often it was tried.',
      waitBounds,
      ['attempts'],
    )
    this.#tries = metrics
      .histogram('scheduler_pod_scheduling_attempts', 'How often it was tried until pods were placed.', triesBounds)
      .of()
    this.#incoming = metrics.counter('scheduler_queue_incoming_pods_total', 'Pods that came to wait, and why.', [
      'event',
      'queue',
    ])
    this.#preemptions = metrics.counter('scheduler_preemption_attempts_total', 'Times that pods had to go.').of()
    this.#victims = metrics.histogram('scheduler_preemption_victims', 'Pods that had to go.', victimBounds).of()
    this.#addGauges(metrics)
  }

  #addGauges(metrics: Metrics): void {
    const pending = metrics.gauge('scheduler_pending_pods', 'Pods that wait, and where.', ['queue'])
    const refused = metrics.gauge('scheduler_unschedulable_pods', 'Pods that wait, by the plugins that refused them.', [
      'plugin',
      'profile',
    ])
    const known = metrics.gauge('scheduler_cache_size', 'What the scheduler knows of.', ['type'])
    const names = new Set<string>()
    metrics.beforePrinting(() => {
      const { counts, sizes, refusals } = this.#scheduler ?? {}
      for (const queue of ['active', 'backoff', 'gated', 'unschedulable'] as const)
        pending.of(queue).value = counts?.[queue] ?? 0
      for (const type of ['assumed_pods', 'nodes', 'pods'] as const) known.of(type).value = sizes?.[type] ?? 0
      for (const key of refusals?.keys() ?? []) names.add(key)
      for (const key of names) {
        const [plugin, profile] = key.split(' ') as [string, string]
        refused.of(plugin, profile).value = refusals?.get(key) ?? 0
      }
    })
  }

  follow(scheduler: Scheduler): Scheduler {
    this.#scheduler = scheduler
    return scheduler
  }

  attempted(profile: string, result: string, seconds: number): void {
    this.#attempts.of(profile, result).value++
    this.#durations.of(profile, result).observe(seconds)
    this.#algorithm.observe(seconds)
  }

  passed(point: ExtensionPoint, profile: string, status: StepStatus, seconds: number): void {
    this.#steps.of(point, profile, status).observe(seconds)
  }

  placed(attempts: number, waitedSeconds: number): void {
    // Very many attempts are one label, or a pod that is tried for ever makes ever more.
    this.#waits.of(attempts >= 16 ? '16+' : `${attempts}`).observe(waitedSeconds)
    this.#tries.observe(attempts)
  }

  came(event: string, queue: string): void {
    this.#incoming.of(event, queue).value++
  }

  preempted(victims: number): void {
    this.#preemptions.value++
    this.#victims.observe(victims)
  }
}
