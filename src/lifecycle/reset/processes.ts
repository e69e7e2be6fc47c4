import { type ProcessId, parseProcessNote, parseProcessStat } from '../../base/process-stat.ts'
import type { HostWorld } from '../../world/world.ts'
import { paths } from '../paths.ts'

/** Where processes of pods note themselves for the node agent. */
const folder = `${paths.run}/pods`
const graceMs = 10_000
const lookMs = 50

/** Asks all of them to end without the agent, and ends those that do not. */
export async function stopPods(world: HostWorld): Promise<void> {
  const { exec, clock } = world
  const running = await alive(world, await noted(world))
  for (const { pid } of running) exec.signal(pid, 'SIGTERM')
  const deadline = clock.monotonic() + graceMs
  for (let left = running; left.length > 0; left = await alive(world, left)) {
    if (clock.monotonic() > deadline) for (const { pid } of left) exec.signal(pid, 'SIGKILL')
    // Only a parent is told that a process ends, and this is none.
    await clock.after(lookMs)
  }
}

async function noted({ disk }: HostWorld): Promise<readonly ProcessId[]> {
  const found: ProcessId[] = []
  for (const uid of await disk.list(folder)) {
    for (const name of await disk.list(`${folder}/${uid}`)) {
      if (!name.endsWith('.stat')) continue
      const process = parseProcessNote(await disk.read(`${folder}/${uid}/${name}`))
      if (process !== undefined) found.push(process)
    }
  }
  return found
}

async function alive({ exec, disk }: HostWorld, all: readonly ProcessId[]): Promise<readonly ProcessId[]> {
  const checked = await Promise.all(
    all.map(async (process) => {
      if (!exec.isAlive(process.pid)) return undefined
      const now = parseProcessStat(await disk.read(`/proc/${process.pid}/stat`).catch(() => undefined))
      if (now === undefined || process.began === undefined) return process
      // One that has ended, and that nobody has asked for how, is there no more.
      return now.began === process.began && now.state !== 'Z' ? process : undefined
    }),
  )
  return checked.filter((process) => process !== undefined)
}
