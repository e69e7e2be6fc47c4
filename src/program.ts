import { runCommand } from './cli/command.ts'
import { commands } from './cli/commands/index.ts'
import { trustReaders } from './schema/freeze.ts'
import { hostWorld } from './world/host.ts'
import { giveMemoryBackAtRest } from './world/idle-memory.ts'
import { lineLog } from './world/real.ts'

/** argv → world → command: the only place where the real world is made. Ends the process. */
export async function runProgram(): Promise<never> {
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  giveMemoryBackAtRest()
  // The commands are our own, and all of them are tested with frozen objects.
  trustReaders()
  process.exitCode = await runCommand(
    commands,
    process.argv.slice(2),
    {
      world: hostWorld(lineLog('warn')),
      env: process.env,
      print: (line) => void process.stdout.write(`${line}\n`),
      interrupted,
      tellParent: (message) => process.send?.(message),
    },
    (line) => void process.stderr.write(`${line}\n`),
  )
  // Idle connections of clients must not keep a finished command alive.
  process.exit()
}
