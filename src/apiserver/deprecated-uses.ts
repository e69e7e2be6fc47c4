import type { Metrics, Numbers } from '../base/metrics.ts'
import type { Clock } from '../world/world.ts'
import type { Exchange } from './exchange.ts'
import { negotiate, plainOffer } from './negotiate.ts'
import type { ApiResponse } from './request.ts'
import { answerObject } from './respond.ts'

/** Somebody who asks for what is going away. */
interface Use {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly namespace: string
  readonly userAgent: string
  readonly user: string
  /** What they were told: a version that ends, or a field that does. */
  readonly warning: string
  count: number
  lastTime: string
}

/** Different uses that are remembered; who comes later is counted by the metric alone. */
const usesMax = 10_000

/**
 * Who uses what is deprecated: the reference's metric, and a list by user agent and namespace at
 * `/debug/deprecated-uses`, so that an upgrade need not be the first to find out.
 */
export class DeprecatedUses {
  readonly #clock: Clock
  readonly #requested: Numbers
  readonly #uses = new Map<string, Use>()

  constructor(metrics: Metrics, clock: Clock) {
    this.#clock = clock
    this.#requested = metrics.gauge(
      'apiserver_requested_deprecated_apis',
      'Deprecated APIs that were asked for since the server started.',
      ['group', 'version', 'resource', 'subresource', 'removed_release'],
    )
  }

  /** Somebody asked for a version of a kind that is going away. */
  requested({ info, audit }: Exchange, removedRelease: string): void {
    this.#requested.of(info.group, info.version, info.resource, info.subresource, removedRelease).value = 1
    audit?.annotate('k8s.io/deprecated', 'true')
    if (removedRelease !== '') audit?.annotate('k8s.io/removed-release', removedRelease)
  }

  /** Remembers what somebody was warned of, as far as something is going away. */
  warned({ info, request, user, warnings }: Exchange): void {
    for (const warning of new Set(warnings)) {
      if (!/deprecated/i.test(warning)) continue
      const { group, version, resource, namespace } = info
      const userAgent = request.headers['user-agent'] ?? ''
      const key = JSON.stringify([group, version, resource, namespace, userAgent, user.name, warning])
      let use = this.#uses.get(key)
      if (use === undefined) {
        if (this.#uses.size >= usesMax) continue
        use = { group, version, resource, namespace, userAgent, user: user.name, warning, count: 0, lastTime: '' }
        this.#uses.set(key, use)
      }
      use.count++
      use.lastTime = new Date(this.#clock.now()).toISOString()
    }
  }

  answer(exchange: Exchange): ApiResponse {
    return answerObject(exchange, 200, { uses: [...this.#uses.values()] }, negotiate(undefined, plainOffer))
  }
}
