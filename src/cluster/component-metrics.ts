import type { Histogram, Metrics, Series } from '../base/metrics.ts'
import { QueueMetrics } from '../reconciler/queue-metrics.ts'
import type { Clock } from '../world/world.ts'
import { type Part, stoppedBy } from './elected.ts'
import { SchedulerMetrics } from './scheduler-metrics.ts'

/** The numbers of controllers and scheduler beside those of the server, for all of them run in one process. */
export class ComponentMetrics {
  readonly queues: QueueMetrics
  readonly scheduler: SchedulerMetrics
  readonly #leads

  constructor(metrics: Metrics, clock: Clock) {
    this.queues = new QueueMetrics(metrics, clock)
    this.scheduler = new SchedulerMetrics(metrics)
    this.#leads = metrics.gauge(
      'leader_election_master_status',
      'Whether this process holds the lease of that name (1) or waits for it (0).',
      ['name'],
    )
  }

  /** A way to start a part that shows for how long it leads. */
  leading(name: string, start: () => Part): () => Part {
    const status = this.#leads.of(name)
    return () => led(start(), status)
  }
}

function led(part: Part, status: Series): Part {
  status.value = 1
  return stoppedBy(part, () => {
    status.value = 0
    return part.stop()
  })
}

/** Seconds; the reference's bounds. */
const requestBounds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]

/**
 * Counts the requests of the parts that speak to the server in its own process: called when one is made, what it gives
 * when it is answered.
 */
export function countClientRequests(
  metrics: Metrics,
  clock: Clock,
  serverAddress: string,
): (method: string) => (code: number) => void {
  const total = metrics.counter('rest_client_requests_total', 'Requests that clients in this process have made.', [
    'code',
    'host',
    'method',
  ])
  const durations = metrics.histogram(
    'rest_client_request_duration_seconds',
    'How long requests of clients in this process took.',
    requestBounds,
    ['host', 'verb'],
  )
  const methods = new Map<string, { readonly duration: Histogram; readonly totals: Map<number, Series> }>()
  return (method) => {
    let known = methods.get(method)
    if (known === undefined) {
      known = { duration: durations.of(serverAddress, method), totals: new Map() }
      methods.set(method, known)
    }
    const { duration, totals } = known
    const began = clock.monotonic()
    return (code) => {
      let series = totals.get(code)
      if (series === undefined) {
        series = total.of(String(code), serverAddress, method)
        totals.set(code, series)
      }
      series.value++
      duration.observe((clock.monotonic() - began) / 1000)
    }
  }
}
