import { secondsTime } from '../base/seconds-time.ts'
import type { Client } from '../client/client.ts'
import { Lease } from '../kinds/coordination/lease.ts'
import { Node } from '../kinds/core/node.ts'
import { isExtendedResource } from '../kinds/core/resource-names.ts'
import { isAlreadyExists, isNotFound } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import type { Clock } from '../world/world.ts'

/** What a node says of itself. */
export interface NodeDescription {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** The one that stands for the node, and where there is another family one of that. */
  readonly addresses: readonly string[]
  readonly capacity: Readonly<Record<string, string>>
  readonly podCIDRs: readonly string[]
  readonly runtimeVersion: string
  readonly kubeletVersion: string
  readonly osImage: string
  readonly machineId: string
  /** Of the machine's firmware, and of its last start; default: `machineId`. */
  readonly systemId?: string
  readonly bootId?: string
  readonly kernelVersion?: string
  readonly taints?: readonly {
    readonly key: string
    readonly value?: string
    readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
  }[]
}

const leaseNamespace = 'kube-node-lease'
/** The reference renews its lease every 10 s and lets it hold for 40. */
export const renewMs = 10_000
const leaseSeconds = 40
/** How often the conditions say that they still hold though nothing has changed. */
export const statusMs = 300_000

/**
 * Makes the Node object, or brings the one that is there up to date; what it was given by others (its pod range, taints)
 * stays. Gives the Node. `mayTake` is asked about one that is there, and throws when it is somebody else's.
 */
export async function registerNode(
  client: Client,
  clock: Clock,
  description: NodeDescription,
  mayTake?: (present: Node) => Promise<void>,
): Promise<Node> {
  const { name, labels, podCIDRs, taints } = description
  const ranges = { podCIDR: podCIDRs[0], podCIDRs }
  const wanted: Draft<Node> = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: { ...ranges, ...(taints && { taints }) },
    status: nodeStatus(description, clock),
  }
  let node: Node
  try {
    node = await client.create<Node>(Node, wanted)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const present = await client.get(Node, { name })
    await mayTake?.(present)
    const spec = present.spec?.podCIDR ? {} : { spec: ranges }
    await client.patch(Node, { name }, { type: 'strategic', body: { metadata: { labels }, ...spec } })
    node = await reportNode(client, clock, description, present)
  }
  await renewLease(client, clock, node)
  return node
}

/** Writes the status anew; a condition that still holds keeps the time since when it does. */
export async function reportNode(
  client: Client,
  clock: Clock,
  description: NodeDescription,
  before: Node,
): Promise<Node> {
  const status = nodeStatus(description, clock, before)
  // By the type, which is their key, two addresses of one type cannot be told apart: the list takes the place of the old one.
  const addresses = [...status.addresses!, { $patch: 'replace' }]
  return client.patch(
    Node,
    { name: description.name },
    { type: 'strategic', body: { status: { ...status, addresses } } },
    { subresource: 'status' },
  )
}

/**
 * Resources that somebody has written into the Node's capacity (or has taken out of it), as the kubelet gives them on to
 * pods: name → amount, null for one that is no longer there.
 */
function advertisedChanges(node: Node | undefined): Readonly<Record<string, string | null>> {
  const { capacity = {}, allocatable = {} } = node?.status ?? {}
  const changes: Record<string, string | null> = {}
  for (const name in { ...allocatable, ...capacity })
    if (allocatable[name] !== capacity[name] && isExtendedResource(name)) changes[name] = capacity[name] ?? null
  return changes
}

/** Whether the Node's capacity has been changed by somebody, so that it must be told what is there for pods. */
export const isAdvertisedAnew = (node: Node): boolean => Object.keys(advertisedChanges(node)).length > 0

/** The heartbeat: says that the node is alive. */
export async function renewLease(client: Client, clock: Clock, node: Node): Promise<void> {
  const name = node.metadata.name!
  const renewTime = microTime(clock.now())
  try {
    await client.patch(Lease, { namespace: leaseNamespace, name }, { type: 'merge', body: { spec: { renewTime } } })
  } catch (error) {
    if (!isNotFound(error)) throw error
    await client.create(Lease, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        namespace: leaseNamespace,
        name,
        // The lease goes when its node does.
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid! }],
      },
      spec: { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime },
    })
  }
}

type NodeStatus = NonNullable<Draft<Node>['status']>

function nodeStatus(description: NodeDescription, clock: Clock, before?: Node): NodeStatus {
  const now = secondsTime(clock.now())
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string) => {
    const old = before?.status?.conditions?.find((present) => present.type === type)
    return {
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: now,
      lastTransitionTime: (old?.status === status && old.lastTransitionTime) || now,
    }
  }
  return {
    capacity: description.capacity,
    allocatable: { ...advertisedChanges(before), ...description.capacity } as NonNullable<NodeStatus['allocatable']>,
    conditions: [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
    ] as unknown as NonNullable<NodeStatus['conditions']>,
    addresses: [
      ...description.addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: description.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      machineID: description.machineId,
      systemUUID: description.systemId ?? description.machineId,
      bootID: description.bootId ?? description.machineId,
      kernelVersion: description.kernelVersion ?? '6.1.0',
      osImage: description.osImage,
      containerRuntimeVersion: description.runtimeVersion,
      kubeletVersion: description.kubeletVersion,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  }
}

const microTime = (ms: number) => `${new Date(ms).toISOString().slice(0, -1)}000Z`
