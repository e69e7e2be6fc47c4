/**
 * Several hosts on one machine: each has its own network (10.X.0.N on a common bridge), host name, processes and file
 * tree. They are namespaces of Linux, made by `unshare` and `ip`; the programs in them are real.
 *
 * ```ts
 * await using hosts = await Hosts.create({ count: 3 })
 * const [first] = hosts.all
 * await first.coracle('init')
 * await hosts.isolate(first)
 * ```
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Host } from './host.ts'
import { clear, clearLeftovers, folderOf, takeSubnet } from './host-leftovers.ts'
import { bridgeOf, ip } from './host-network.ts'

export { clockShiftedBy, type Host, type Ran, type Started } from './host.ts'
export { until } from './until.ts'

export interface CreateOptions {
  readonly count: number
  /** Default: `host1` and so on. */
  readonly names?: readonly string[]
}

const packages = {
  ip: 'iproute2',
  etcd: 'etcd-server',
  etcdctl: 'etcd-client',
  faketime: 'faketime',
  nft: 'nftables',
  conntrack: 'conntrack',
} as const

/** Why hosts cannot be made here; undefined: they can. In CI that is a failure. */
export function hostsMissing(): string | undefined {
  const reason = findReason()
  if (reason !== undefined && process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

function findReason(): string | undefined {
  if (process.platform !== 'linux') return 'hosts of tests are namespaces of Linux'
  if (process.getuid?.() !== 0) return 'only root can make namespaces'
  for (const [command, name] of Object.entries(packages)) {
    if (onPath(command)) continue
    try {
      execFileSync('apt-get', ['install', '-y', '-q', name], { stdio: 'ignore' })
    } catch {
      return `${command} is missing (apt-get install ${name})`
    }
  }
  try {
    execFileSync('unshare', ['--mount', '--uts', '--net', '--pid', '--fork', 'true'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'this machine lets nobody make namespaces'
  }
}

const onPath = (command: string) =>
  ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((folder) =>
    existsSync(join(folder, command)),
  )

/** The hosts of one test. Disposing of it ends and removes everything. */
export class Hosts implements AsyncDisposable {
  readonly all: readonly Host[]
  /** The X of 10.X.0.N. */
  readonly subnet: number

  /** Resolves when all hosts are up. What killed tests have left behind is cleared away first. */
  static async create({ count, names }: CreateOptions): Promise<Hosts> {
    clearLeftovers()
    const subnet = takeSubnet()
    const folder = folderOf(subnet)
    try {
      ip('link', 'add', bridgeOf(subnet), 'type', 'bridge')
      ip('addr', 'add', `10.${subnet}.0.254/24`, 'dev', bridgeOf(subnet))
      ip('link', 'set', bridgeOf(subnet), 'up')
      // Only now, as it is built when it is first asked for.
      const { program } = await import('./cli.ts')
      const node = [process.execPath, ...program()]
      const all = Array.from({ length: count }, (_, at) => {
        const name = names?.[at] ?? `host${at + 1}`
        return new Host({ name, subnet, number: at + 1, folder: join(folder, name), node })
      })
      const table = all.map(({ address, name }) => `${address} ${name}\n`).join('')
      for (const host of all) await host.prepare(`127.0.0.1 localhost\n::1 localhost\n${table}`)
      const booted = await Promise.allSettled(all.map((host) => host.boot()))
      const failed = booted.find(({ status }) => status === 'rejected')
      if (failed) {
        for (const host of all) host.kill()
        throw (failed as PromiseRejectedResult).reason
      }
      return new Hosts(all, subnet)
    } catch (error) {
      clear(subnet)
      throw error
    }
  }

  private constructor(all: readonly Host[], subnet: number) {
    this.all = all
    this.subnet = subnet
  }

  /** An address on the hosts' network under which nobody is yet: `10.X.0.<number>`. */
  address(number: number): string {
    return `10.${this.subnet}.0.${number}`
  }

  /** From now on nothing gets from one to the other, and nobody is told. */
  cut(one: Host, other: Host): void {
    one.lose(other.address)
    other.lose(one.address)
  }

  /** Nothing gets to or from the host any more. */
  isolate(host: Host): void {
    host.unplug()
  }

  /** Undoes all cuts. */
  heal(): void {
    for (const host of this.all) {
      if (!host.isUp) continue
      host.plug()
      for (const other of this.all) host.find(other.address)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.all) host.kill()
    clear(this.subnet)
  }
}
