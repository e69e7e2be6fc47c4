import type { NodeState } from '../cluster-state.ts'
import { definePlugin, nothingToSay, notNow } from '../plugin.ts'
import { podState } from '../pod-state.ts'

const refusal = notNow("node(s) didn't have free ports for the requested pod ports")
const everywhere = '0.0.0.0'

/** Two pods cannot have the same port of one host. */
export const nodePorts = definePlugin<readonly string[]>({
  name: 'NodePorts',
  isLocal: true,
  listens: ['node', 'room'],
  wakes: (event) =>
    event.type === 'room' ? podState(event.pod).hostPorts.length > 0 : event.type === 'node' && event.isNew,
  prepare(pod) {
    const { hostPorts } = podState(pod)
    return hostPorts.length > 0 ? hostPorts : nothingToSay
  },
  filter: (_pod, node, wanted) => (wanted.some((port) => isTaken(node, port)) ? refusal : undefined),
})

/** A port on every address clashes with the same port on any. */
function isTaken(node: NodeState, port: string): boolean {
  const [protocol, address, number] = port.split(' ')
  if (address !== everywhere)
    return node.hostPorts.has(port) || node.hostPorts.has(`${protocol} ${everywhere} ${number}`)
  for (const used of node.hostPorts.keys()) {
    const [usedProtocol, , usedNumber] = used.split(' ')
    if (usedProtocol === protocol && usedNumber === number) return true
  }
  return false
}
