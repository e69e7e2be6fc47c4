import type { Caches } from '../../reconciler/caches.ts'
import type { Clock, Log, MessageServer, Network } from '../../world/world.ts'
import { respond, type Zone } from './messages.ts'
import { namesOf } from './view.ts'

export interface DnsOptions {
  readonly caches: Caches
  readonly clock: Clock
  readonly log: Log
  readonly network: Network
  /** Where to listen, over UDP and TCP; port 0: any that is free for both. */
  readonly at: { readonly host: string; readonly port: number }
}

const zoneName = 'cluster.local'

/** Answers questions about the names of the cluster. Rejects when the address is taken. */
export async function startDns({ caches, clock, log, network, at }: DnsOptions): Promise<MessageServer> {
  if (network.serveMessages === undefined) throw new Error('nobody can be listened to in this world')
  const zone: Zone = {
    name: zoneName,
    names: await namesOf(caches),
    serial: () => Math.floor(clock.now() / 1000),
    failed: (error) => log('error', 'a question about names could not be answered', { error: String(error) }),
  }
  return network.serveMessages(at, (message, isStream) => respond(message, zone, isStream))
}
