import type { Histogram, Metrics, Series } from '../../base/metrics.ts'

/** Seconds; the reference's bounds. */
const bounds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]
const lengths = [0, 10, 25, 50, 100, 250, 500, 1000]
const byFlow = ['priority_level', 'flow_schema']

/** Why a request was turned away, as the reference's metrics name it. */
export type RefusalReason = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled'

/** The series of one flow schema in its level. */
export interface FlowSeries {
  readonly dispatched: Series
  readonly waiting: Series
  readonly waitingSeats: Series
  readonly executing: Series
  readonly seats: Series
  readonly waited: Histogram
  readonly waitedInVain: Histogram
  readonly executed: Histogram
  readonly queueLength: Histogram
  readonly estimated: Histogram
  readonly watches: Histogram
  readonly notYet: Series
  refused(reason: RefusalReason): Series
}

/** The series of one priority level. */
export interface LevelSeries {
  readonly nominal: Series
  readonly min: Series
  readonly max: Series
  readonly current: Series
  readonly high: Series
  readonly smoothed: Series
  readonly target: Series
}

/** Who waits and who is turned away, under the reference's names. */
export class FlowMetrics {
  readonly of: (level: string, schema: string) => FlowSeries
  readonly ofLevel: (level: string) => LevelSeries

  constructor(metrics: Metrics) {
    const name = (rest: string) => `apiserver_flowcontrol_${rest}`
    const counter = (rest: string, help: string, more: string[] = []) =>
      metrics.counter(name(rest), help, [...byFlow, ...more])
    const gauge = (rest: string, help: string) => metrics.gauge(name(rest), help, byFlow)
    const histogram = (rest: string, help: string, buckets: readonly number[], more: string[] = []) =>
      metrics.histogram(name(rest), help, buckets, [...byFlow, ...more])
    const limit = (rest: string, help: string) => metrics.gauge(name(rest), help, ['priority_level'])

    const rejected = counter('rejected_requests_total', 'Requests that were turned away.', ['reason'])
    const dispatched = counter('dispatched_requests_total', 'Requests that went on to be answered.')
    const waiting = gauge('current_inqueue_requests', 'Requests that wait in a queue.')
    const waitingSeats = gauge('current_inqueue_seats', 'Seats for which requests wait in a queue.')
    const executing = gauge('current_executing_requests', 'Requests that have a seat.')
    const seats = gauge('current_executing_seats', 'Seats that are taken.')
    const waited = histogram('request_wait_duration_seconds', 'How long requests waited in a queue.', bounds, [
      'execute',
    ])
    const executed = histogram('request_execution_seconds', 'How long requests had their seats.', bounds, ['type'])
    const queueLength = histogram(
      'request_queue_length_after_enqueue',
      'How long the queue was in which a request had to wait, with itself.',
      lengths,
    )
    const estimated = histogram('work_estimated_seats', 'Seats that requests were thought to need.', [1, 2, 4, 10])
    const watches = histogram(
      'watch_count_samples',
      'How many watches writes had to be told to.',
      [0, 1, 10, 100, 1000, 10000],
    )
    const notYet = counter(
      'request_dispatch_no_accommodation_total',
      'Times that the next request found too few seats free for it.',
    )
    this.of = (...flow) => ({
      dispatched: dispatched.of(...flow),
      waiting: waiting.of(...flow),
      waitingSeats: waitingSeats.of(...flow),
      executing: executing.of(...flow),
      seats: seats.of(...flow),
      waited: waited.of(...flow, 'true'),
      waitedInVain: waited.of(...flow, 'false'),
      executed: executed.of(...flow, 'regular'),
      queueLength: queueLength.of(...flow),
      estimated: estimated.of(...flow),
      watches: watches.of(...flow),
      notYet: notYet.of(...flow),
      refused: (reason) => rejected.of(...flow, reason),
    })

    const nominal = limit('nominal_limit_seats', 'Seats of a level by its shares.')
    const min = limit('lower_limit_seats', 'Seats that a level keeps whatever others want.')
    const max = limit('upper_limit_seats', 'Seats that a level can have at most.')
    const current = limit('current_limit_seats', 'Seats of a level at present.')
    const high = limit('demand_seats_high_watermark', 'Most seats wanted at once in the last period.')
    const smoothed = limit('demand_seats_smoothed', 'Seats wanted lately.')
    const target = limit('target_seats', 'Seats that a level should have.')
    this.ofLevel = (level) => ({
      nominal: nominal.of(level),
      min: min.of(level),
      max: max.of(level),
      current: current.of(level),
      high: high.of(level),
      smoothed: smoothed.of(level),
      target: target.of(level),
    })
  }
}
