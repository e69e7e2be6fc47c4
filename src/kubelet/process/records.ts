import type { Pod, PodStatus } from '../../kinds/core/pod.ts'
import type { Disk, Log } from '../../world/world.ts'

/** What is noted of a container before it is started, for a kubelet that comes later. */
export interface ContainerRecord {
  readonly attempt: number
  /** As in the status: seconds. */
  readonly startedAt: string
  readonly containerId: string
  readonly imageId: string
}

export interface PodRecord {
  readonly pod: Pod
  readonly containers: ReadonlyMap<string, ContainerRecord>
}

/**
 * Pods and their processes, in files: `<folder>/<uid>/pod.json`, and two beside it for each container: what it is
 * (`container-NAME.json`), and which process it is, as that itself has noted (`container-NAME.stat`).
 */
export class Records {
  readonly #disk: Disk
  readonly #log: Log
  readonly #folder: string

  constructor(folder: string, { disk, log }: { readonly disk: Disk; readonly log: Log }) {
    this.#folder = folder
    this.#disk = disk
    this.#log = log
  }

  async keepPod(pod: Pod): Promise<void> {
    await this.#disk.write(this.#podFile(pod.metadata.uid!), JSON.stringify(pod))
  }

  async keep(uid: string, container: string, record: ContainerRecord): Promise<void> {
    await this.#disk.write(this.#containerFile(uid, container), JSON.stringify(record))
  }

  async forgetPod(uid: string): Promise<void> {
    await this.#disk.remove(`${this.#folder}/${uid}`)
  }

  /** Every pod that is noted. */
  async pods(): Promise<readonly PodRecord[]> {
    const uids = await this.#disk.list(this.#folder)
    const found = await Promise.all(uids.map((uid) => this.podOf(uid)))
    return found.filter((record) => record !== undefined)
  }

  async podOf(uid: string): Promise<PodRecord | undefined> {
    const pod = await this.#read<Pod>(this.#podFile(uid))
    if (!pod) return undefined
    const containers = new Map<string, ContainerRecord>()
    for (const name of await this.#disk.list(`${this.#folder}/${uid}`)) {
      const container = /^container-(.+)\.json$/.exec(name)?.[1]
      if (!container) continue
      const record = await this.#read<ContainerRecord>(`${this.#folder}/${uid}/${name}`)
      if (record) containers.set(container, record)
    }
    return { pod, containers }
  }

  #podFile(uid: string): string {
    return `${this.#folder}/${uid}/pod.json`
  }

  /** Where the process of a container is to note which one it is. */
  processNote(uid: string, container: string): string {
    return `${this.#folder}/${uid}/container-${container}.stat`
  }

  #containerFile(uid: string, container: string): string {
    return `${this.#folder}/${uid}/container-${container}.json`
  }

  async #read<T>(path: string): Promise<T | undefined> {
    const text = await this.#disk.read(path)
    if (text === undefined) return undefined
    try {
      return JSON.parse(text) as T
    } catch (error) {
      this.#log('warn', 'a note about a container cannot be read', { path, error: String(error) })
      return undefined
    }
  }
}

/** The status of a pod whose processes an earlier kubelet has started, as far as its notes tell. */
export function statusOf({ pod, containers }: PodRecord, hostAddresses: readonly string[]): PodStatus {
  const started = [...containers.values()].map(({ startedAt }) => startedAt).sort()[0]
  return {
    podIP: hostAddresses[0],
    podIPs: hostAddresses.map((ip) => ({ ip })),
    ...(started && { startTime: started }),
    containerStatuses: pod.spec.containers.flatMap(({ name, image = '' }) => {
      const known = containers.get(name)
      if (!known) return []
      const { attempt, startedAt, containerId, imageId } = known
      return {
        name,
        image,
        imageID: imageId,
        containerID: containerId,
        restartCount: attempt,
        ready: false,
        started: true,
        state: { running: { startedAt } },
        lastState: {},
      }
    }),
  } as PodStatus
}
