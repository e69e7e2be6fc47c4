/** What a test's hosts leave on the machine, also when the test is killed: found by their folder, and cleared away. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bridgeOf, deleteLink, linkOf } from './host-network.ts'

/** Where the hosts of a test lie, a folder for each. */
export const folderOf = (subnet: number): string => `/tmp/coracle-hosts-${subnet}`

/** A number that no other test of this machine uses; the folder is its mark. */
export function takeSubnet(): number {
  for (let subnet = 64; subnet < 128; subnet++) {
    try {
      mkdirSync(folderOf(subnet), { mode: 0o755 })
      writeFileSync(join(folderOf(subnet), 'owner'), identityOf(process.pid) ?? '')
      return subnet
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  throw new Error('there are hosts of too many tests on this machine')
}

/** The process and when it began, as numbers are given out again. */
function identityOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    return undefined
  }
}

/** Clears what tests have left that are no more. */
export function clearLeftovers(): void {
  for (const name of readdirSync('/tmp')) {
    const subnet = /^coracle-hosts-(\d+)$/.exec(name)?.[1]
    if (subnet === undefined) continue
    const owner = tryRead(`/tmp/${name}/owner`)
    if (owner !== undefined && owner !== '' && owner === identityOf(Number(owner.split(' ')[0]))) continue
    // It may be about to be written.
    if (owner === undefined && existsSync(`/tmp/${name}`)) continue
    clear(Number(subnet))
  }
}

/** Ends the hosts of a test, and removes what they were made of. */
export function clear(subnet: number): void {
  const folder = folderOf(subnet)
  for (const name of readdirSync(folder, { withFileTypes: true })) {
    const pid = name.isDirectory() ? Number(tryRead(join(folder, name.name, 'pid'))) : 0
    if (!pid || !tryRead(`/proc/${pid}/cmdline`)?.startsWith('unshare')) continue
    try {
      process.kill(pidOfChild(pid) ?? pid, 'SIGKILL')
      process.kill(pid, 'SIGKILL')
    } catch {
      // It is gone already.
    }
  }
  for (const name of readdirSync('/sys/class/net')) if (name.startsWith(linkOf(subnet))) deleteLink(name)
  deleteLink(bridgeOf(subnet))
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** `nsenter` and `unshare` start what they are asked for as their only child. */
export function pidOfChild(pid: number): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    return child ? Number(child) : undefined
  } catch {
    return undefined
  }
}
