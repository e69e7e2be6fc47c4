import type { Histogram, Metrics, Series } from '../base/metrics.ts'
import type { Clock } from '../world/world.ts'

/** What a work queue says about itself. */
export interface QueueMeter {
  /** The key was not waiting already. */
  added(key: string, depth: number): void
  taken(key: string, depth: number): void
  done(key: string): void
  retried(): void
}

/** Seconds, from ten nanoseconds to a quarter of an hour: the reference's bounds. */
const bounds = Array.from({ length: 12 }, (_, power) => Number(`1e${power - 8}`))

/** The numbers about all work queues of a process, under the reference's names. */
export class QueueMetrics {
  readonly #clock: Clock
  readonly #meters = new Map<string, Meter>()
  readonly #depth
  readonly #adds
  readonly #retries
  readonly #waited
  readonly #worked
  readonly #unfinished
  readonly #longest

  constructor(metrics: Metrics, clock: Clock) {
    this.#clock = clock
    const label = ['name']
    this.#depth = metrics.gauge('workqueue_depth', 'Keys that wait for work.', label)
    this.#adds = metrics.counter('workqueue_adds_total', 'Keys that were added.', label)
    this.#retries = metrics.counter('workqueue_retries_total', 'Keys that are tried again after a failure.', label)
    this.#waited = metrics.histogram('workqueue_queue_duration_seconds', 'How long keys waited.', bounds, label)
    this.#worked = metrics.histogram(
      'workqueue_work_duration_seconds',
      'How long the work on keys took.',
      bounds,
      label,
    )
    this.#unfinished = metrics.gauge(
      'workqueue_unfinished_work_seconds',
      'For how long all keys that are being worked on have been.',
      label,
    )
    this.#longest = metrics.gauge(
      'workqueue_longest_running_processor_seconds',
      'For how long the key that takes longest has been worked on.',
      label,
    )
    metrics.beforePrinting(() => {
      for (const meter of this.#meters.values()) meter.measure()
    })
  }

  /** The meter of the queue of that name. A queue that begins anew goes on counting. */
  of(name: string): QueueMeter {
    let meter = this.#meters.get(name)
    if (meter === undefined) {
      meter = new Meter(this.#clock, {
        depth: this.#depth.of(name),
        adds: this.#adds.of(name),
        retries: this.#retries.of(name),
        waited: this.#waited.of(name),
        worked: this.#worked.of(name),
        unfinished: this.#unfinished.of(name),
        longest: this.#longest.of(name),
      })
      this.#meters.set(name, meter)
    }
    return meter
  }
}

interface QueueSeries {
  readonly depth: Series
  readonly adds: Series
  readonly retries: Series
  readonly waited: Histogram
  readonly worked: Histogram
  readonly unfinished: Series
  readonly longest: Series
}

class Meter implements QueueMeter {
  readonly #clock: Clock
  readonly #series: QueueSeries
  readonly #addedAt = new Map<string, number>()
  readonly #takenAt = new Map<string, number>()

  constructor(clock: Clock, series: QueueSeries) {
    this.#clock = clock
    this.#series = series
  }

  added(key: string, depth: number): void {
    this.#series.adds.value++
    this.#series.depth.value = depth
    this.#addedAt.set(key, this.#clock.monotonic())
  }

  taken(key: string, depth: number): void {
    const now = this.#clock.monotonic()
    this.#series.depth.value = depth
    this.#series.waited.observe((now - (this.#addedAt.get(key) ?? now)) / 1000)
    this.#addedAt.delete(key)
    this.#takenAt.set(key, now)
  }

  done(key: string): void {
    const now = this.#clock.monotonic()
    this.#series.worked.observe((now - (this.#takenAt.get(key) ?? now)) / 1000)
    this.#takenAt.delete(key)
  }

  retried(): void {
    this.#series.retries.value++
  }

  /** Reads off what only passes with time. */
  measure(): void {
    const now = this.#clock.monotonic()
    const ages = [...this.#takenAt.values()].map((since) => (now - since) / 1000)
    this.#series.unfinished.value = ages.reduce((sum, age) => sum + age, 0)
    this.#series.longest.value = Math.max(0, ...ages)
  }
}

/** The reference calls some queues otherwise than their controllers. */
const queueNames: Readonly<Record<string, string>> = {
  'endpoints-controller': 'endpoint',
  'endpointslice-controller': 'endpoint_slice',
  'endpointslice-mirroring-controller': 'endpoint_slice_mirroring',
  'garbage-collector-controller': 'garbage_collector_attempt_to_delete',
  'horizontal-pod-autoscaler-controller': 'horizontalpodautoscaler',
  'resourcequota-controller': 'resourcequota_primary',
  'ttl-after-finished-controller': 'ttl_jobs_to_delete',
  'persistentvolume-binder-controller': 'claims',
  'persistentvolumeclaim-protection-controller': 'pvcprotection',
  'persistentvolume-protection-controller': 'pvprotection',
  'root-ca-certificate-publisher-controller': 'root_ca_cert_publisher',
  'serviceaccount-token-controller': 'serviceaccount_tokens_service',
  'clusterrole-aggregation-controller': 'ClusterRoleAggregator',
}

/** What dashboards know the queue of a controller as. */
export const queueNameOf = (controller: string): string =>
  queueNames[controller] ?? controller.replace(/-controller$/, '').replaceAll('-', '_')
