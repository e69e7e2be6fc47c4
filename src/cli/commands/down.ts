import { type Command, UserError } from '../command.ts'
import { dataDirFlag, dataDirOf } from '../flags.ts'
import { findRunning, forgetRunning } from '../running.ts'

const patienceMs = 15_000

export const down: Command = {
  name: 'down',
  summary: 'Stop the cluster; its state stays',
  flags: { dataDir: dataDirFlag },
  examples: ['coracle down'],

  async run({ world, print, ...context }) {
    const dataDir = dataDirOf(context)
    const running = await findRunning(world, dataDir)
    if (!running) return print(`No cluster is running on ${dataDir}.`)
    world.exec.signal(running.pid, 'SIGTERM')
    const giveUpAt = world.clock.monotonic() + patienceMs
    // There is no event for the end of a process that is not a child.
    while (world.exec.isAlive(running.pid)) {
      if (world.clock.monotonic() > giveUpAt)
        throw new UserError(`process ${running.pid} did not stop within ${patienceMs / 1000} s`, {
          hint: `kill -9 ${running.pid} loses nothing that was answered`,
        })
      await world.clock.after(20)
    }
    await forgetRunning(world, dataDir)
    print(`Stopped. The state is in ${dataDir}; "coracle up" goes on with it.`)
  },
}
