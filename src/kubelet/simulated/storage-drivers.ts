import type { Client } from '../../client/client.ts'
import type { Node } from '../../kinds/core/node.ts'
import { CSIDriver } from '../../kinds/storage/csi-driver.ts'
import { CSINode, type CSINodeDriver } from '../../kinds/storage/csi-node.ts'
import type { Activity } from '../../reconciler/activity.ts'
import type { Caches } from '../../reconciler/caches.ts'
import { Gate } from '../../reconciler/gate.ts'
import { equalJson } from '../../schema/freeze.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../schema/status.ts'
import type { Clock, Log } from '../../world/world.ts'

/** On a driver, how many volumes of it a node can have; on a node, the same for all drivers there. */
const limitAnnotation = 'simulation.coracle.dev/volume-limit'
/** On a driver: labels of nodes, with commas between, by which it tells where its volumes can be reached. */
const topologyAnnotation = 'simulation.coracle.dev/topology-keys'

const writesAtOnce = 16
const againMs = 1000

export interface StorageDriversOptions {
  readonly client: Client
  readonly caches: Caches
  readonly activity: Activity
  readonly clock: Clock
  readonly log: Log
  /** The nodes that run. */
  readonly nodes: () => Iterable<Node>
  readonly runs: (node: Node) => boolean
}

/**
 * Says in a CSINode of each simulated node which storage drivers are there, as kubelets do when drivers register: all
 * of which there is a CSIDriver.
 */
export class StorageDrivers {
  readonly #options: StorageDriversOptions
  readonly #gate = new Gate(writesAtOnce)
  readonly #stop: () => void
  #isStopped = false

  constructor(options: StorageDriversOptions) {
    this.#options = options
    this.#stop = options.caches.of(CSIDriver).onChange(({ object, old }) => {
      if (object && old && equalJson(object.metadata.annotations ?? {}, old.metadata.annotations ?? {})) return
      for (const node of options.nodes()) this.tell(node)
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#stop()
  }

  /** Brings the CSINode of a node up to date, in the background. What fails is tried again a little later. */
  tell(node: Node): void {
    const { activity, clock, log } = this.#options
    const written = this.#write(node).catch((error: unknown) => {
      const details = { node: node.metadata.name, error: String(error) }
      log('warn', 'the storage drivers of a node could not be told', details)
      clock.timer(againMs, () => {
        if (!this.#isStopped) this.tell(node)
      })
    })
    void activity.track(written)
  }

  async #write(node: Node): Promise<void> {
    const { client, caches } = this.#options
    const name = node.metadata.name!
    await caches.of(CSIDriver).synced
    await this.#gate.enter()
    try {
      while (!this.#isStopped && this.#options.runs(node)) {
        const drivers = this.#driversOf(node)
        if (await isWritten(this.#create(node, drivers))) return
        const before = await client.get(CSINode, { name }).catch(whenMissing)
        if (!before) continue
        if (equalJson(before.spec.drivers ?? [], drivers)) return
        if (await isWritten(client.update(CSINode, { ...before, spec: { drivers } }))) return
      }
    } finally {
      this.#gate.leave()
    }
  }

  #create({ metadata: { name, uid } }: Node, drivers: readonly CSINodeDriver[]): Promise<unknown> {
    return this.#options.client.create<CSINode>(CSINode, {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: { name: name!, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: name!, uid: uid! }] },
      spec: { drivers },
    })
  }

  #driversOf({ metadata }: Node): CSINodeDriver[] {
    const ownLimit = countOf(metadata.annotations?.[limitAnnotation])
    return [...this.#options.caches.of(CSIDriver).list()]
      .sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))
      .map(({ metadata: driver }) => {
        const count = ownLimit ?? countOf(driver.annotations?.[limitAnnotation])
        const keys = driver.annotations?.[topologyAnnotation]?.split(',').map((key) => key.trim())
        return {
          name: driver.name!,
          nodeID: metadata.name!,
          topologyKeys: keys ?? [],
          ...(count !== undefined && { allocatable: { count } }),
        }
      })
  }
}

/** Whether a node says something else of the volumes that it can have. */
export const hasOtherLimits = (node: Node, old: Node): boolean =>
  node.metadata.annotations?.[limitAnnotation] !== old.metadata.annotations?.[limitAnnotation]

/** What cannot be read is no limit. */
const countOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined

function whenMissing(error: unknown): undefined {
  if (!isNotFound(error)) throw error
}

/** Nothing when somebody else was faster, and it has to be looked at again. */
async function isWritten(writing: Promise<unknown>): Promise<boolean> {
  try {
    await writing
    return true
  } catch (error) {
    if (isConflict(error) || isAlreadyExists(error)) return false
    throw error
  }
}
