import { ComponentStatus } from '../kinds/core/component-status.ts'
import type { Network } from '../world/world.ts'
import { computedResource } from './aggregation/local.ts'
import type { Resource } from './resource.ts'

/** Where the reference's server asks for the health of each, on its own host. */
const ports = { 'controller-manager': 10257, scheduler: 10259 } as const

export type Component = keyof typeof ports

/** By what those are asked that are processes of their own. */
export interface ComponentAsker {
  readonly network: Network
  /** Rejects when the store cannot answer. */
  readonly checkStore: () => Promise<unknown>
}

const timeoutMs = 5000
const bodyMax = 64 * 1024

/**
 * The health of the control plane's parts, as `kubectl get componentstatuses` shows it. Those of this process are well;
 * others are asked on this host, if somebody can ask. A store of this process answers whoever asks at all.
 */
export class ComponentStatuses {
  readonly #running = new Set<Component>()
  readonly #asker: ComponentAsker | undefined

  constructor(asker?: ComponentAsker) {
    this.#asker = asker
  }

  /** Says that a part runs from now on in this process. */
  started(component: Component): void {
    this.#running.add(component)
  }

  /** What is served for the kind. */
  resource(): Resource<ComponentStatus> {
    return computedResource(ComponentStatus, {
      get: async (_, name) => (await this.#all()).find(({ metadata }) => metadata.name === name),
      list: () => this.#all(),
    })
  }

  async #all(): Promise<readonly ComponentStatus[]> {
    const components = Object.entries(ports) as [Component, number][]
    const asked = await Promise.all(components.map(([name, port]) => this.#fault(name, port)))
    const storeFault = await this.#asker?.checkStore().then(
      () => undefined,
      (error: Error) => error.message,
    )
    return [
      ...components.map(([name], at) => status(name, { message: asked[at] })),
      status('etcd-0', { error: storeFault }),
    ]
  }

  async #fault(name: Component, port: number): Promise<string | undefined> {
    if (this.#running.has(name)) return undefined
    if (!this.#asker) return refused(port)
    const url = `https://127.0.0.1:${port}/healthz`
    try {
      const tls = { skipServerVerification: true }
      const answer = await this.#asker.network.request({ url, tls, timeoutMs })
      const text = await answer.text(bodyMax)
      return answer.status === 200 ? undefined : text
    } catch (error) {
      return `Get ${JSON.stringify(url)}: ${(error as Error).message}`
    }
  }
}

const ok = 'ok'

const refused = (port: number) =>
  `Get "https://127.0.0.1:${port}/healthz": dial tcp 127.0.0.1:${port}: connect: connection refused`

/** What a server answers wrongly is a message, as in the reference; that the store cannot be asked is an error. */
function status(
  name: string,
  { message, error }: { readonly message?: Fault; readonly error?: Fault },
): ComponentStatus {
  const isWell = message === undefined && error === undefined
  const told = {
    ...(isWell ? { message: ok } : message !== undefined && { message }),
    ...(error !== undefined && { error }),
  }
  return {
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name },
    conditions: [{ type: 'Healthy', status: isWell ? 'True' : 'False', ...told }],
  }
}

type Fault = string | undefined
