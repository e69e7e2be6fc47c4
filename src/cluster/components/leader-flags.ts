import type { Client } from '../../client/client.ts'
import type { LeaderOptions } from '../../reconciler/leader.ts'
import type { HostWorld } from '../../world/world.ts'
import { elected, type Part } from '../elected.ts'
import type { ComponentFlags, GivenFlags } from './flags.ts'

/** Flags of who works when several could. `name`: of the lease. */
export const leaderFlags = (name: string): ComponentFlags => ({
  'leader-elect': { help: 'whether it works only while it holds a lease', type: 'boolean', usual: 'true' },
  'leader-elect-lease-duration': { help: 'how long others wait for a leader that is silent', usual: '15s' },
  'leader-elect-renew-deadline': { help: 'how long the leader tries to renew before it gives up', usual: '10s' },
  'leader-elect-retry-period': { help: 'how long between two tries', usual: '2s' },
  'leader-elect-resource-lock': { help: 'kind of lock: leases', usual: 'leases' },
  'leader-elect-resource-name': { help: 'name of the lease', usual: name },
  'leader-elect-resource-namespace': { help: 'its namespace', usual: 'kube-system' },
})

/** Does the work for as long as this process may. */
export function leadAsFlagged(flags: GivenFlags, client: Client, world: HostWorld, start: () => Part): Part {
  if (!flags.isTrue('leader-elect')) return start()
  const options: LeaderOptions = {
    client,
    world,
    namespace: flags.text('leader-elect-resource-namespace')!,
    name: flags.text('leader-elect-resource-name')!,
    // As the reference's components call themselves.
    identity: `${world.machine.hostName}_${world.random.uuid()}`,
    leaseMs: flags.milliseconds('leader-elect-lease-duration'),
    renewWithinMs: flags.milliseconds('leader-elect-renew-deadline'),
    retryMs: flags.milliseconds('leader-elect-retry-period'),
  }
  return elected(options, () => {
    world.log('info', 'this process leads from now on', { lease: options.name, identity: options.identity })
    return start()
  })
}
