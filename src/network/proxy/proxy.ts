import { Service } from '../../kinds/core/service.ts'
import { EndpointSlice, serviceLabel } from '../../kinds/discovery/endpoint-slice.ts'
import { type Caches, defineIndex } from '../../reconciler/caches.ts'
import type { Clock, Exec, Log, Network } from '../../world/world.ts'
import type { Family, Here } from './backends.ts'
import { staleFlows } from './flows.ts'
import { HealthChecks } from './health-checks.ts'
import { frame, isProxied, type RuleSettings, type Rules, rulesOf } from './rules.ts'
import { commandsFor, Elements, type RulesChange } from './transaction.ts'

export interface ServiceProxyOptions {
  readonly caches: Caches
  readonly clock: Clock
  readonly log: Log
  readonly exec: Exec
  readonly network: Network
  readonly here: Here
  readonly settings: RuleSettings
  /** What comes within this time after rules were written is written together. */
  readonly minSyncMs: number
  /** How often it is looked whether the rules are still there, and how long at most until a failed write is tried again. */
  readonly syncMs: number
  /** Told of each attempt to write rules: how long it took, and how many services it was about. */
  readonly written?: (ms: number, services: number, isWell: boolean) => void
}

const slicesByService = defineIndex(EndpointSlice, 'service that it is of', ({ metadata }) => [
  `${metadata.namespace}/${metadata.labels?.[serviceLabel] ?? ''}`,
])

const families: readonly Family[] = [4, 6]
const firstRetryMs = 500
const tableOf = (family: Family) => `${family === 4 ? 'ip' : 'ip6'} kube-proxy`

/** The rules of one family, as the kernel has them. */
class Table {
  readonly family: Family
  rules = new Map<string, Rules>()
  elements = new Elements()
  /** Whether the kernel has it at all. */
  isThere = false

  constructor(family: Family) {
    this.family = family
  }
}

/**
 * Makes the addresses of services lead to their endpoints on this host: keeps the rules of nftables as the API has the
 * services. What changes is written alone, in one transaction; when that fails, or somebody has taken the rules away,
 * everything is written anew. Rules stay when the proxy ends, so that services go on.
 */
export class ServiceProxy {
  readonly #options: ServiceProxyOptions
  readonly #tables = families.map((family) => new Table(family))
  readonly #dirty = new Set<string>()
  readonly #stop = new AbortController()
  #here: Here
  #wake = Promise.withResolvers<void>()
  readonly #healthChecks: HealthChecks
  #unsubscribe: (() => void)[] = []
  #running: Promise<unknown> = Promise.resolve()
  #isWell = false
  #isConntrackMissed = false
  #lastWell: number | undefined

  constructor(options: ServiceProxyOptions) {
    this.#options = options
    this.#here = options.here
    this.#healthChecks = new HealthChecks({ ...options, isWell: () => this.#lastWell !== undefined })
  }

  /** When the rules were last as the API had the services, in milliseconds since 1970; undefined: never yet. */
  get lastWell(): number | undefined {
    return this.#lastWell
  }

  /** Whether the rules are as the API has the services, as far as this host has heard. */
  get isCurrent(): boolean {
    return this.#isWell && this.#dirty.size === 0
  }

  /** Resolves when all services have their rules for the first time, or the attempt has failed and is to be made again. */
  async start(): Promise<void> {
    const { caches } = this.#options
    const [services, slices] = [caches.of(Service), caches.of(EndpointSlice)]
    await Promise.all([services.synced, slices.synced])
    const name = ({ metadata }: Service) => `${metadata.namespace}/${metadata.name}`
    const owner = ({ metadata }: EndpointSlice) => `${metadata.namespace}/${metadata.labels?.[serviceLabel] ?? ''}`
    this.#unsubscribe = [
      services.onChange(({ object, old }) => this.#look(name((object ?? old)!))),
      slices.onChange(({ object, old }) => {
        for (const slice of [object, old]) if (slice) this.#look(owner(slice))
      }),
    ]
    const first = this.#write()
    this.#running = first.then((isWell) => this.#goOn(isWell))
    await first
  }

  /** The node has another zone. */
  move(here: Here): void {
    if (here.node === this.#here.node && here.zone === this.#here.zone) return
    this.#here = here
    for (const table of this.#tables) for (const key of table.rules.keys()) this.#look(key)
  }

  /** Ends it. Resolves when nothing is written any more; the rules stay. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#stop.abort()
    await this.#running
    await this.#healthChecks.close()
  }

  #look(service: string): void {
    this.#dirty.add(service)
    this.#wake.resolve()
  }

  /** Writes whenever there is something to write, until the end. */
  async #goOn(wasWell: boolean): Promise<void> {
    const { clock, minSyncMs, syncMs } = this.#options
    const { signal } = this.#stop
    const pause = (ms: number) => clock.after(ms, signal).catch(() => {})
    let retryMs = firstRetryMs
    for (let isWell = wasWell; !signal.aborted; isWell = await this.#write()) {
      if (isWell) {
        retryMs = firstRetryMs
        await pause(minSyncMs)
        const late = new AbortController()
        const look = clock.after(syncMs, AbortSignal.any([signal, late.signal])).catch(() => {})
        await Promise.race([this.#wake.promise, look])
        late.abort()
        if (this.#dirty.size === 0 && !signal.aborted) await this.#missTables()
      } else {
        await pause(retryMs)
        retryMs = Math.min(syncMs, retryMs * 2)
      }
      if (signal.aborted) return
    }
  }

  /** Notes which tables somebody else has taken away. */
  async #missTables(): Promise<void> {
    const { exec, log } = this.#options
    for (const table of this.#tables.filter(({ isThere }) => isThere)) {
      const { code } = await exec.run('nft', ['list', 'chain', ...tableOf(table.family).split(' '), 'services'])
      if (code === 0) continue
      log('warn', 'the rules of services are gone, and are written anew', { table: tableOf(table.family) })
      table.isThere = false
    }
  }

  /** Makes the rules as the caches have the services. False: they could not be written. */
  async #write(): Promise<boolean> {
    const { clock, exec, log, written } = this.#options
    this.#wake = Promise.withResolvers()
    this.#isWell = false
    const began = clock.monotonic()
    const services = new Set(this.#dirty)
    this.#dirty.clear()
    const steps = this.#tables.map((table) => this.#stepOf(table, services))
    const commands = steps.flatMap((step) => step.commands)
    if (commands.length > 0) {
      const { code, stderr } = await run(exec, commands)
      written?.(clock.monotonic() - began, services.size, code === 0)
      if (code !== 0) {
        log('error', 'the rules of services could not be written', { error: stderr.trim().slice(0, 500) })
        // Nobody knows what the kernel has now.
        for (const table of this.#tables) table.isThere = false
        for (const service of services) this.#dirty.add(service)
        return false
      }
      log('debug', 'the rules of services are written', { services: services.size, commands: commands.length })
      await this.#forget(steps.flatMap((step) => step.flows))
    }
    this.#isWell = true
    this.#lastWell = clock.now()
    return true
  }

  /** What is to be done to a table for these services. */
  #stepOf(table: Table, services: ReadonlySet<string>): Step {
    const { family } = table
    const isNew = !table.isThere
    const before = table.rules
    const owners = isNew ? new Set([...before.keys(), ...services]) : services
    if (isNew) {
      table.rules = new Map()
      table.elements = new Elements()
    }
    const changes: RulesChange[] = []
    for (const owner of owners) {
      const was = before.get(owner)
      const old = isNew ? undefined : was
      const next = this.#rulesOf(owner, family)
      if (next) table.rules.set(owner, next)
      else table.rules.delete(owner)
      if (old ?? next) changes.push({ owner, old, next })
      if (next?.healthCheck ?? was?.healthCheck) this.#healthChecks.set(owner, next?.healthCheck)
    }
    // Hosts need not know a family of which there are no services.
    if (isNew && changes.length === 0) return { commands: [], flows: [] }
    const commands = commandsFor(changes, table.elements, family)
    const flows = staleFlows(changes, family)
    if (!isNew) return { commands, flows }
    table.isThere = true
    return { commands: [...frame(this.#options.settings, family), ...commands], flows }
  }

  /** Undefined: the service is nothing to us, or is not there. */
  #rulesOf(owner: string, family: Family): Rules | undefined {
    const { caches, settings } = this.#options
    const [namespace = '', name = ''] = owner.split('/')
    const service = caches.of(Service).get(namespace, name)
    if (!service || !isProxied(service)) return undefined
    const slices = caches.of(EndpointSlice).by(slicesByService, owner)
    const rules = rulesOf(service, slices, family, this.#here, settings)
    return rules.elements.size > 0 ? rules : undefined
  }

  /** Makes the kernel forget conversations that lead nowhere now. */
  async #forget(flows: readonly (readonly string[])[]): Promise<void> {
    const { exec, log } = this.#options
    if (flows.length === 0) return
    if (await exec.which('conntrack')) {
      // It ends with 1 when there was none to forget.
      for (const args of flows) await exec.run('conntrack', args)
    } else if (!this.#isConntrackMissed) {
      this.#isConntrackMissed = true
      log(
        'warn',
        'conntrack is not on the search path: who sends datagrams without a pause stays with endpoints that are gone',
      )
    }
  }
}

interface Step {
  readonly commands: readonly string[]
  /** What the kernel is to forget after that. */
  readonly flows: readonly (readonly string[])[]
}

async function run(
  exec: Exec,
  commands: readonly string[],
): Promise<{ readonly code?: number; readonly stderr: string }> {
  try {
    const { code, stderr } = await exec.run('nft', ['-f', '-'], { input: `${commands.join('\n')}\n` })
    return { ...(code !== undefined && { code }), stderr }
  } catch (error) {
    return { stderr: String(error) }
  }
}

/** Takes the rules of services away, whoever wrote them (`kube-proxy --cleanup`). */
export async function removeRules({ exec }: Pick<ServiceProxyOptions, 'exec'>): Promise<void> {
  const commands = families.flatMap((family) => [`add table ${tableOf(family)}`, `delete table ${tableOf(family)}`])
  const { code, stderr } = await run(exec, commands)
  if (code !== 0) throw new Error(`the rules of services could not be taken away: ${stderr.trim()}`)
}
