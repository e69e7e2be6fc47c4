import { type Amounts, addAmount, noAmounts } from './amounts.ts'
import { podResources } from './pod-amounts.ts'
import type { PodSpec } from './pod-spec.ts'

/** What a pod takes of its node. */
export interface PodNeeds {
  readonly requests: Amounts
  /** `TCP 0.0.0.0 80` */
  readonly hostPorts: readonly string[]
}

/** Scheduler and kubelet of one process ask about the same spec. */
const known = new WeakMap<PodSpec, PodNeeds>()

export function needsOf(spec: PodSpec): PodNeeds {
  let needs = known.get(spec)
  if (!needs) {
    const requests = noAmounts()
    for (const [name, amount] of podResources(spec, 'requests'))
      addAmount(requests, name, name === 'cpu' ? amount.milliValue() : amount.value())
    requests.pods = 1
    needs = { requests, hostPorts: hostPortsOf(spec) }
    known.set(spec, needs)
  }
  return needs
}

/** Host ports of the containers that run side by side, sidecars among them. */
function hostPortsOf(spec: PodSpec): string[] {
  const sidecars = spec.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always') ?? []
  return [...sidecars, ...spec.containers].flatMap(({ ports = [] }) =>
    ports
      .filter((port) => port.hostPort)
      .map((port) => `${port.protocol ?? 'TCP'} ${port.hostIP || everywhere} ${port.hostPort}`),
  )
}

const everywhere = '0.0.0.0'

/** Whether a host port cannot be had beside those in use: one on every address clashes with the same port on any. */
export function isPortTaken(used: Pick<ReadonlyMap<string, unknown>, 'has' | 'keys'>, port: string): boolean {
  const [protocol, address, number] = port.split(' ')
  if (address !== everywhere) return used.has(port) || used.has(`${protocol} ${everywhere} ${number}`)
  for (const other of used.keys()) {
    const [otherProtocol, , otherNumber] = other.split(' ')
    if (otherProtocol === protocol && otherNumber === number) return true
  }
  return false
}
