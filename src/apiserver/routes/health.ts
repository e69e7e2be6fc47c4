import type { Query } from '../query.ts'
import type { ApiResponse } from '../request.ts'
import { answerText, pageNotFound } from '../respond.ts'

/** Throws (or rejects) with what is wrong. */
export type HealthCheck = () => void | Promise<void>

/** The names by which the reference's parts report, in its order; ours begin with the server, so they pass when it answers. */
const hooks = [
  'poststarthook/start-apiserver-admission-initializer',
  'poststarthook/generic-apiserver-start-informers',
  'poststarthook/priority-and-fairness-config-consumer',
  'poststarthook/priority-and-fairness-filter',
  'poststarthook/storage-object-count-tracker-hook',
  'poststarthook/start-apiextensions-informers',
  'poststarthook/start-apiextensions-controllers',
  'poststarthook/crd-informer-synced',
  'poststarthook/start-system-namespaces-controller',
  'poststarthook/peer-endpoint-reconciler-controller',
  'poststarthook/start-cluster-authentication-info-controller',
  'poststarthook/start-kube-apiserver-identity-lease-controller',
  'poststarthook/start-kube-apiserver-identity-lease-garbage-collector',
  'poststarthook/storage-readiness',
  'poststarthook/start-legacy-token-tracking-controller',
  'poststarthook/start-service-ip-repair-controllers',
  'poststarthook/rbac/bootstrap-roles',
  'poststarthook/scheduling/bootstrap-system-priority-classes',
  'poststarthook/priority-and-fairness-config-producer',
  'poststarthook/bootstrap-controller',
  'poststarthook/start-kubernetes-service-cidr-controller',
  'poststarthook/aggregator-reload-proxy-client-cert',
  'poststarthook/start-kube-aggregator-informers',
  'poststarthook/apiservice-status-local-available-controller',
  'poststarthook/apiservice-status-remote-available-controller',
  'poststarthook/apiservice-registration-controller',
  'poststarthook/apiservice-wait-for-first-sync',
  'poststarthook/apiservice-discovery-controller',
  'poststarthook/kube-apiserver-autoregistration',
  'autoregister-completion',
  'poststarthook/apiservice-openapi-controller',
  'poststarthook/apiservice-openapiv3-controller',
]
const alive = ['ping', 'log', 'loopback-serving-certificate', 'etcd', ...hooks]
const endpoints: Readonly<Record<string, readonly string[]>> = {
  healthz: alive,
  livez: alive,
  readyz: ['ping', 'log', 'informer-sync', ...hooks, 'shutdown'],
}

/** All paths under which checks answer, for the index of paths. */
export const healthPaths: readonly string[] = Object.entries(endpoints).flatMap(([endpoint, names]) => [
  `/${endpoint}`,
  ...names.map((name) => `/${endpoint}/${name}`),
])

/** `/healthz`, `/livez`, `/readyz`, and each check alone below them. Checks that nobody gave pass. */
export class Health {
  readonly #checks: Readonly<Record<string, HealthCheck>>
  /** Those that only some servers have (`kms-providers`): they belong to every endpoint. */
  readonly #further: readonly string[]

  constructor(checks: Readonly<Record<string, HealthCheck>>) {
    this.#checks = checks
    const usual = new Set(Object.values(endpoints).flat())
    this.#further = Object.keys(checks).filter((name) => !usual.has(name))
  }

  handles(path: string): boolean {
    return /^\/(healthz|livez|readyz)(\/|$)/.test(path)
  }

  async answer(path: string, query: Query): Promise<ApiResponse> {
    const [, endpoint = '', name = ''] = /^\/([^/]+)\/?(.*)$/.exec(path) ?? []
    const names = [...endpoints[endpoint]!, ...this.#further]
    if (name === '') return this.#all(endpoint, names, query)
    if (!names.includes(name)) return pageNotFound()
    const fault = await this.#fault(name)
    if (fault === undefined) return answerText(200, 'ok', noSniff)
    return answerText(500, `internal server error: ${fault}\n`, noSniff)
  }

  async #all(endpoint: string, names: readonly string[], query: Query): Promise<ApiResponse> {
    const excluded = new Set(query.all('exclude'))
    let text = ''
    const failed: string[] = []
    for (const name of names) {
      if (excluded.delete(name)) {
        text += `[+]${name} excluded: ok\n`
        continue
      }
      const fault = await this.#fault(name)
      if (fault !== undefined) failed.push(name)
      text += fault === undefined ? `[+]${name} ok\n` : `[-]${name} failed: reason withheld\n`
    }
    if (excluded.size > 0) {
      const unknown = [...excluded].map((name) => JSON.stringify(name)).join(', ')
      text += `warn: some health checks cannot be excluded: no matches for ${unknown}\n`
    }
    if (failed.length > 0) return answerText(500, `${text}${endpoint} check failed\n`, noSniff)
    return answerText(200, query.has('verbose') ? `${text}${endpoint} check passed\n` : 'ok', noSniff)
  }

  async #fault(name: string): Promise<string | undefined> {
    try {
      await this.#checks[name]?.()
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
}

const noSniff = { 'x-content-type-options': 'nosniff' }
