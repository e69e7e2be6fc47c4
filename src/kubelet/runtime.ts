import type { Container } from '../kinds/core/containers.ts'
import type { Pod } from '../kinds/core/pod.ts'

/**
 * What runs containers on a node. The kubelet decides what should run (`pod-worker.ts`); a runtime does it and says
 * what became of it. `simulated/` keeps containers as timers; `conformance.ts` is the suite that every runtime passes.
 *
 * A sandbox holds the containers of one pod and its address. Containers are named by pod UID, name and attempt: a
 * restarted container is a new one with the next attempt. Calls for one pod come one at a time; pods are independent.
 */
export interface Runtime extends AsyncDisposable {
  /** As in `node.status.nodeInfo.containerRuntimeVersion`: `containerd://1.7.0`. */
  readonly version: string

  /** Makes the sandbox with network and volumes ready. Rejects when it cannot be had; it is tried again then. */
  startSandbox(pod: Pod, signal: AbortSignal): Promise<Sandbox>

  /**
   * Pulls the image if need be and starts the container. Rejects with `ContainerError` when the image or the container
   * is at fault. `onExit` is called once when the container ends, however it ends.
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

  /** Asks the containers of a pod to end, kills what is left after `graceSeconds`, and takes the sandbox away. */
  stopPod(pod: Pod, graceSeconds: number): Promise<void>

  /** Output of a container so far, and from then on when `follow` is set. Rejects with `UnsupportedError` where there is none. */
  logs(
    pod: Pod,
    container: string,
    options: { readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array>
}

export interface Sandbox {
  /** The pod's addresses, the first one first. */
  readonly addresses: readonly string[]
}

export interface Running {
  readonly containerId: string
  readonly imageId: string
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
