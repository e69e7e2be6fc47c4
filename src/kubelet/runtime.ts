import type { Container } from '../kinds/core/containers.ts'
import type { Pod } from '../kinds/core/pod.ts'

/**
 * What runs containers on a node. The kubelet decides what should run (`pod-worker.ts`); a runtime does it and says
 * what became of it. `simulated/` keeps containers as timers; `conformance.ts` is the suite that every runtime passes.
 *
 * A sandbox holds the containers of one pod and its address. Containers are named by pod UID, name and attempt: a
 * restarted container is a new one with the next attempt. Pods are independent of one another.
 */
export interface Runtime extends AsyncDisposable {
  /** As in `node.status.nodeInfo.containerRuntimeVersion`: `containerd://1.7.0`. */
  readonly version: string

  /** Makes the sandbox with network and volumes ready. Rejects when it cannot be had; it is tried again then. */
  startSandbox(pod: Pod, signal: AbortSignal): Promise<Sandbox>

  /**
   * What is left of a pod from before the kubelet was restarted; nothing when its sandbox is not there any more.
   * `onExit` is called as in `startContainer`, for each container that still runs.
   */
  takeOver(pod: Pod, onExit: (container: string, exit: Exit) => void): Promise<Remains | undefined>

  /**
   * Pulls the image if need be and starts the container. Rejects with `ContainerError` when the image or the container
   * is at fault, and with the signal's reason when it is aborted first. `onExit` is called once when the container
   * ends, however it ends, and never before the promise has resolved.
   */
  startContainer(
    pod: Pod,
    container: Container,
    attempt: number,
    onExit: (exit: Exit) => void,
    signal: AbortSignal,
  ): Promise<Running>

  /** Resolves once the container answers its readiness (or startup) conditions; rejects when the signal is aborted. */
  untilReady(pod: Pod, container: Container, signal: AbortSignal): Promise<void>

  /**
   * Whether a running container is ready, now and each time that changes, until it ends or the signal aborts. Absent: who is
   * ready once stays so.
   */
  readiness?(pod: Pod, container: Container, signal: AbortSignal): AsyncIterable<boolean>

  /** Whether `readiness` has something to say of this container; of every one where this is absent. */
  isProbed?(container: Container): boolean

  /**
   * Asks one container to end, and kills it after `graceSeconds`: the pod stays. `onExit` has been called when it resolves.
   * One that does not run is no error.
   */
  stopContainer(pod: Pod, container: Container, graceSeconds: number): Promise<void>

  /**
   * Asks the containers of a pod to end, kills what is left after `graceSeconds`, and takes the sandbox away. `onExit`
   * of each container has been called when it resolves. A second call while the first is under way can only shorten
   * the time; a pod that is not there is no error.
   */
  stopPod(pod: Pod, graceSeconds: number): Promise<void>

  /** Output of a container so far, and from then on when `follow` is set. Rejects with `UnsupportedError` where there is none. */
  logs(
    pod: Pod,
    container: string,
    options: { readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array>
}

export interface Sandbox {
  /** The pod's addresses, the first one first; none when it uses its node's. */
  readonly addresses: readonly string[]
}

/** A sandbox that was there already. */
export interface Remains extends Sandbox {
  /** Names of the containers that run. */
  readonly running: ReadonlySet<string>
}

export interface Running {
  readonly containerId: string
  readonly imageId: string
  /** Whether it is ready already: nothing has to be asked. Otherwise `untilReady` says when. */
  readonly isReady: boolean
}

export interface Exit {
  readonly code: number
  /** `Completed`, `Error`, `OOMKilled`. */
  readonly reason: string
}

/** A container that cannot start for a reason of its own. */
export class ContainerError extends Error {
  /** As in the container's waiting state: `ErrImagePull`, `CreateContainerError`. */
  readonly reason: string
  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

/** The runtime cannot do this at all. */
export class UnsupportedError extends Error {}
