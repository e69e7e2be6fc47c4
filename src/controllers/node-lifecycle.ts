import { secondsTime } from '../base/seconds-time.ts'
import { Lease } from '../kinds/coordination/lease.ts'
import { Node, type NodeCondition } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import type { CacheChange } from '../reconciler/caches.ts'
import { again, event, eventOn, patch, type Steps, setStatus } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, nobody, type Wake, watch } from '../reconciler/controller.ts'
import { isConflict, isNotFound } from '../schema/status.ts'
import { type Grace, Heartbeats, readyOf, unknownConditions } from './node-lifecycle/health.ts'
import { evictionAt, taintsFor } from './node-lifecycle/taints.ts'
import { isEqual } from './shared/equal.ts'
import { podsByNode } from './shared/indexes.ts'
import { podCondition } from './shared/pods.ts'

const leaseNamespace = 'kube-node-lease'

export type NodeLifecycleOptions = Partial<Grace>

/**
 * Notices when a node falls silent (neither lease nor status), says so in its conditions, keeps pods away from nodes
 * in trouble with taints, and tells the pods on a node that is not ready that they are not either.
 */
export function nodeLifecycleController({
  silenceMs = 50_000,
  startupMs = 60_000,
}: NodeLifecycleOptions = {}): Controller {
  const heartbeats = new Heartbeats()
  const grace: Grace = { silenceMs, startupMs }
  const registered = new Map<string, Node>()
  return defineController<Node>({
    name: 'node-lifecycle-controller',
    serviceAccount: 'node-controller',
    eventSource: 'node-controller',
    reconciles: Node,
    reads: [Pod],
    writes: [Pod],
    watches: [watch(Lease, (change, { now }) => leaseChanged(change, heartbeats, now)), watch(Pod, newPodOnNode)],
    concurrency: 8,
    wakes: ({ object, old }) => {
      if (object === undefined) heartbeats.forget(old?.metadata.name ?? '')
      return true
    },

    *reconcile(node, context) {
      yield* register(registered, node.metadata.name!, node.metadata.uid)
      const { now } = context
      const limit = readyOf(node) === undefined ? grace.startupMs : grace.silenceMs
      const silentUntil = heartbeats.silentSince(node, now) + limit
      if (silentUntil < now) {
        const conditions = unknownConditions(node, now)
        if (!isEqual(conditions, node.status.conditions)) return yield* declareUnknown(node, conditions)
      } else yield again(silentUntil - now + 1)
      yield* taint(node, context)
      yield* label(node)
      if (readyOf(node) && readyOf(node)!.status !== 'True') yield* markPodsNotReady(node, context)
    },

    gone: ({ name }) => register(registered, name, undefined),
  })
}

/** Tells of nodes that come and go, as far as this controller has seen them: each time it starts, all of them come. */
function* register(registered: Map<string, Node>, name: string, uid: string | undefined): Steps {
  const before = registered.get(name)
  if (before?.metadata.uid === uid) return
  if (before !== undefined) {
    registered.delete(name)
    yield eventOn(Node, before, 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`)
  }
  if (uid === undefined) return
  const now = { metadata: { name, uid } } as Node
  registered.set(name, now)
  yield eventOn(Node, now, 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`)
}

/** A lease that is renewed is the usual case and wakes nobody: its node's next look comes at its time. */
function leaseChanged({ object }: CacheChange<Lease>, heartbeats: Heartbeats, now: number) {
  if (object?.metadata.namespace === leaseNamespace)
    heartbeats.renewed(object.metadata.name!, object.spec.renewTime, now)
  return []
}

function newPodOnNode({ object, old }: CacheChange<Pod>, { get }: Pick<Context, 'get'>): readonly Wake[] {
  const name = object?.spec.nodeName
  if (!name || old?.spec.nodeName === name) return nobody
  const node = get(Node, { name })
  const ready = node && readyOf(node)
  return ready && ready.status !== 'True' ? [{ name }] : nobody
}

function* declareUnknown(node: Node, conditions: readonly NodeCondition[]): Steps {
  yield setStatus(Node, node, { ...node.status, conditions })
  if (readyOf(node)?.status === 'True')
    yield event('NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`)
}

function* taint(node: Node, { now }: Context): Steps {
  const taints = taintsFor(node, now)
  if (!isEqual(taints, node.spec.taints ?? [])) {
    const { resourceVersion } = node.metadata
    // The list is replaced whole: nobody may have written in between.
    const body = { metadata: { resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } }
    yield patch(Node, node, { type: 'merge', body })
  }
  const at = evictionAt(node)
  if (at !== undefined && at > now) yield again(at - now)
}

/** Old clients look for the labels of before v1.14. */
function* label(node: Node): Steps {
  const { labels = {} } = node.metadata
  const missing: Record<string, string> = {}
  for (const name of ['os', 'arch']) {
    const value = labels[`kubernetes.io/${name}`]
    if (value !== undefined && labels[`beta.kubernetes.io/${name}`] !== value)
      missing[`beta.kubernetes.io/${name}`] = value
  }
  if (Object.keys(missing).length > 0)
    yield patch(Node, node, { type: 'merge', body: { metadata: { labels: missing } } })
}

/** Services must stop sending to pods of which nobody knows how they are. */
function* markPodsNotReady(node: Node, { by, now }: Context): Steps {
  for (const pod of by(podsByNode, node.metadata.name!)) {
    if (podCondition(pod, 'Ready')?.status !== 'True') continue
    const condition = { type: 'Ready', status: 'False', lastTransitionTime: secondsTime(now) }
    const body = { status: { conditions: [condition] } }
    try {
      yield patch(Pod, pod, { type: 'strategic', body }, 'status')
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) continue
      throw error
    }
    yield eventOn(Pod, pod, 'NodeNotReady', 'Node is not ready', 'Warning')
  }
}
