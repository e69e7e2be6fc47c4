import type { Client } from '../client/client.ts'
import { Lease } from '../kinds/coordination/lease.ts'
import { Node } from '../kinds/core/node.ts'
import { isAlreadyExists, isNotFound } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import type { Clock } from '../world/world.ts'

/** What a node says of itself. */
export interface NodeDescription {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly address: string
  readonly capacity: Readonly<Record<string, string>>
  readonly podCIDR: string
  readonly runtimeVersion: string
  readonly kubeletVersion: string
  readonly osImage: string
  readonly machineId: string
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

/** Makes the Node object, or brings the one that is there up to date. */
export async function registerNode(client: Client, clock: Clock, description: NodeDescription): Promise<void> {
  const wanted: Draft<Node> = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: description.name, labels: description.labels },
    spec: {
      podCIDR: description.podCIDR,
      podCIDRs: [description.podCIDR],
      ...(description.taints && { taints: description.taints }),
    },
    status: nodeStatus(description, clock),
  }
  try {
    await client.create(Node, wanted)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    await client.patch(
      Node,
      { name: description.name },
      { type: 'strategic', body: { metadata: { labels: description.labels } } },
    )
    await client.patch(
      Node,
      { name: description.name },
      { type: 'strategic', body: { status: nodeStatus(description, clock) } },
      { subresource: 'status' },
    )
  }
  await renewLease(client, clock, description.name)
}

/** The heartbeat: says that the node is alive. */
export async function renewLease(client: Client, clock: Clock, name: string): Promise<void> {
  const renewTime = microTime(clock.now())
  try {
    await client.patch(Lease, { namespace: leaseNamespace, name }, { type: 'merge', body: { spec: { renewTime } } })
  } catch (error) {
    if (!isNotFound(error)) throw error
    await client.create(Lease, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace: leaseNamespace, name },
      spec: { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime },
    })
  }
}

function nodeStatus(description: NodeDescription, clock: Clock): Draft<Node>['status'] {
  const now = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  })
  return {
    capacity: description.capacity,
    allocatable: description.capacity,
    conditions: [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
    ] as unknown as NonNullable<Draft<Node>['status']>['conditions'],
    addresses: [
      { type: 'InternalIP', address: description.address },
      { type: 'Hostname', address: description.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      machineID: description.machineId,
      systemUUID: description.machineId,
      bootID: description.machineId,
      kernelVersion: '6.1.0',
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
