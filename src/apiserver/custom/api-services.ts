import { APIService } from '../../kinds/apiregistration/api-service.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { isAlreadyExists, isNotFound } from '../../schema/status.ts'
import type { Log } from '../../world/world.ts'
import type { RequestContext } from '../context.ts'
import type { Registry } from '../registry.ts'
import type { CustomKind } from './custom-kind.ts'

const automanaged = 'kube-aggregator.kubernetes.io/automanaged'

/** The priorities of versions that come from definitions: behind everything that is built in. */
const groupPriorityMinimum = 1000
const versionPriority = 100

/** Says of every group version that definitions make that this server serves it. */
export class ApiServices {
  readonly #registry: Registry
  readonly #context: RequestContext
  readonly #log: Log
  #served: ReadonlySet<string> = new Set()
  /** One after another, so that what was written last is what is true. */
  #work: Promise<void> = Promise.resolve()

  constructor(registry: Registry, context: RequestContext, log: Log) {
    this.#registry = registry
    this.#context = context
    this.#log = log
  }

  /** Takes over what was written before this server began. */
  async begin(kinds: readonly CustomKind[]): Promise<void> {
    const page = await this.#registry.resource(APIService).list('', { labelSelector: `${automanaged}=true` })
    this.#served = new Set(page.entries.map(({ object }) => object.metadata.name ?? ''))
    this.update(kinds)
    await this.#work
  }

  update(kinds: readonly CustomKind[]): void {
    const wanted = new Map(kinds.map((kind) => [`${kind.version}.${kind.group}`, kind]))
    const before = this.#served
    this.#served = new Set(wanted.keys())
    for (const [name, kind] of wanted) if (!before.has(name)) this.#do(() => this.#create(name, kind))
    for (const name of before) if (!wanted.has(name)) this.#do(() => this.#delete(name))
  }

  #do(write: () => Promise<void>): void {
    this.#work = this.#work.then(write).catch((error) => {
      this.#log('error', 'an API service was not written', { error: String(error) })
    })
  }

  async #create(name: string, { group, version }: CustomKind): Promise<void> {
    const service = {
      metadata: { name, labels: { [automanaged]: 'true' } },
      spec: { group, version, groupPriorityMinimum, versionPriority },
    } as ApiObject
    try {
      await this.#registry.resource(APIService).create('', service, this.#context)
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
  }

  /** Unless somebody else has made it, or taken it over. */
  async #delete(name: string): Promise<void> {
    try {
      const { object } = await this.#registry.resource(APIService).get('', name)
      if (object.metadata.labels?.[automanaged] !== 'true') return
      await this.#registry.resource(APIService).delete('', name, {}, this.#context)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}
