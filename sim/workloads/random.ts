import type { Client } from '../../src/client/client.ts'
import { DaemonSet } from '../../src/kinds/apps/daemon-set.ts'
import { Deployment } from '../../src/kinds/apps/deployment.ts'
import { StatefulSet } from '../../src/kinds/apps/stateful-set.ts'
import { Job } from '../../src/kinds/batch/job.ts'
import { Namespace } from '../../src/kinds/core/namespace.ts'
import { Node } from '../../src/kinds/core/node.ts'
import { Pod } from '../../src/kinds/core/pod.ts'
import { ReplicationController } from '../../src/kinds/core/replication-controller.ts'
import { ResourceQuota } from '../../src/kinds/core/resource-quota.ts'
import { PodDisruptionBudget } from '../../src/kinds/policy/pod-disruption-budget.ts'
import type { SimulatedNodes } from '../../src/kubelet/simulated/nodes.ts'
import type { ApiObject, Kind } from '../../src/schema/kind.ts'
import { ApiError } from '../../src/schema/status.ts'
import { StoreClosedError } from '../../src/store/store.ts'
import type { Random } from '../../src/world/world.ts'
import { LostConnection } from '../faults/client.ts'

/** What a step may touch. */
export interface Scene {
  readonly client: Client
  readonly nodes: SimulatedNodes
  readonly random: Random
}

/** One thing that somebody does to the cluster; its name is for the log of a run. */
export interface Step {
  readonly name: string
  /** How often, beside the others. */
  readonly weight: number
  readonly run: (scene: Scene) => Promise<void>
}

/** Where a quota is too small for what is wanted. */
export const roomless = 'small'
/** Whose size stays the same: a budget watches over it. */
const guarded = 'guarded'
const namespaces = ['default', roomless]

/** What every run begins with. */
export async function prepare({ client }: Scene): Promise<void> {
  await client.create(Namespace, { metadata: { name: roomless } })
  const quota = { metadata: { name: 'quota', namespace: roomless }, spec: { hard: { pods: '4' } } }
  await client.create(ResourceQuota, quota)
  await client.create(Deployment, {
    metadata: { name: guarded, namespace: 'default' },
    spec: setOf(guarded, 5),
  } as never)
  await client.create(PodDisruptionBudget, {
    metadata: { name: guarded, namespace: 'default' },
    spec: { maxUnavailable: 2, selector: { matchLabels: { app: guarded } } },
  } as never)
}

const template = (app: string, image = 'v1', annotations: Readonly<Record<string, string>> = {}) => ({
  metadata: { labels: { app }, annotations },
  spec: { containers: [{ name: 'main', image }], terminationGracePeriodSeconds: 5 },
})

const setOf = (app: string, replicas: number) => ({
  replicas,
  selector: { matchLabels: { app } },
  template: template(app),
})

const pick = <T>(random: Random, items: readonly T[]): T | undefined => items[random.int(items.length)]

interface Made {
  readonly kind: Kind
  readonly spec: (app: string, random: Random) => object
  readonly scales: boolean
}

const kinds: readonly Made[] = [
  { kind: Deployment, spec: (app, random) => setOf(app, random.int(5)), scales: true },
  {
    kind: StatefulSet,
    spec: (app, random) => ({
      ...setOf(app, random.int(4)),
      serviceName: app,
      podManagementPolicy: random.next() < 0.7 ? 'OrderedReady' : 'Parallel',
    }),
    scales: true,
  },
  {
    kind: DaemonSet,
    spec: (app) => ({ selector: { matchLabels: { app } }, template: template(app) }),
    scales: false,
  },
  {
    kind: ReplicationController,
    spec: (app, random) => ({ replicas: random.int(4), selector: { app }, template: template(app) }),
    scales: true,
  },
  {
    kind: Job,
    spec: (app, random) => ({
      completions: 1 + random.int(4),
      parallelism: 1 + random.int(3),
      backoffLimit: 100,
      template: { ...template(app), spec: { ...template(app).spec, restartPolicy: 'Never' } },
    }),
    scales: false,
  },
]

/** Creates, changes and deletes. What is refused because of what others did meanwhile is no fault. */
export const steps: readonly Step[] = [
  {
    name: 'create',
    weight: 5,
    async run({ client, random }) {
      const made = pick(random, kinds)!
      const name = `${made.kind.singular.slice(0, 6)}-${random.int(4)}`
      const metadata = { name, namespace: pick(random, namespaces)! }
      await client.create(made.kind, { metadata, spec: made.spec(`${name}`, random) } as never)
    },
  },
  {
    name: 'scale',
    weight: 4,
    async run(scene) {
      const made = pick(
        scene.random,
        kinds.filter(({ scales }) => scales),
      )!
      const object = await anyOf(scene, made.kind)
      if (object) await patch(scene, made.kind, object, { spec: { replicas: scene.random.int(6) } })
    },
  },
  {
    name: 'new image',
    weight: 4,
    async run(scene) {
      const kind = pick<Kind>(scene.random, [Deployment, StatefulSet, DaemonSet])!
      const object = await anyOf(scene, kind, true)
      const image = `v${scene.random.int(4)}`
      const containers = [{ name: 'main', image }]
      if (object) await patch(scene, kind, object, { spec: { template: { spec: { containers } } } })
    },
  },
  {
    name: 'delete',
    weight: 2,
    async run(scene) {
      const { kind } = pick(scene.random, kinds)!
      const object = await anyOf(scene, kind)
      const propagationPolicy = pick(scene.random, ['Background', 'Foreground', 'Orphan'] as const)!
      if (object) await scene.client.delete(kind, refOf(object), { propagationPolicy })
    },
  },
  {
    name: 'delete a pod',
    weight: 3,
    async run(scene) {
      const pod = await anyOf(scene, Pod, true)
      if (pod) await scene.client.delete(Pod, refOf(pod))
    },
  },
  {
    name: 'evict',
    weight: 6,
    async run(scene) {
      const pods = await scene.client.list(Pod, { namespace: 'default', labelSelector: `app=${guarded}` })
      const pod = pick(scene.random, pods.items)
      if (!pod) return
      const { namespace, name } = refOf(pod)
      await scene.client.createSubresource(Pod, { namespace, name }, 'eviction', {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { namespace, name },
      })
    },
  },
  {
    name: 'crash a node',
    weight: 2,
    async run({ nodes, random }) {
      if (nodes.names.length > 1) nodes.crash(pick(random, nodes.names)!)
    },
  },
  {
    name: 'start a node',
    weight: 3,
    async run({ client, nodes }) {
      const down = (await client.list(Node)).items.find(({ metadata }) => !nodes.isUp(metadata.name!))
      if (down) await start(nodes, down)
    },
  },
  {
    name: 'cordon or uncordon',
    weight: 2,
    async run(scene) {
      const node = await anyOf(scene, Node)
      if (node) await patch(scene, Node, node, { spec: { unschedulable: scene.random.next() < 0.4 } })
    },
  },
]

/** One that crashed is known; of one that crashed before the control plane started anew, only the API knows. */
async function start(nodes: SimulatedNodes, node: Node): Promise<void> {
  const spec = nodes.specOf(node)
  await (spec ? nodes.add([spec]) : nodes.restart(node.metadata.name!))
}

/** Puts right what steps have broken, so that everything can come to its end. */
export async function heal({ client, nodes }: Scene): Promise<void> {
  for (const node of (await client.list(Node)).items) {
    if (!nodes.isUp(node.metadata.name!)) await start(nodes, node)
    await client.patch(Node, refOf(node), { type: 'merge', body: { spec: { unschedulable: null } } })
  }
}

/** Takes one step at random; says which. */
export async function takeStep(scene: Scene): Promise<string> {
  const ways = steps.flatMap((step) => Array<Step>(step.weight).fill(step))
  const step = pick(scene.random, ways)!
  try {
    await step.run(scene)
    return step.name
  } catch (error) {
    // The control plane may start anew in the middle of a step.
    if (![ApiError, LostConnection, StoreClosedError].some((kind) => error instanceof kind)) throw error
    const { message } = error as Error
    return `${step.name} (${message})`
  }
}

/** One of a kind, but nothing that a budget watches over unless asked for. */
async function anyOf<T extends ApiObject>(
  { client, random }: Scene,
  kind: Kind<T>,
  all = false,
): Promise<T | undefined> {
  const { items } = await client.list(kind)
  return pick(
    random,
    items.filter(({ metadata }) => all || metadata.name !== guarded),
  )
}

const refOf = ({ metadata }: ApiObject) => ({ namespace: metadata.namespace ?? '', name: metadata.name! })

const patch = ({ client }: Scene, kind: Kind, object: ApiObject, body: object) =>
  client.patch(kind, refOf(object), { type: 'strategic', body })
