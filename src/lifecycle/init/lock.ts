import { parseProcessStat } from '../../base/process-stat.ts'
import type { HostWorld } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { paths } from '../paths.ts'

const lockFile = `${paths.run}/lifecycle.lock`

/**
 * Has one process at a time change a host: `init`, `join`, `upgrade`, `reset`. Each adds a line to a file; whoever stands
 * first in it among those that are alive has the lock. What a killed one left behind stops nobody.
 * @throws LifecycleError when another has it
 */
export async function lockHost(world: HostWorld, verb: string): Promise<AsyncDisposable> {
  const { disk, exec } = world
  const own = `${exec.ownPid} ${(await beganAt(world, exec.ownPid)) ?? '-'} ${verb}`
  for (;;) {
    await disk.append(lockFile, `${own}\n`)
    const holder = await holderOf(world)
    // The last holder may have taken the file away between the two.
    if (holder === undefined) continue
    if (holder === own) break
    const [pid, , theirs] = holder.split(' ')
    throw new LifecycleError(`another "coracle ${theirs}" is running on this host (process ${pid})`, {
      hint: 'wait until it has ended; what it left undone is done by the same command again',
    })
  }
  return { [Symbol.asyncDispose]: () => disk.remove(lockFile) }
}

async function holderOf(world: HostWorld): Promise<string | undefined> {
  for (const line of ((await world.disk.read(lockFile)) ?? '').split('\n')) {
    const [pid, began] = line.split(' ')
    if (pid && world.exec.isAlive(Number(pid)) && ((await beganAt(world, Number(pid))) ?? '-') === began) return line
  }
  return undefined
}

/** When a process began, in ticks of the kernel's clock: numbers of processes are given out again. */
export async function beganAt({ disk }: Pick<HostWorld, 'disk'>, pid: number): Promise<string | undefined> {
  return parseProcessStat(await disk.read(`/proc/${pid}/stat`).catch(() => undefined))?.began
}
