import type { Client, WatchEvent } from '../../client/client.ts'
import { Deployment } from '../../kinds/apps/deployment.ts'
import { ReplicaSet } from '../../kinds/apps/replica-set.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { toLabelSelector } from '../../schema/selectors.ts'
import { ApiError, isConflict, isNotFound } from '../../schema/status.ts'
import type { Deadline } from './evict.ts'
import type { DrainTools } from './options.ts'
import { controllerOf, hasEnded, listAll } from './selection.ts'

/** On a Deployment that has one replica more for the time of a drain: how many it had. */
const surgeAnnotation = 'drain.coracle.dev/replicas-before-surge'
/** Of a pod: the lower, the sooner a ReplicaSet takes it away when it has one too many. */
const deletionCost = { 'controller.kubernetes.io/pod-deletion-cost': '-2147483647' }

/**
 * Lets single replicas of Deployments go without a gap: one more is wanted, it gets ready on a node that stays, the first
 * one goes, and one is wanted again. What was wanted before is noted on the Deployment, so that a drain that was
 * interrupted can be run again, and nobody is left with one too many.
 */
export class Surge {
  readonly #leaving: ReadonlySet<string>
  readonly #tools: DrainTools

  /** `leaving`: nodes on which the second pod is of no use. */
  constructor(leaving: ReadonlySet<string>, tools: DrainTools) {
    this.#leaving = leaving
    this.#tools = tools
  }

  /** Resolves when the pod may go: at once for others than single replicas. Gives the message of what went wrong. */
  async prepare(pod: Pod, deadline: Deadline): Promise<string | undefined> {
    const deployment = hasEnded(pod) ? undefined : await deploymentOf(this.#tools.client, pod)
    if (!deployment || !isSingle(deployment)) return undefined
    const { name = '', namespace = '' } = deployment.metadata
    await change(this.#tools.client, namespace, name, (now) =>
      replicasBefore(now) === undefined ? { replicas: (now.spec.replicas ?? 1) + 1, before: '1' } : undefined,
    )
    this.#tools.print(`deployment.apps/${name} surged`)
    const isReady = await deadline.limit(this.#readyElsewhere(deployment), this.#tools.signal)
    if (!isReady) {
      await this.#bringBack(namespace, name)
      return `error when surging deployments/"${name}" -n "${namespace}": no other pod is ready: ${deadline.message}`
    }
    const ref = { name: pod.metadata.name!, namespace }
    const body = { metadata: { annotations: deletionCost } }
    await this.#tools.client.patch(Pod, ref, { type: 'merge', body }).catch(ignoreMissing)
    return undefined
  }

  /** The pod goes, or cannot: either way its Deployment needs no second one any more. */
  async finish(pod: Pod): Promise<void> {
    const deployment = await deploymentOf(this.#tools.client, pod)
    if (deployment && replicasBefore(deployment) !== undefined)
      await this.#bringBack(pod.metadata.namespace!, deployment.metadata.name!)
  }

  async #bringBack(namespace: string, name: string): Promise<void> {
    await bringBack(namespace, name, this.#tools)
  }

  /** Resolves when a pod of the Deployment is ready on a node that stays. */
  async #readyElsewhere({ metadata, spec }: Deployment): Promise<true> {
    const { client, clock, signal } = this.#tools
    const ended = new AbortController()
    const both = AbortSignal.any([signal, ended.signal])
    const selector = { namespace: metadata.namespace!, labelSelector: toLabelSelector(spec.selector).toString() }
    try {
      for (;;) {
        const { items, resourceVersion } = await listAll(client, Pod, selector)
        if (items.some((pod) => this.#serves(pod))) return true
        if (await this.#seesReady(client.watch(Pod, { ...selector, resourceVersion, signal: both }))) return true
        await clock.after(1_000, both)
      }
    } finally {
      ended.abort()
    }
  }

  /** False when the watch ends before, in whatever way: then it is looked at anew. */
  async #seesReady(changes: AsyncIterable<WatchEvent<Pod>>): Promise<boolean> {
    try {
      for await (const event of changes)
        if ((event.type === 'ADDED' || event.type === 'MODIFIED') && this.#serves(event.object)) return true
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
    }
    return false
  }

  #serves({ metadata, spec, status }: Pod): boolean {
    if (metadata.deletionTimestamp !== undefined || this.#leaving.has(spec.nodeName ?? '')) return false
    return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  }
}

/** Gives Deployments that an interrupted drain left with a second pod what they had, when that one's node stays. */
export async function bringBackSurges(leaving: ReadonlySet<string>, tools: DrainTools): Promise<void> {
  const { items } = await listAll(tools.client, Deployment, {})
  for (const deployment of items) {
    if (replicasBefore(deployment) === undefined) continue
    const { namespace = '' } = deployment.metadata
    const labelSelector = toLabelSelector(deployment.spec.selector).toString()
    const pods = (await listAll(tools.client, Pod, { namespace, labelSelector })).items
    if (!pods.some(({ spec }) => leaving.has(spec.nodeName ?? '')))
      await bringBack(namespace, deployment.metadata.name!, tools)
  }
}

/** Whether the Deployment means to have one pod; also in the middle of a surge. */
export const isSingle = (deployment: Deployment): boolean =>
  replicasBefore(deployment) === 1 || (deployment.spec.replicas ?? 1) === 1

/** The Deployment above a pod's ReplicaSet. */
export async function deploymentOf(client: Client, pod: Pod): Promise<Deployment | undefined> {
  const { namespace = '' } = pod.metadata
  const replicaSet = controllerOf(pod)
  if (replicaSet?.kind !== 'ReplicaSet') return undefined
  try {
    const owner = controllerOf(await client.get(ReplicaSet, { namespace, name: replicaSet.name }))
    if (owner?.kind !== 'Deployment') return undefined
    return await client.get(Deployment, { namespace, name: owner.name })
  } catch (error) {
    return ignoreMissing(error)
  }
}

function replicasBefore({ metadata }: Deployment): number | undefined {
  const text = metadata.annotations?.[surgeAnnotation]
  return text === undefined ? undefined : Number(text)
}

/** Who scaled it to something else meanwhile has the last word. */
async function bringBack(namespace: string, name: string, { client, print }: DrainTools): Promise<void> {
  let isOurs = false
  await change(client, namespace, name, (deployment) => {
    const before = replicasBefore(deployment)
    if (before === undefined) return undefined
    isOurs = deployment.spec.replicas === before + 1
    return { replicas: isOurs ? before : deployment.spec.replicas!, before: null }
  })
  if (isOurs) print(`deployment.apps/${name} scaled back`)
}

interface Change {
  readonly replicas: number
  /** Of the annotation; null takes it away. */
  readonly before: string | null
}

/** Changes a Deployment unless there is nothing to change, again if somebody was faster. */
async function change(
  client: Client,
  namespace: string,
  name: string,
  wanted: (now: Deployment) => Change | undefined,
): Promise<void> {
  for (;;) {
    const now = await client.get(Deployment, { namespace, name })
    const change = wanted(now)
    if (!change) return
    const annotations = { [surgeAnnotation]: change.before }
    const { resourceVersion } = now.metadata
    const body = { metadata: { annotations, resourceVersion }, spec: { replicas: change.replicas } }
    try {
      await client.patch(Deployment, { name, namespace }, { type: 'merge', body })
      return
    } catch (error) {
      if (!isConflict(error)) throw error
    }
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!isNotFound(error)) throw error
}
