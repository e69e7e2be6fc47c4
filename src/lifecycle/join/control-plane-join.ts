import { waitForControlPlane } from '../init/health.ts'
import { markNode } from '../init/mark.ts'
import type { Phase } from '../phase.ts'
import type { JoinData } from './data.ts'

const onWorkers = ({ join }: JoinData) => join.controlPlane === undefined

export const controlPlaneJoin: Phase<JoinData> = {
  name: 'control-plane-join',
  summary: 'Join a machine as a control plane instance',
  skip: onWorkers,
  parts: [
    {
      name: 'mark-control-plane',
      summary: 'Mark a node as a control-plane',
      plan: async ({ nodeName }) => [`[mark-control-plane] Would mark the node ${nodeName} as control-plane`],
      async run(data) {
        const { join, nodeName, patience, tools } = data
        await markNode(await data.adminClient(), nodeName, join.nodeRegistration.taints ?? [], patience, tools.print)
      },
    },
  ],
}

export const waitControlPlane: Phase<JoinData> = {
  name: 'wait-control-plane',
  summary: 'Wait for the control plane to start',
  skip: onWorkers,
  plan: async () => ['[wait-control-plane] Would wait for the components of the control plane'],
  run: ({ world, controlPlane, timeouts, tools }) =>
    waitForControlPlane(world, controlPlane.localAPIEndpoint, timeouts, tools.print),
}
