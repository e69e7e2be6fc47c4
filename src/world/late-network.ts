import type { Network } from './world.ts'

/** The machine's network, loaded when it is first used: that takes as long as a cluster of this process to start. */
export const lateNetwork: Network = {
  request: async (request) => (await machine()).request(request),
  upgrade: async (request) => (await machine()).upgrade!(request),
}

const machine = async () => (await import('./network.ts')).realNetwork
