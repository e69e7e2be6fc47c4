import type { Log, Network } from '../../world/world.ts'
import type { Rules } from './rules.ts'

export interface HealthChecksOptions {
  readonly network: Network
  readonly log: Log
  /** Whether the proxy itself is well. */
  readonly isWell: () => boolean
}

interface Check {
  readonly port: number
  localEndpoints: number
  readonly server: Promise<{ close(): Promise<void> } | undefined>
}

/**
 * Tells balancers whether a service has an endpoint on this node, at the port that the service has for that
 * (`healthCheckNodePort`): 200 if so, else 503.
 */
export class HealthChecks {
  readonly #options: HealthChecksOptions
  readonly #checks = new Map<string, Check>()

  constructor(options: HealthChecksOptions) {
    this.#options = options
  }

  /** What is to be said of a service (`NAMESPACE/NAME`) from now on; undefined: nothing. */
  set(service: string, check: Rules['healthCheck']): void {
    const present = this.#checks.get(service)
    if (present && present.port === check?.port) present.localEndpoints = check.localEndpoints
    else {
      this.#checks.delete(service)
      const closed = present && this.#close(present)
      if (check) this.#checks.set(service, { ...check, server: this.#serve(service, check.port, closed) })
    }
  }

  async close(): Promise<void> {
    const checks = [...this.#checks.values()]
    this.#checks.clear()
    await Promise.all(checks.map((check) => this.#close(check)))
  }

  async #close({ server }: Check): Promise<void> {
    await (await server)?.close()
  }

  async #serve(service: string, port: number, before: Promise<void> | undefined) {
    const { network, log } = this.#options
    await before
    try {
      return await network.serveText?.({ host: '::', port }, () => this.#answer(service))
    } catch (error) {
      log('error', 'balancers cannot be told of a service', { service, port, error: String(error) })
      return undefined
    }
  }

  #answer(service: string) {
    const [namespace, name] = service.split('/')
    const localEndpoints = this.#checks.get(service)?.localEndpoints ?? 0
    const serviceProxyHealthy = this.#options.isWell()
    return {
      status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
      body: JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }),
      type: 'application/json',
    }
  }
}
