/** The node agent of a host without systemd. */
import type { Host } from './host.ts'

/** The command line that it runs with. */
export const agentOf = (host: Host): readonly string[] =>
  host.processes().find(({ args }) => args.slice(0, 8).includes('kubelet'))!.args

/** Kills it and starts it again: as it ran before, under the name that the host has now. */
export async function restartAgent(host: Host, args: readonly string[]): Promise<void> {
  host.killAll('kubelet')
  const script =
    'mkdir -p /run/coracle; echo $$ >/run/coracle/kubelet.pid; exec "$@" >>/var/log/coracle/kubelet.log 2>&1'
  host.start('sh', ['-c', script, 'sh', ...args])
}
