import { APIService } from '../../kinds/apiregistration/api-service.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { isAlreadyExists } from '../../schema/status.ts'
import { serverContext } from '../context.ts'
import type { Exchange } from '../exchange.ts'
import type { Aggregation } from '../handler.ts'
import { negotiate, plainOffer } from '../negotiate.ts'
import type { Registry } from '../registry.ts'
import type { ApiResponse } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'
import { answerObject } from '../respond.ts'
import { methodNotAllowed } from '../routes/system.ts'
import { type RemoteResources, resourcesOf } from './remote-discovery.ts'

/**
 * A version of an API group whose resources are no kinds (metrics, by their names), answered in this process. An
 * APIService of its name that names a service comes first.
 */
export interface RoutedApi {
  readonly group: string
  readonly version: string
  readonly groupPriorityMinimum: number
  readonly versionPriority: number
  /** The entries of its list of resources. */
  resources(): Promise<readonly object[]>
  /** The answer to a GET of a resource. Throws ApiErrors. */
  get(info: RequestInfo): Promise<object>
}

/** What others answer, and before them what is routed here. */
export class LocalRoutes implements Aggregation {
  readonly #behind: Aggregation
  readonly #registry: Registry
  readonly #apis = new Map<string, Routed>()
  #changes = 0

  constructor(behind: Aggregation, registry: Registry) {
    this.#behind = behind
    this.#registry = registry
  }

  /** Serves an API from now on, and says so with an APIService, unless there is one already. */
  async serve(api: RoutedApi): Promise<void> {
    this.#apis.set(nameOf(api), { api, listed: [] })
    this.#changes++
    const { group, version, groupPriorityMinimum, versionPriority } = api
    const service = { metadata: { name: nameOf(api) }, spec: { group, version, groupPriorityMinimum, versionPriority } }
    try {
      await this.#registry.resource(APIService).create('', service as ApiObject, serverContext)
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
  }

  get generation(): number {
    return this.#behind.generation + this.#changes
  }

  get remotes(): Aggregation['remotes'] {
    const behind = [...this.#behind.remotes]
    const answered = new Set(behind.map(nameOf))
    const own = [...this.#apis.values()].filter(({ api }) => !answered.has(nameOf(api)))
    return [
      ...behind,
      ...own.map(({ api: { group, version }, listed }) => ({ group, version, resources: listed, isFresh: true })),
    ]
  }

  priorityOf(group: string, version: string): { readonly group: number; readonly version: number } {
    const api = this.#apis.get(nameOf({ group, version }))?.api
    if (api === undefined) return this.#behind.priorityOf(group, version)
    return { group: api.groupPriorityMinimum, version: api.versionPriority }
  }

  route(info: RequestInfo): ((exchange: Exchange) => Promise<ApiResponse>) | undefined {
    const behind = this.#behind.route(info)
    if (behind !== undefined || this.#apis.size === 0) return behind
    const routed = this.#apis.get(info.isResource ? nameOf(info) : nameOfPath(info.path))
    return routed && ((exchange) => this.#answer(exchange, routed))
  }

  async #answer(exchange: Exchange, routed: Routed): Promise<ApiResponse> {
    const { request, info } = exchange
    if (request.method !== 'GET') throw methodNotAllowed()
    const body = info.isResource ? await routed.api.get(info) : await this.#list(routed)
    return answerObject(exchange, 200, body, negotiate(request.headers['accept'], plainOffer))
  }

  /** What is listed is what the aggregated document says from then on. */
  async #list(routed: Routed): Promise<object> {
    const { group, version } = routed.api
    const resources = await routed.api.resources()
    const list = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${group}/${version}`, resources }
    const listed = resourcesOf(list, group, version) ?? []
    if (JSON.stringify(listed) !== JSON.stringify(routed.listed)) {
      routed.listed = listed
      this.#changes++
    }
    return list
  }
}

interface Routed {
  readonly api: RoutedApi
  listed: RemoteResources
}

const nameOf = ({ group, version }: { readonly group: string; readonly version: string }) => `${version}.${group}`

function nameOfPath(path: string): string {
  const [root, group = '', version = ''] = path.split('/').filter((part) => part !== '')
  return root === 'apis' ? nameOf({ group, version }) : ''
}
