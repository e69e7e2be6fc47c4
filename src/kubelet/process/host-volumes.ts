import { dirname } from 'node:path'
import type { Client } from '../../client/client.ts'
import { ConfigMap } from '../../kinds/core/config-map.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { Secret } from '../../kinds/core/secret.ts'
import type { Volume } from '../../kinds/core/volumes.ts'
import { isNotFound } from '../../schema/status.ts'
import type { Clock, Disk, Log, Random } from '../../world/world.ts'
import { setUpFailed } from '../volume-faults.ts'
import { requestToken } from './tokens.ts'
import { filesOf, type VolumeFile } from './volume-files.ts'

export interface HostVolumesOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly disk: Disk
  /** Speaks for the node. */
  readonly client: Pick<Client, 'get' | 'createSubresource'>
  /** `/var/lib/kubelet/pods` */
  readonly folder: string
  readonly hostAddress: string
}

/** Volumes of one pod, as long as it has them. */
class OpenPod {
  readonly end = new AbortController()
  /** What is being written. */
  writing: Promise<unknown> = Promise.resolve()
}

const firstRetryMs = 500
const longestRetryMs = 10_000
/** How long it takes at least until another token is asked for. */
const tokenRetryMs = 10_000

const plugins = {
  configMap: 'configmap',
  secret: 'secret',
  emptyDir: 'empty-dir',
  projected: 'projected',
  downwardAPI: 'downward-api',
} as const satisfies Partial<Record<keyof Volume, string>>

/**
 * Volumes that are made for pods whose containers are processes, as folders of the host:
 * `<folder>/<uid>/volumes/kubernetes.io~<plugin>/<volume>`. Tokens in them are renewed; what else is in them stays as it
 * was when the pod began.
 */
export class HostVolumes {
  readonly #options: HostVolumesOptions
  readonly #pods = new Map<string, OpenPod>()

  constructor(options: HostVolumesOptions) {
    this.#options = options
  }

  /** Whether the pod has volumes that are not simply paths of the host. */
  concern({ spec }: Pod): boolean {
    return (spec.volumes ?? []).some(({ hostPath }) => hostPath === undefined)
  }

  /** Where a volume lies; nothing when it is of a kind that cannot be made. */
  folderOf({ metadata }: Pod, volume: Volume): string | undefined {
    const found = Object.entries(plugins).find(([kind]) => volume[kind as keyof Volume] !== undefined)
    return found && `${this.#options.folder}/${metadata.uid}/volumes/kubernetes.io~${found[1]}/${volume.name}`
  }

  /**
   * Makes all volumes of the pod, and resolves when they are there; rejects when the signal is aborted. `fail` is told each
   * reason why they cannot be made yet, in the kubelet's words.
   */
  async untilMounted(pod: Pod, signal: AbortSignal, fail: (message: string) => void): Promise<void> {
    const open = this.#open(pod)
    const made = new Set<Volume>()
    let told = ''
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(longestRetryMs, waitMs * 2)) {
      const fault = await this.#makeAll(pod, made, open)
      signal.throwIfAborted()
      if (fault === undefined) return
      if (fault !== told) fail(fault)
      told = fault
      await this.#options.clock.after(waitMs, signal)
    }
  }

  /** The pod was there already, with its volumes: its tokens are renewed, now for the first time. */
  takeOver(pod: Pod): void {
    const open = this.#open(pod)
    for (const volume of tokenVolumes(pod)) void this.#keepTokens(pod, volume, 0, open)
  }

  /** The pod has ended: what was made for it goes. */
  async remove(uid: string): Promise<void> {
    const open = this.#pods.get(uid)
    this.#pods.delete(uid)
    open?.end.abort()
    await open?.writing
    const folder = `${this.#options.folder}/${uid}`
    // What another has mounted there is not ours to empty.
    const mounts = (await this.#options.disk.read('/proc/mounts').catch(() => undefined)) ?? ''
    if (mounts.includes(` ${folder}/`)) this.#options.log('warn', 'volumes of a pod are still mounted', { folder })
    else await this.#options.disk.remove(folder)
  }

  /** Removes what is left of pods that are none of these, and have not come since. */
  async keepOnly(uids: ReadonlySet<string>): Promise<void> {
    for (const uid of await this.#options.disk.list(this.#options.folder))
      if (!uids.has(uid) && !this.#pods.has(uid)) await this.remove(uid)
  }

  /** Lets go of all: they stay as they are. */
  stop(): void {
    for (const { end } of this.#pods.values()) end.abort()
    this.#pods.clear()
  }

  #open({ metadata: { uid = '' } }: Pod): OpenPod {
    this.#pods.get(uid)?.end.abort()
    const open = new OpenPod()
    this.#pods.set(uid, open)
    return open
  }

  /** Makes those that are not made yet. Gives why one cannot be; nothing when all are there. */
  async #makeAll(pod: Pod, made: Set<Volume>, open: OpenPod): Promise<string | undefined> {
    for (const volume of pod.spec.volumes ?? []) {
      if (volume.hostPath || made.has(volume)) continue
      try {
        const renewAtMs = await this.#make(pod, volume, open)
        made.add(volume)
        if (renewAtMs !== undefined) void this.#keepTokens(pod, tokensAlone(volume), renewAtMs, open)
      } catch (error) {
        return setUpFailed(volume.name, (error as Error).message)
      }
    }
    return undefined
  }

  /** Makes a volume. Gives when tokens in it are to be renewed; nothing when there are none. */
  async #make(pod: Pod, volume: Volume, open: OpenPod): Promise<number | undefined> {
    const { client, random, hostAddress } = this.#options
    const folder = this.folderOf(pod, volume)
    if (folder === undefined) throw new Error('volumes of its kind cannot be made for a process of the host')
    const { namespace = '' } = pod.metadata
    const renewals: number[] = []
    const files = await filesOf(pod, volume, {
      configMap: (name) => client.get(ConfigMap, { namespace, name }).catch(ifMissing),
      secret: (name) => client.get(Secret, { namespace, name }).catch(ifMissing),
      async token(wish) {
        const got = await requestToken(client, pod, wish, random)
        renewals.push(got.renewAtMs)
        return got.token
      },
      hostAddress,
    })
    open.end.signal.throwIfAborted()
    const written = this.#write(pod.metadata.uid!, folder, files)
    open.writing = Promise.allSettled([open.writing, written])
    await written
    return renewals.length > 0 ? Math.min(...renewals) : undefined
  }

  async #write(uid: string, folder: string, files: readonly VolumeFile[]): Promise<void> {
    const { disk, folder: all } = this.#options
    // Nobody but root comes further, whatever the modes of files are.
    await disk.makeFolder(`${all}/${uid}`, 0o750)
    await disk.makeFolder(folder, 0o755)
    for (const { path, content, mode } of files) {
      await disk.makeFolder(dirname(`${folder}/${path}`), 0o755)
      await disk.writeBytes(`${folder}/${path}`, content, mode)
    }
  }

  /** Puts new tokens in place of those that are about to end, until the signal. */
  async #keepTokens(pod: Pod, volume: Volume, firstAtMs: number, open: OpenPod): Promise<void> {
    const { clock, log } = this.#options
    const { signal } = open.end
    for (let atMs = firstAtMs; ; ) {
      try {
        await clock.after(Math.max(0, atMs - clock.now()), signal)
        atMs = (await this.#make(pod, volume, open)) ?? atMs
      } catch (error) {
        if (signal.aborted) return
        const { namespace, name } = pod.metadata
        log('warn', 'a token could not be renewed', { pod: `${namespace}/${name}`, error: String(error) })
      }
      atMs = Math.max(atMs, clock.now() + tokenRetryMs)
    }
  }
}

/** A volume without everything that stays as it is. */
function tokensAlone(volume: Volume): Volume {
  const sources = (volume.projected?.sources ?? []).filter(({ serviceAccountToken }) => serviceAccountToken)
  return { ...volume, projected: { ...volume.projected, sources } } as Volume
}

const tokenVolumes = ({ spec }: Pod) =>
  (spec.volumes ?? []).map(tokensAlone).filter(({ projected }) => projected!.sources!.length > 0)

function ifMissing(error: unknown): undefined {
  if (!isNotFound(error)) throw error
  return undefined
}
