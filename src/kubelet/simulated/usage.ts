import { parseQuantity } from '../../base/quantity.ts'
import { DaemonSet } from '../../kinds/apps/daemon-set.ts'
import { Deployment } from '../../kinds/apps/deployment.ts'
import { ReplicaSet } from '../../kinds/apps/replica-set.ts'
import { StatefulSet } from '../../kinds/apps/stateful-set.ts'
import type { Container } from '../../kinds/core/containers.ts'
import type { Node } from '../../kinds/core/node.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { ReplicationController } from '../../kinds/core/replication-controller.ts'
import { type Caches, controllerIndex } from '../../reconciler/caches.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { Log } from '../../world/world.ts'
import { type Curve, CurveError, meanOf, parseCurve } from './curve.ts'

const prefix = 'simulation.coracle.dev/'

/** The kinds whose annotations may give their pods a load to share. */
const owners: readonly Kind[] = [Deployment, ReplicaSet, StatefulSet, DaemonSet, ReplicationController]

/** What containers use that say nothing: these parts of their requests, or that much where they request nothing. */
const idle = { cpu: { text: '10%', otherwise: 0.001 }, memory: { text: '50%', otherwise: 16 * 1024 ** 2 } } as const

/** What a node uses besides its pods. */
const nodeIdle = { cpu: '50m', memory: '512Mi' } as const

type Resource = 'cpu' | 'memory'

interface Span {
  readonly from: number
  readonly until: number
}

/** Curves are read anew only for other texts. */
const rememberedAtMost = 1024

/**
 * What simulated containers use, as annotations of their pod (`cpu-usage`, `memory-usage`) or of what controls it
 * (`cpu-load`, `memory-load`: shared by the pods that are ready) say; see docs/simulation.md.
 */
export class SimulatedUsage {
  readonly #caches: Caches
  readonly #log: Log
  readonly #isUp: (node: string) => boolean
  readonly #curves = new Map<string, Curve | undefined>()

  /** `isUp`: whether a node answers. */
  constructor(options: { readonly caches: Caches; readonly log: Log; readonly isUp: (node: string) => boolean }) {
    this.#caches = options.caches
    this.#log = options.log
    this.#isUp = options.isUp
  }

  isUp(node: string): boolean {
    return this.#isUp(node)
  }

  ofNode({ metadata }: Node, span: Span): { readonly cores: number; readonly bytes: number } {
    const startedAt = Date.parse(metadata.creationTimestamp ?? '')
    const used = (resource: Resource) => {
      const text = metadata.annotations?.[`${prefix}${resource}-usage`] ?? nodeIdle[resource]
      const curve = this.#curve(text, 0) ?? this.#curve(nodeIdle[resource], 0)!
      return resource === 'cpu' ? meanOf(curve, startedAt, span) : curve.at(span.until - startedAt, span.until)
    }
    return { cores: used('cpu'), bytes: used('memory') }
  }

  /** Undefined where an annotation cannot be read. */
  ofContainer(
    pod: Pod,
    container: Container,
    startedAt: number,
    span: Span,
  ): { readonly cores: number; readonly bytes: number } | undefined {
    const cores = this.#used('cpu', pod, container, startedAt, span)
    const bytes = this.#used('memory', pod, container, startedAt, span)
    return cores === undefined || bytes === undefined ? undefined : { cores, bytes }
  }

  #used(resource: Resource, pod: Pod, container: Container, startedAt: number, span: Span): number | undefined {
    const requested = amountOf(container.resources?.requests?.[resource])
    const limit = amountOf(container.resources?.limits?.[resource]) || Number.POSITIVE_INFINITY
    const wanted =
      this.#ofLoad(resource, pod, container, requested, span) ??
      this.#ofText(resource, this.#said(resource, pod, container, requested), requested, startedAt, span)
    return wanted === undefined ? undefined : Math.min(wanted, limit)
  }

  #said(resource: Resource, { metadata }: Pod, { name }: Container, requested: number): string {
    const { annotations } = metadata
    const said = annotations?.[`${prefix}${resource}-usage.${name}`] ?? annotations?.[`${prefix}${resource}-usage`]
    if (said !== undefined) return said
    return requested > 0 ? idle[resource].text : String(idle[resource].otherwise)
  }

  #ofText(resource: Resource, text: string, requested: number, startedAt: number, span: Span): number | undefined {
    const curve = this.#curve(text, requested)
    if (curve === undefined) return undefined
    return resource === 'cpu' ? meanOf(curve, startedAt, span) : curve.at(span.until - startedAt, span.until)
  }

  /** This pod's part of what all pods of its owner have to carry; undefined when there is nothing to carry. */
  #ofLoad(resource: Resource, pod: Pod, container: Container, requested: number, span: Span): number | undefined {
    if (!isReady(pod)) return undefined
    const loaded = this.#loadOf(resource, pod, container)
    if (loaded === undefined) return undefined
    const { owner, text } = loaded
    const total = this.#ofText(resource, text, requested, Date.parse(owner.metadata.creationTimestamp ?? ''), span)
    return total === undefined ? undefined : total / Math.max(1, this.#readyPods(owner))
  }

  /** Said of one container, or meant for the first. */
  #loadOf(
    resource: Resource,
    pod: Pod,
    { name }: Container,
  ): { readonly owner: ApiObject; readonly text: string } | undefined {
    for (let owner = this.#ownerOf(pod); owner !== undefined; owner = this.#ownerOf(owner)) {
      const { annotations } = owner.metadata
      const own = annotations?.[`${prefix}${resource}-load.${name}`]
      const first = pod.spec.containers[0]?.name === name ? annotations?.[`${prefix}${resource}-load`] : undefined
      const text = own ?? first
      if (text !== undefined) return { owner, text }
    }
    return undefined
  }

  #ownerOf({ metadata }: ApiObject): ApiObject | undefined {
    const reference = metadata.ownerReferences?.find(({ controller }) => controller === true)
    const kind = owners.find((each) => each.kind === reference?.kind)
    const owner = kind && this.#caches.of(kind).get(metadata.namespace ?? '', reference!.name)
    return owner?.metadata.uid === reference?.uid ? owner : undefined
  }

  #readyPods({ metadata: { uid = '' } }: ApiObject): number {
    let count = 0
    for (const pod of this.#caches.of(Pod).by(controllerIndex(Pod), uid)) if (isReady(pod)) count++
    for (const set of this.#caches.of(ReplicaSet).by(controllerIndex(ReplicaSet), uid)) count += this.#readyPods(set)
    return count
  }

  #curve(text: string, whole: number): Curve | undefined {
    const key = `${whole} ${text}`
    if (this.#curves.has(key)) return this.#curves.get(key)
    let curve: Curve | undefined
    try {
      curve = parseCurve(text, whole)
    } catch (error) {
      if (!(error instanceof CurveError)) throw error
      this.#log('warn', 'a simulated usage cannot be read', { text, error: error.message })
    }
    if (this.#curves.size >= rememberedAtMost) this.#curves.clear()
    this.#curves.set(key, curve)
    return curve
  }
}

const amountOf = (quantity: string | undefined): number =>
  quantity === undefined ? 0 : parseQuantity(quantity).toNumber()

/** Takes requests: one that is going takes none. */
const isReady = ({ status, metadata }: Pod): boolean =>
  metadata.deletionTimestamp === undefined &&
  (status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false)
