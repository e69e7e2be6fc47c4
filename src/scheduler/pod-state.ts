import type { Amounts } from '../kinds/core/amounts.ts'
import type { Container } from '../kinds/core/containers.ts'
import { grantedSpec, isResizeInfeasible } from '../kinds/core/granted.ts'
import type { Pod } from '../kinds/core/pod.ts'
import { podResources } from '../kinds/core/pod-amounts.ts'
import { needsOf, type PodNeeds } from '../kinds/core/pod-needs.ts'
import type { PodSpec } from '../kinds/core/pod-spec.ts'
import { noTerms, type PodTerms, termsOf } from './terms.ts'

/** What the scheduler wants to know of a pod. */
export class PodState implements Wishes {
  readonly pod: Pod
  readonly uid: string
  readonly #wishes: Wishes

  constructor(pod: Pod) {
    this.pod = pod
    this.uid = pod.metadata.uid!
    this.#wishes = wishesOf(pod)
  }

  get namespace(): Wishes['namespace'] {
    return this.#wishes.namespace
  }
  get priority(): Wishes['priority'] {
    return this.#wishes.priority
  }
  get requests(): Wishes['requests'] {
    return this.#wishes.requests
  }
  get weighed(): Wishes['weighed'] {
    return this.#wishes.weighed
  }
  get hostPorts(): Wishes['hostPorts'] {
    return this.#wishes.hostPorts
  }
  get terms(): Wishes['terms'] {
    return this.#wishes.terms
  }
  /** Pods of the same shape fit the same nodes, and equally well, as far as only the node matters. */
  get shape(): string {
    // Of a pod that has its place nobody asks.
    this.#wishes.shape ??= shapeOf(this.pod, this.#wishes)
    return this.#wishes.shape
  }
  get hasSharedVolumes(): Wishes['hasSharedVolumes'] {
    return this.#wishes.hasSharedVolumes
  }
}

/** What follows from a pod's spec; computed once for all versions of a pod that share it. */
interface Wishes extends PodNeeds {
  /** The terms below depend on it. */
  readonly namespace: string
  readonly priority: number
  /** The requests, with a small amount for containers that request nothing, so that their pods spread too. */
  readonly weighed: { readonly cpu: number; readonly memory: number }
  /** Near which pods it is to be, and near which not. */
  readonly terms: PodTerms
  /** See `PodState`; absent: nobody has asked yet. */
  shape?: string
  /** Uses volumes that are not of the pod alone. */
  readonly hasSharedVolumes: boolean
}

/** What a container that requests nothing is taken to need, for scores alone. */
const assumed = { cpu: '100m', memory: '200Mi' }

const wishes = new WeakMap<PodSpec, Wishes>()
/** While a place is found for a pod, one plugin after the other asks about it. */
let latest: PodState | undefined

export function podState(pod: Pod): PodState {
  if (latest?.pod !== pod) latest = new PodState(pod)
  return latest
}

function wishesOf(pod: Pod): Wishes {
  const { metadata } = pod
  // What its node will never give it, it does not take.
  const spec = isResizeInfeasible(pod) ? grantedSpec(pod) : pod.spec
  const known = wishes.get(spec)
  if (known?.namespace === (metadata.namespace ?? '')) return known
  const { requests, hostPorts } = needsOf(spec)
  const weighed = weigh(spec, requests)
  const found: Wishes = {
    namespace: metadata.namespace ?? '',
    priority: spec.priority ?? 0,
    requests,
    weighed,
    hostPorts,
    terms: spec.affinity ? termsOf(pod) : noTerms,
    hasSharedVolumes: spec.volumes?.some(isShared) ?? false,
  }
  wishes.set(spec, found)
  return found
}

function shapeOf({ spec }: Pod, { requests: { cpu, memory, others }, weighed, hostPorts }: Wishes): string {
  const { nodeName, nodeSelector, affinity, tolerations, priority, schedulerName } = spec
  return JSON.stringify([
    [cpu, memory, weighed.cpu, weighed.memory, ...others],
    [nodeName, priority, schedulerName, hostPorts],
    [nodeSelector, affinity?.nodeAffinity, tolerations],
  ])
}

type Volume = NonNullable<PodSpec['volumes']>[number]

const isShared = (volume: Volume): boolean =>
  volume.persistentVolumeClaim !== undefined ||
  volume.ephemeral !== undefined ||
  volume.gcePersistentDisk !== undefined ||
  volume.awsElasticBlockStore !== undefined ||
  volume.iscsi !== undefined ||
  volume.rbd !== undefined

/** The requests, with an assumed amount for each container that requests nothing of its own. */
function weigh(spec: PodSpec, requests: Amounts): PodState['weighed'] {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  if (containers.every(({ resources }) => resources?.requests?.cpu && resources.requests.memory)) return requests
  const assume = <C extends Pick<Container, 'resources'>>(container: C): C => ({
    ...container,
    resources: { ...container.resources, requests: { ...assumed, ...container.resources?.requests } },
  })
  const weighed = podResources(
    {
      ...spec,
      containers: spec.containers.map(assume),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(assume) }),
    },
    'requests',
  )
  return { cpu: weighed.get('cpu')?.milliValue() ?? 0, memory: weighed.get('memory')?.value() ?? 0 }
}

/** Who matters more is not made to go first: by priority, then by who has run longer. */
export function moreImportant(a: PodState, b: PodState): number {
  return b.priority - a.priority || startOf(a.pod) - startOf(b.pod)
}

/** When the pod was started on its node, in milliseconds; one that has not been counts as the youngest. */
export function startOf({ status }: Pod): number {
  return status?.startTime ? Date.parse(status.startTime) : Number.MAX_SAFE_INTEGER
}
