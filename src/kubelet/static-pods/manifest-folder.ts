import { secondsTime } from '../../base/seconds-time.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Clock, Disk, Log } from '../../world/world.ts'
import { fullName, ManifestError, podOfManifest } from './manifest.ts'

export interface ManifestFolderOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  readonly folder: string
  readonly nodeName: string
  /** How often it is looked at though nothing was said to have changed. */
  readonly checkMs: number
  /** Told of all pods that the folder describes, whenever that has changed. */
  readonly changed: (pods: readonly Pod[]) => void
}

interface Known {
  readonly text: string
  readonly pod: Pod | undefined
}

/** Changes of a file come as several events; they are waited for together. */
const settleMs = 50

/**
 * The pods that the files of a folder describe. A file that holds no pod (half-written, mistyped) is logged, and what it
 * held before goes on to count until the file is mended or goes: a slip of the editor must not stop an API server.
 */
export class ManifestFolder {
  readonly #options: ManifestFolderOptions
  readonly #stop = new AbortController()
  #known = new Map<string, Known>()
  #cancel = () => {}
  #endWatch: (() => void) | undefined
  #reading: Promise<void> | undefined
  #isStale = false

  constructor(options: ManifestFolderOptions) {
    this.#options = options
  }

  /** Resolves when what is there now has been told. */
  async start(): Promise<void> {
    const { disk, folder, clock } = this.#options
    await disk.makeFolder(folder)
    this.#endWatch = disk.watch?.(`${folder}/any`, () => {
      this.#cancel()
      this.#cancel = clock.timer(settleMs, () => void this.#read())
    })
    await this.#read(true)
    void this.#keepLooking()
  }

  stop(): void {
    this.#stop.abort()
    this.#cancel()
    this.#endWatch?.()
  }

  async #keepLooking(): Promise<void> {
    const { clock, checkMs } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      await clock.after(checkMs, signal).catch(() => {})
      if (!signal.aborted) await this.#read()
    }
  }

  #read(isFirst = false): Promise<void> {
    this.#isStale = true
    this.#reading ??= this.#readAll(isFirst).finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #readAll(isFirst: boolean): Promise<void> {
    const { disk, folder, log } = this.#options
    for (let tellsAnyway = isFirst; this.#isStale; tellsAnyway = false) {
      this.#isStale = false
      try {
        const names = (await disk.list(folder)).filter(isManifest).sort()
        const before = this.#known
        const now = new Map<string, Known>()
        for (const name of names) {
          const known = await this.#readFile(`${folder}/${name}`, before.get(name))
          if (known) now.set(name, known)
        }
        this.#known = now
        const hasChanged = now.size !== before.size || [...now].some(([name, { pod }]) => before.get(name)?.pod !== pod)
        if (hasChanged || tellsAnyway) this.#tell()
      } catch (error) {
        log('error', 'the folder of static pods cannot be read', { folder, error: String(error) })
      }
    }
  }

  async #readFile(path: string, before: Known | undefined): Promise<Known | undefined> {
    const { disk, log, nodeName, clock } = this.#options
    const text = await disk.read(path).catch((error: unknown) => {
      log('error', 'a manifest cannot be read', { path, error: String(error) })
      return before?.text
    })
    if (text === undefined || text === before?.text) return before && text === before.text ? before : undefined
    try {
      return { text, pod: podOfManifest(text, { path, nodeName, seen: secondsTime(clock.now()) }) }
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error
      const stays = before?.pod && { stays: fullName(before.pod) }
      log('error', 'a manifest describes no pod that could run', { path, error: error.message, ...stays })
      return { text, pod: before?.pod }
    }
  }

  /** Of two files that describe the same pod the first one counts. */
  #tell(): void {
    const pods = new Map<string, Pod>()
    for (const [file, { pod }] of this.#known) {
      if (!pod) continue
      if (pods.has(fullName(pod)))
        this.#options.log('error', 'two manifests describe the same pod', { pod: fullName(pod), file })
      else pods.set(fullName(pod), pod)
    }
    this.#options.changed([...pods.values()])
  }
}

/** Files that begin with a dot are somebody's own, as are those that are about to take another's place. */
const isManifest = (name: string) => !name.startsWith('.') && !/\.\d+\.tmp$/.test(name)
