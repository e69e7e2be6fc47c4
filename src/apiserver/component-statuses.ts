import { ComponentStatus } from '../kinds/core/component-status.ts'
import { computedResource } from './aggregation/local.ts'
import type { Resource } from './resource.ts'

/** Where the reference's server asks for the health of each, on its own host. */
const ports = { 'controller-manager': 10257, scheduler: 10259 } as const

export type Component = keyof typeof ports

/**
 * The health of the control plane's parts, as `kubectl get componentstatuses` shows it. The store answers whoever asks
 * at all; the others are those of this process, if it has them.
 */
export class ComponentStatuses {
  readonly #running = new Set<Component>()

  /** Says that a part runs from now on in this process. */
  started(component: Component): void {
    this.#running.add(component)
  }

  /** What is served for the kind. */
  resource(): Resource<ComponentStatus> {
    return computedResource(ComponentStatus, {
      get: (_, name) => this.#all().find(({ metadata }) => metadata.name === name),
      list: () => this.#all(),
    })
  }

  #all(): ComponentStatus[] {
    const components = Object.entries(ports) as [Component, number][]
    return [
      ...components.map(([name, port]) =>
        status(name, this.#running.has(name), this.#running.has(name) ? ok : refused(port)),
      ),
      status('etcd-0', true, ok),
    ]
  }
}

const ok = 'ok'

const refused = (port: number) =>
  `Get "https://127.0.0.1:${port}/healthz": dial tcp 127.0.0.1:${port}: connect: connection refused`

function status(name: string, healthy: boolean, message: string): ComponentStatus {
  return {
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name },
    conditions: [{ type: 'Healthy', status: healthy ? 'True' : 'False', message }],
  }
}
