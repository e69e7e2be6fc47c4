import type { NodeState } from '../node-state.ts'
import { podState } from '../node-state.ts'
import { definePlugin, notNow } from '../plugin.ts'

const refusal = notNow("node(s) didn't have free ports for the requested pod ports")
const everywhere = '0.0.0.0'

/** Two pods cannot have the same port of one host. */
export const nodePorts = definePlugin({
  name: 'NodePorts',
  wakes: (event) => event.type === 'room' || event.isNew,
  filter(pod, node) {
    const wanted = podState(pod).hostPorts
    return wanted.length > 0 && wanted.some((port) => isTaken(node, port)) ? refusal : undefined
  },
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
