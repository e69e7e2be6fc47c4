import type { HostWorld } from '../../world/world.ts'
import { type Check, fine, warningOf } from './check.ts'

/** Units of systemd. Where it does not run there is nothing to look at: components are started without it. */
export const kubeletService: Check = {
  name: 'Service-Kubelet',
  async run({ world }) {
    if (!(await runsSystemd(world)) || !(await exists(world, 'kubelet'))) return fine
    if (await says(world, 'is-enabled', 'kubelet', 'enabled')) return fine
    return warningOf("kubelet service is not enabled, please run 'systemctl enable kubelet.service'")
  },
}

export function firewalld(ports: readonly number[]): Check {
  return {
    name: 'Firewalld',
    async run({ world }) {
      if (!(await runsSystemd(world)) || !(await says(world, 'is-active', 'firewalld', 'active'))) return fine
      return warningOf(
        `firewalld is active, please ensure ports [${ports.join(' ')}] are open or your cluster may not function correctly`,
        'firewall-cmd --add-port PORT/tcp --permanent, or systemctl disable --now firewalld',
      )
    },
  }
}

/** Whether systemd is the host's init. */
export const runsSystemd = async ({ disk }: Pick<HostWorld, 'disk'>): Promise<boolean> =>
  (await disk.stat('/run/systemd/system')) !== undefined

const exists = (world: HostWorld, service: string) =>
  world.exec.run('systemctl', ['cat', service], { timeoutMs: 10_000 }).then(
    ({ code }) => code === 0,
    () => false,
  )

const says = (world: HostWorld, verb: string, service: string, word: string) =>
  world.exec.run('systemctl', [verb, service], { timeoutMs: 10_000 }).then(
    ({ stdout }) => stdout.trim() === word,
    () => false,
  )
