import { formatDuration } from '../base/duration.ts'
import { formatTime } from '../base/go-time.ts'
import { Quantity } from '../base/quantity.ts'
import type { Container } from '../kinds/core/containers.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { NodeMetrics } from '../kinds/metrics/node-metrics.ts'
import type { PodMetrics } from '../kinds/metrics/pod-metrics.ts'
import { type Caches, defineIndex } from '../reconciler/caches.ts'
import type { Clock } from '../world/world.ts'

/** What something used: processors on average over a span of time, memory at its end. */
export interface Usage {
  readonly cores: number
  readonly bytes: number
}

/** A span of time, in milliseconds since 1970. */
export interface Span {
  readonly from: number
  readonly until: number
}

/** What is measured: a kubelet says it of a real node, annotations of a simulated one. */
export interface Meter {
  /** Whether the node answers at all. */
  isUp(node: string): boolean
  /** What the node needs besides its pods. */
  ofNode(node: Node, span: Span): Usage
  /** Undefined: nobody can say. */
  ofContainer(pod: Pod, container: Container, startedAt: number, span: Span): Usage | undefined
}

/** As often as metrics-server looks, by the clock. */
const resolutionMs = 15_000
/** A container that began later than this before a look has not run long enough to say anything. */
const freshMs = 10_000

const byNode = defineIndex(Pod, 'metrics-node', ({ spec }) => (spec.nodeName ? [spec.nodeName] : []))

/**
 * What metrics-server does: looks at all nodes every 15 seconds, and tells what was used between the last two looks.
 * Nothing is kept: what there was to see at the last look follows from the pods as they are and the moment.
 */
export class ResourceMetrics {
  readonly #caches: Caches
  readonly #clock: Clock
  readonly #meter: Meter

  constructor(options: { readonly caches: Caches; readonly clock: Clock; readonly meter: Meter }) {
    this.#caches = options.caches
    this.#clock = options.clock
    this.#meter = options.meter
  }

  get #lastLook(): number {
    return Math.floor(this.#clock.now() / resolutionMs) * resolutionMs
  }

  node(name: string): NodeMetrics | undefined {
    const node = this.#caches.of(Node).get('', name)
    return node && this.#ofNode(node, this.#lastLook)
  }

  nodes(): readonly NodeMetrics[] {
    const at = this.#lastLook
    return [...this.#caches.of(Node).list()].sort(byName).flatMap((node) => this.#ofNode(node, at) ?? [])
  }

  pod(namespace: string, name: string): PodMetrics | undefined {
    const pod = this.#caches.of(Pod).get(namespace, name)
    return pod && this.#ofPod(pod, this.#lastLook)
  }

  /** Of a namespace, or (empty) of all. */
  pods(namespace: string): readonly PodMetrics[] {
    const at = this.#lastLook
    const pods = this.#caches.of(Pod).list(namespace === '' ? undefined : namespace)
    return [...pods].sort(byName).flatMap((pod) => this.#ofPod(pod, at) ?? [])
  }

  #ofNode(node: Node, at: number): NodeMetrics | undefined {
    const { name = '', labels, creationTimestamp = '' } = node.metadata
    if (!this.#meter.isUp(name) || Date.parse(creationTimestamp) + resolutionMs > at) return undefined
    const span = { from: at - resolutionMs, until: at }
    let used = this.#meter.ofNode(node, span)
    for (const pod of this.#caches.of(Pod).by(byNode, name))
      for (const { usage } of this.#ofContainers(pod, at) ?? []) used = sum(used, usage)
    return {
      kind: 'NodeMetrics',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: { name, creationTimestamp: formatTime(this.#clock.now()), ...(labels && { labels }) },
      timestamp: formatTime(at),
      window: formatDuration(resolutionMs),
      usage: quantities(used),
    }
  }

  #ofPod(pod: Pod, at: number): PodMetrics | undefined {
    const { name = '', namespace = '', labels } = pod.metadata
    const containers = this.#ofContainers(pod, at)
    if (containers === undefined) return undefined
    const windowMs = Math.min(...containers.map(({ span }) => span.until - span.from))
    return {
      kind: 'PodMetrics',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: { name, namespace, creationTimestamp: formatTime(this.#clock.now()), ...(labels && { labels }) },
      timestamp: formatTime(at),
      window: formatDuration(windowMs),
      containers: containers.map(({ name, usage }) => ({ name, usage: quantities(usage) })),
    }
  }

  /** Undefined where one of them has not been seen twice: the sum would be too small. */
  #ofContainers(pod: Pod, at: number): readonly Measured[] | undefined {
    if (pod.status.phase !== 'Running' || !this.#meter.isUp(pod.spec.nodeName ?? '')) return undefined
    const measured: Measured[] = []
    for (const container of longRunning(pod)) {
      const startedAt = startOf(pod, container.name)
      if (startedAt === undefined) continue
      if (at - startedAt < freshMs) return undefined
      const span = { from: Math.max(startedAt, at - resolutionMs), until: at }
      const usage = this.#meter.ofContainer(pod, container, startedAt, span)
      if (usage === undefined) return undefined
      measured.push({ name: container.name, usage, span })
    }
    return measured.length === 0 ? undefined : measured
  }
}

interface Measured {
  readonly name: string
  readonly usage: Usage
  readonly span: Span
}

/** Containers that run as long as the pod: sidecars too. */
function longRunning({ spec }: Pod): readonly Container[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...spec.containers, ...sidecars]
}

/** When the container that runs now began; undefined when it does not run. */
function startOf({ status }: Pod, name: string): number | undefined {
  const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]
  const startedAt = all.find((each) => each.name === name)?.state?.running?.startedAt
  return startedAt ? Date.parse(startedAt) : undefined
}

const sum = (left: Usage, right: Usage): Usage => ({ cores: left.cores + right.cores, bytes: left.bytes + right.bytes })

/** Billionths of a processor, and whole kibibytes. */
function quantities({ cores, bytes }: Usage): Readonly<Record<string, string>> {
  return {
    cpu: new Quantity(BigInt(Math.round(cores * 1e9)), -9, 'DecimalSI').toString(),
    memory: new Quantity(BigInt(Math.round(bytes / 1024)) * 1024n, 0, 'BinarySI').toString(),
  }
}

type Named = { readonly metadata: { readonly namespace?: string; readonly name?: string } }

const keyOf = ({ metadata }: Named) => `${metadata.namespace ?? ''}/${metadata.name}`
const byName = (left: Named, right: Named) => (keyOf(left) < keyOf(right) ? -1 : 1)
