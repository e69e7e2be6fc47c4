import { APIService } from '../../kinds/apiregistration/api-service.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { isAlreadyExists, isNotFound } from '../../schema/status.ts'
import type { Log } from '../../world/world.ts'
import type { RequestContext } from '../context.ts'
import type { Registry } from '../registry.ts'

const automanaged = 'kube-aggregator.kubernetes.io/automanaged'

/** The priorities of versions that come from definitions: behind everything that is built in. */
const groupPriorityMinimum = 1000
const versionPriority = 100

export interface GroupVersion {
  readonly group: string
  readonly version: string
}

/** As its APIService is called. */
export const groupVersionName = ({ group, version }: GroupVersion): string => `${version}.${group}`

/** Says of every group version that definitions make that this server serves it. */
export class ApiServices {
  readonly #registry: Registry
  readonly #context: RequestContext
  readonly #log: Log
  readonly #served = new Set<string>()
  /** One after another, so that what was written last is what is true. */
  #work: Promise<void> = Promise.resolve()

  constructor(registry: Registry, context: RequestContext, log: Log) {
    this.#registry = registry
    this.#context = context
    this.#log = log
  }

  /** Takes over what was written before this server began. */
  async begin(served: () => readonly GroupVersion[]): Promise<void> {
    const page = await this.#registry.resource(APIService).list('', { labelSelector: `${automanaged}=true` })
    const wanted = new Set(served().map(groupVersionName))
    for (const { object } of page.entries) {
      const { group = '', version = '' } = object.spec
      this.#served.add(groupVersionName({ group, version }))
      if (!wanted.has(groupVersionName({ group, version }))) this.set({ group, version }, false)
    }
    for (const groupVersion of served()) this.set(groupVersion, true)
    await this.#work
  }

  /** Whether this server serves the version of a group, from now on. */
  set(groupVersion: GroupVersion, isServed: boolean): void {
    const name = groupVersionName(groupVersion)
    if (this.#served.has(name) === isServed) return
    if (isServed) this.#served.add(name)
    else this.#served.delete(name)
    this.#do(() => (isServed ? this.#create(name, groupVersion) : this.#delete(name)))
  }

  #do(write: () => Promise<void>): void {
    this.#work = this.#work.then(write).catch((error) => {
      this.#log('error', 'an API service was not written', { error: String(error) })
    })
  }

  async #create(name: string, { group, version }: GroupVersion): Promise<void> {
    const service = {
      metadata: { name, labels: { [automanaged]: 'true' } },
      spec: { group, version, groupPriorityMinimum, versionPriority },
    } as ApiObject
    try {
      await this.#registry.resource(APIService).create('', service, this.#context, { owned: true })
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
