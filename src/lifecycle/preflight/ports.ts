import type { Disk, HostWorld } from '../../world/world.ts'
import { type Check, errorOf, fine } from './check.ts'

/** A port on which somebody will listen. `mayBeOurs`: whether who listens there now is what is being finished. */
export function portAvailable(port: number, mayBeOurs: (world: HostWorld) => Promise<boolean>): Check {
  return {
    name: `Port-${port}`,
    async run({ world }) {
      if (!(await listeningPorts(world.disk)).has(port) || (await mayBeOurs(world))) return fine
      return errorOf(`Port ${port} is in use`, `see who it is: ss -ltnp 'sport = :${port}'`)
    },
  }
}

/** As the kernel lists them; none where it does not. */
export async function listeningPorts(disk: Disk): Promise<ReadonlySet<number>> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => disk.read(path).catch(() => undefined)),
  )
  const ports = new Set<number>()
  for (const row of tables.flatMap((table) => (table ?? '').split('\n').slice(1))) {
    // `0: 0100007F:1F90 00000000:0000 0A …`: address and port, those of the other side, and the state (0A listens).
    const [, local = '', , state] = row.trim().split(/\s+/)
    if (state === '0A') ports.add(Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16))
  }
  return ports
}
