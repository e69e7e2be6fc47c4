import type { Histogram, Metrics, Numbers, Series } from '../base/metrics.ts'
import type { ClientCertificate } from './request.ts'
import type { RequestInfo } from './request-info.ts'

/** Seconds; the reference's bounds. */
export const requestBounds = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
]
const indicatorBounds = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]

const hour = 3600
const day = 24 * hour
const lifetimeBounds = [
  ...[0, hour / 2, hour, 2 * hour, 6 * hour, 12 * hour, day, 2 * day, 4 * day, 7 * day, 30 * day, 90 * day],
  ...[180 * day, 360 * day],
]

interface Route {
  readonly duration: Histogram
  /** The same without what others take part in; here it is all one. */
  readonly indicator: Histogram
  readonly totals: Map<number, Series>
}

/** Counts requests by what they asked for and how they were answered, under the reference's names. */
export class RequestMetrics {
  readonly #totals: Numbers
  readonly #durations
  readonly #indicators
  readonly #routes = new Map<string, Route>()
  readonly #reading: Series
  readonly #writing: Series
  readonly #longRunning: Numbers
  readonly #terminations: Numbers
  readonly #lifetimes: Histogram

  constructor(metrics: Metrics) {
    const labels = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component', 'dry_run', 'code']
    this.#totals = metrics.counter(
      'apiserver_request_total',
      'Requests by what they asked for and the code of the answer.',
      labels,
    )
    this.#durations = metrics.histogram(
      'apiserver_request_duration_seconds',
      'How long requests took until the answer was there.',
      requestBounds,
      labels.slice(0, -1),
    )
    this.#indicators = metrics.histogram(
      'apiserver_request_sli_duration_seconds',
      'How long requests took, for objectives of service.',
      indicatorBounds,
      labels.slice(0, -2),
    )
    const inflight = metrics.gauge('apiserver_current_inflight_requests', 'Requests that are being answered.', [
      'request_kind',
    ])
    this.#reading = inflight.of('readOnly')
    this.#writing = inflight.of('mutating')
    this.#longRunning = metrics.gauge('apiserver_longrunning_requests', 'Watches and other streams that are open.', [
      'verb',
      'group',
      'version',
      'resource',
      'subresource',
      'scope',
      'component',
    ])
    this.#terminations = metrics.counter(
      'apiserver_request_terminations_total',
      'Requests that were ended to protect the server: too many at once, or too slow.',
      labels.filter((label) => label !== 'dry_run'),
    )
    this.#lifetimes = metrics
      .histogram(
        'apiserver_client_certificate_expiration_seconds',
        'How long the certificates are still valid with which clients come.',
        lifetimeBounds,
      )
      .of()
  }

  /** Somebody comes with a certificate. `now`: in milliseconds since 1970. */
  certificate({ expiresAt }: ClientCertificate, now: number): void {
    if (expiresAt !== undefined) this.#lifetimes.observe((expiresAt - now) / 1000)
  }

  /** The request was given up, for the good of others. */
  terminated(info: RequestInfo, known: boolean, code: number): void {
    this.#terminations.of(...labelsOf(info, known, '').slice(0, -1), String(code)).value++
  }

  /** The gauge to raise while a request is under way. */
  inflight(method: string): Series {
    return method === 'GET' || method === 'HEAD' ? this.#reading : this.#writing
  }

  longRunning(info: RequestInfo): Series {
    return this.#longRunning.of(
      info.verb.toUpperCase(),
      info.group,
      info.version,
      info.resource,
      info.subresource,
      scopeOf(info),
      'apiserver',
    )
  }

  /** `known`: the resource is one that is served. Others are counted together, or anybody could fill the memory. */
  record(info: RequestInfo, known: boolean, code: number, seconds: number): void {
    const dryRun = info.query.has('dryRun') ? 'All' : ''
    const key = known
      ? `${info.verb} ${info.group}/${info.version}/${info.resource}/${info.subresource} ${scopeOf(info)} ${dryRun}`
      : info.isResource
        ? ''
        : info.verb.length < 8
          ? info.verb
          : 'other'
    let route = this.#routes.get(key)
    if (route === undefined) {
      const labels = labelsOf(info, known, dryRun)
      route = {
        duration: this.#durations.of(...labels),
        indicator: this.#indicators.of(...labels.slice(0, -1)),
        totals: new Map(),
      }
      this.#routes.set(key, route)
    }
    let total = route.totals.get(code)
    if (total === undefined) {
      total = this.#totals.of(...labelsOf(info, known, dryRun), String(code))
      route.totals.set(code, total)
    }
    total.value++
    route.duration.observe(seconds)
    route.indicator.observe(seconds)
  }
}

function labelsOf(info: RequestInfo, known: boolean, dryRun: string): string[] {
  const verb = info.verb.length < 17 ? info.verb.toUpperCase() : 'OTHER'
  if (!known) return [info.isResource ? 'OTHER' : verb, '', '', '', '', '', 'apiserver', '']
  return [verb, info.group, info.version, info.resource, info.subresource, scopeOf(info), 'apiserver', dryRun]
}

function scopeOf({ namespace, named, verb, isResource }: RequestInfo): string {
  if (!isResource) return ''
  if (named || verb === 'create') return 'resource'
  return namespace === '' ? 'cluster' : 'namespace'
}
