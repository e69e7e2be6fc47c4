import type { HostWorld } from '../../world/world.ts'
import { type Check, fine, warningOf } from './check.ts'

/** The container runtime: without one, pods run as processes of the host, or are simulated. */
export function containerRuntime(criSocket: string): Check {
  return {
    name: 'CRI',
    async run({ world }) {
      if (await hasRuntime(world, criSocket)) return fine
      return warningOf(
        `there is no container runtime at ${criSocket}: static pods run as processes of this host, other pods of the node are simulated`,
      )
    },
  }
}

export const hasRuntime = async ({ disk }: Pick<HostWorld, 'disk'>, criSocket: string): Promise<boolean> =>
  (await disk.stat(criSocket.replace(/^unix:\/\//, ''))) !== undefined
