import type { HostWorld } from '../../world/world.ts'
import { beganAt } from '../init/lock.ts'
import { paths } from '../paths.ts'

/** What the node agent notes of the processes of static pods, and how they are ended without it. */
interface Noted {
  readonly pid: number
  readonly began?: string
}

const folder = `${paths.run}/pods`
const graceMs = 10_000
const lookMs = 50

/** Asks all of them to end, and ends those that do not. */
export async function stopStaticPods(world: HostWorld): Promise<void> {
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

async function noted({ disk }: HostWorld): Promise<readonly Noted[]> {
  const found: Noted[] = []
  for (const uid of await disk.list(folder)) {
    for (const name of await disk.list(`${folder}/${uid}`)) {
      if (!name.startsWith('container-')) continue
      const text = await disk.read(`${folder}/${uid}/${name}`)
      try {
        const { process } = JSON.parse(text ?? '{}') as { readonly process?: Noted }
        if (process && process.pid > 0) found.push(process)
      } catch {
        // A note that is half written is of a process that was not started.
      }
    }
  }
  return found
}

async function alive(world: HostWorld, all: readonly Noted[]): Promise<readonly Noted[]> {
  const checked = await Promise.all(
    all.map(async (process) => {
      if (!world.exec.isAlive(process.pid)) return undefined
      const began = await beganAt(world, process.pid)
      const isSame = process.began === undefined || began === undefined || process.began === began
      return isSame && !(await isBuried(world, process.pid)) ? process : undefined
    }),
  )
  return checked.filter((process) => process !== undefined)
}

/** One that has ended, and that nobody has asked for how. */
async function isBuried({ disk }: HostWorld, pid: number): Promise<boolean> {
  const text = await disk.read(`/proc/${pid}/stat`).catch(() => undefined)
  return text?.slice(text.lastIndexOf(')') + 2).startsWith('Z') === true
}
