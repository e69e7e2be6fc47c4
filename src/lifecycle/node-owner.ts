import type { Client } from '../client/client.ts'
import { Lease } from '../kinds/coordination/lease.ts'
import type { Node } from '../kinds/core/node.ts'
import { isNotFound } from '../schema/status.ts'
import type { HostWorld } from '../world/world.ts'

/**
 * Which machine a Node stands for. Kubelets of the reference that have one name write over each other's Node in turns;
 * here the one that has made it keeps it as long as it lives.
 */
export interface MachineIdentity {
  readonly machineId: string
  /** Of its firmware. */
  readonly systemId: string
  readonly addresses: readonly string[]
}

/** The machine that this runs on; one that has no number is a new one each time. */
export async function thisMachine(world: Pick<HostWorld, 'disk' | 'machine' | 'random'>): Promise<MachineIdentity> {
  const { disk, machine, random } = world
  const firstLine = async (path: string) => (await disk.read(path).catch(() => undefined))?.split('\n')[0]?.trim()
  const machineId = (await firstLine('/etc/machine-id')) || random.uuid().replaceAll('-', '')
  return {
    machineId,
    systemId: (await firstLine('/sys/class/dmi/id/product_uuid')) ?? machineId,
    addresses: machine.addresses.filter(({ internal }) => !internal).map(({ address }) => address),
  }
}

/** Whether a Node is that of another machine. One that has got another address, or was set up anew at its own, is the same. */
export function isOfAnotherMachine(node: Node, { machineId, systemId, addresses }: MachineIdentity): boolean {
  const { machineID = '', systemUUID = '' } = node.status?.nodeInfo ?? {}
  if (machineID === '' || (machineID === machineId && systemUUID === systemId)) return false
  return !internalAddresses(node).some((address) => addresses.includes(address))
}

export const internalAddresses = ({ status }: Node): readonly string[] =>
  (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address)

export interface Heartbeat {
  readonly renewTime: string
  readonly holdsSeconds: number
}

/** When the machine of a node last said that it lives; nothing when it never has. */
export async function lastHeartbeat(client: Client, nodeName: string): Promise<Heartbeat | undefined> {
  try {
    const { spec } = await client.get(Lease, { namespace: 'kube-node-lease', name: nodeName })
    return spec?.renewTime === undefined
      ? undefined
      : { renewTime: spec.renewTime, holdsSeconds: spec.leaseDurationSeconds ?? usualSeconds }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** As the reference's kubelet has it. */
const usualSeconds = 40

/** The Node of this name is that of another machine that lives. */
export class NodeTakenError extends Error {}

/**
 * What a kubelet asks before it takes the Node that is there under its name.
 * @throws NodeTakenError when that one's machine is another, and alive
 */
export async function requireOwnNode(client: Client, node: Node, world: HostWorld): Promise<void> {
  if (!isOfAnotherMachine(node, await thisMachine(world))) return
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status !== 'True') return
  const heartbeat = await lastHeartbeat(client, node.metadata.name!)
  const latest = Date.parse(heartbeat?.renewTime ?? ready.lastHeartbeatTime ?? '') || 0
  if (world.clock.now() - latest > (heartbeat?.holdsSeconds ?? usualSeconds) * 1000) return
  throw new NodeTakenError(
    `the Node ${JSON.stringify(node.metadata.name)} is that of another machine, which is alive (${internalAddresses(node).join(', ')})`,
  )
}
