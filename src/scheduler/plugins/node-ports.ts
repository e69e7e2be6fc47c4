import { isPortTaken } from '../../kinds/core/pod-needs.ts'
import { definePlugin, nothingToSay, notNow } from '../plugin.ts'
import { podState } from '../pod-state.ts'

const refusal = notNow("node(s) didn't have free ports for the requested pod ports")

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
  filter: (_pod, node, wanted) => (wanted.some((port) => isPortTaken(node.hostPorts, port)) ? refusal : undefined),
})
