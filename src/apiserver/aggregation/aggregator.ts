import type { Metrics, Numbers } from '../../base/metrics.ts'
import { secondsTime } from '../../base/seconds-time.ts'
import { APIService } from '../../kinds/apiregistration/api-service.ts'
import { Service } from '../../kinds/core/service.ts'
import { EndpointSlice, serviceLabel } from '../../kinds/discovery/endpoint-slice.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { isAlreadyExists, isNotFound } from '../../schema/status.ts'
import type { Clock, Log } from '../../world/world.ts'
import type { Catalogue } from '../catalogue.ts'
import { serverContext } from '../context.ts'
import type { Exchange } from '../exchange.ts'
import { follow } from '../follow.ts'
import type { Aggregation } from '../handler.ts'
import type { Registry } from '../registry.ts'
import type { ApiResponse } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'
import { localVerdict, type Verdict } from './availability.ts'
import { builtInPriority, customPriority, type Priority } from './priorities.ts'
import { passOn } from './proxy.ts'
import type { RemoteParts } from './remote.ts'
import { RemoteApi } from './remote-api.ts'

export interface AggregatorOptions extends RemoteParts {
  readonly registry: Registry
  /** What of the registry is served. */
  readonly catalogue: Pick<Catalogue, 'kinds'>
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  readonly metrics?: Metrics
}

/**
 * Knows who serves which version of which group, as APIServices say: this server, or another that is asked in its
 * place. Keeps an APIService for each version that is built in, and the condition `Available` of them all.
 */
export class Aggregator implements Aggregation {
  readonly #options: AggregatorOptions
  readonly #remotes = new Map<string, RemoteApi>()
  /** Of those whose priority is another than what follows from their group. */
  readonly #priorities = new Map<string, Priority>()
  /** APIServices that this server makes, by name. */
  readonly #own = new Map<string, ApiObject>()
  #generation = 1
  readonly #unavailable: { readonly now: Numbers; readonly times: Numbers } | undefined
  #followsServices = false

  constructor(options: AggregatorOptions) {
    this.#options = options
    const family = 'aggregator_unavailable_apiservice'
    this.#unavailable = options.metrics && {
      now: options.metrics.gauge(family, 'Whether an APIService cannot be asked.', ['name']),
      times: options.metrics.counter(`${family}_total`, 'How often an APIService became one that cannot be asked.', [
        'name',
        'reason',
      ]),
    }
  }

  /** Raised whenever discovery has to say something else because of remote servers. */
  get generation(): number {
    return this.#generation
  }

  get remotes(): Iterable<RemoteApi> {
    return this.#remotes.values()
  }

  /** What passes on a request for a version that a remote server answers: for its resources, or what it serves. */
  route(info: RequestInfo): ((exchange: Exchange) => Promise<ApiResponse>) | undefined {
    if (this.#remotes.size === 0) return undefined
    const remote = info.isResource ? this.#find(info.group, info.version) : this.#findByPath(info.path)
    return remote && ((exchange) => passOn(exchange, remote, this.#options.network))
  }

  #findByPath(path: string): RemoteApi | undefined {
    const [root, group = '', version = ''] = path.split('/').filter((part) => part !== '')
    return root === 'apis' && version !== '' ? this.#find(group, version) : undefined
  }

  #find(group: string, version: string): RemoteApi | undefined {
    return group === '' ? undefined : this.#remotes.get(nameOf(group, version))
  }

  priorityOf(group: string, version: string): Priority {
    return this.#priorities.get(nameOf(group, version)) ?? this.#usualPriority(group, version)
  }

  /** Resolves when all APIServices in the store are known and those of this server are written. */
  async begin(): Promise<void> {
    const { registry, signal, log } = this.#options
    this.#noteOwn()
    await follow(registry.resource(APIService), signal, log, (service, isThere) => this.#take(service, isThere))
    await Promise.all([...this.#own.keys()].map((name) => this.#ensure(name)))
  }

  /** What this process serves without a store gets an APIService as well, unless there is one already. */
  async serveLocal(): Promise<void> {
    const { reader, registry } = this.#options
    this.#noteOwn()
    this.#generation++
    for (const { group, version } of registry.localApis) {
      const present = reader.get(APIService, '', nameOf(group, version))
      if (present !== undefined) this.#take(present, true)
    }
    await Promise.all([...this.#own.keys()].map((name) => this.#ensure(name)))
  }

  #noteOwn(): void {
    const { registry, catalogue } = this.#options
    for (const { group, version } of catalogue.kinds) {
      const priority = builtInPriority(group, version)
      // The aggregator does not register itself.
      if (priority === undefined || group === APIService.group) continue
      this.#own.set(nameOf(group, version), builtInService(group, version, priority))
    }
    for (const { group, version, groupPriorityMinimum, versionPriority } of registry.localApis) {
      const priority = { group: groupPriorityMinimum, version: versionPriority }
      this.#own.set(nameOf(group, version), apiService(group, version, priority, undefined))
    }
  }

  #usualPriority(group: string, version: string): Priority {
    return builtInPriority(group, version) ?? customPriority
  }

  async #ensure(name: string): Promise<void> {
    const { reader, registry, log, signal } = this.#options
    if (signal.aborted || reader.get(APIService, '', name) !== undefined) return
    try {
      const service = this.#own.get(name)!
      const constant = service === builtInServices.get(name)
      await registry.resource(APIService).create('', service, serverContext, { constant })
    } catch (error) {
      if (!isAlreadyExists(error)) log('error', 'an API service was not written', { name, error: String(error) })
    }
  }

  #take(service: APIService, isThere: boolean): void {
    const name = service.metadata.name ?? ''
    this.#notePriority(service, isThere)
    const remote = this.#remotes.get(name)
    if (isThere && service.spec.service !== undefined && !this.#isStoodFor(service)) {
      if (remote === undefined) this.#add(name, service)
      else remote.update(service)
      return
    }
    if (remote !== undefined) {
      remote.stop()
      this.#count(name, localVerdict)
      this.#remotes.delete(name)
      this.#generation++
    }
    if (isThere) this.#sayLocal(service)
    else if (this.#own.has(name)) void this.#ensure(name)
  }

  #notePriority({ metadata, spec }: APIService, isThere: boolean): void {
    const { group = '', version = '', groupPriorityMinimum, versionPriority } = spec
    const name = metadata.name ?? ''
    const usual = this.#usualPriority(group, version)
    const isUsual = groupPriorityMinimum === usual.group && versionPriority === usual.version
    const known = this.#priorities.get(name)
    if (!isThere || isUsual) {
      if (this.#priorities.delete(name)) this.#generation++
    } else if (known?.group !== groupPriorityMinimum || known.version !== versionPriority) {
      this.#priorities.set(name, { group: groupPriorityMinimum, version: versionPriority })
      this.#generation++
    }
  }

  #add(name: string, service: APIService): void {
    this.#followServices()
    const changed = () => void this.#generation++
    const say = (verdict: Verdict) => {
      this.#count(name, verdict)
      return this.#say(name, verdict)
    }
    const failed = (error: unknown) =>
      this.#options.log('error', 'an API service was not looked at', { name, error: String(error) })
    this.#remotes.set(name, new RemoteApi(service, this.#options, { changed, say, failed }))
    this.#generation++
  }

  /** Only where there is somebody whose service it could be. */
  #followServices(): void {
    if (this.#followsServices) return
    this.#followsServices = true
    const { registry, signal, log } = this.#options
    const wake = (namespace: string | undefined, service: string | undefined) => {
      for (const remote of this.#remotes.values()) if (remote.isBehind(namespace, service)) remote.check()
    }
    const lost = (error: unknown) => log('error', 'services of API services are not followed', { error: String(error) })
    follow(registry.resource(Service), signal, log, ({ metadata }) => wake(metadata.namespace, metadata.name)).catch(
      lost,
    )
    follow(registry.resource(EndpointSlice), signal, log, ({ metadata }) =>
      wake(metadata.namespace, metadata.labels?.[serviceLabel]),
    ).catch(lost)
  }

  #isStoodFor({ spec: { group, version, service } }: APIService): boolean {
    const { standsFor } =
      this.#options.registry.localApis.find((api) => api.group === group && api.version === version) ?? {}
    return standsFor !== undefined && standsFor.namespace === service?.namespace && standsFor.name === service.name
  }

  #sayLocal(service: APIService): void {
    const condition = service.status.conditions?.find(({ type }) => type === 'Available')
    if (condition?.status !== localVerdict.status || condition.reason !== localVerdict.reason) {
      void this.#say(service.metadata.name ?? '', localVerdict)
    }
  }

  #count(name: string, { status, reason = '' }: Verdict): void {
    if (this.#unavailable === undefined) return
    const { now, times } = this.#unavailable
    const series = now.of(name)
    const isUnavailable = status === 'True' ? 0 : 1
    if (isUnavailable === 1 && series.value === 0) times.of(name, reason).value++
    series.value = isUnavailable
  }

  async #say(name: string, verdict: Verdict): Promise<void> {
    const { registry, clock, log, signal } = this.#options
    const change = (service: APIService | undefined) => {
      const { conditions = [] } = service!.status
      const old = (conditions ?? []).find(({ type }) => type === 'Available')
      const lastTransitionTime = old?.status === verdict.status ? old.lastTransitionTime : secondsTime(clock.now())
      const condition = { type: 'Available', ...verdict, lastTransitionTime }
      if (equalJson(condition, old)) return service as ApiObject
      const others = (conditions ?? []).filter(({ type }) => type !== 'Available')
      return { ...service!, status: { conditions: [...others, condition] } } as ApiObject
    }
    try {
      if (!signal.aborted) await registry.resource(APIService).update('', name, 'status', change, serverContext)
    } catch (error) {
      if (!isNotFound(error))
        log('error', 'the state of an API service was not written', { name, error: String(error) })
    }
  }
}

const nameOf = (group: string, version: string) => `${version}.${group}`

/** Those that every cluster has. */
const builtInServices = new Map<string, ApiObject>()

function builtInService(group: string, version: string, priority: Priority): ApiObject {
  const name = nameOf(group, version)
  const service = builtInServices.get(name) ?? apiService(group, version, priority, 'onstart')
  builtInServices.set(name, service)
  return service
}

function apiService(group: string, version: string, priority: Priority, automanaged: string | undefined): ApiObject {
  return {
    metadata: {
      name: nameOf(group, version),
      ...(automanaged && { labels: { 'kube-aggregator.kubernetes.io/automanaged': automanaged } }),
    },
    spec: {
      ...(group !== '' && { group }),
      version,
      groupPriorityMinimum: priority.group,
      versionPriority: priority.version,
    },
  } as ApiObject
}
