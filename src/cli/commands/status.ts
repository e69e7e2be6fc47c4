import { humanDuration } from '../../base/duration.ts'
import { certificateWarnings } from '../certificate-warnings.ts'
import { type Command, UserError } from '../command.ts'
import { dataDirFlag, dataDirOf } from '../flags.ts'
import { findRunning, health } from '../running.ts'

export const status: Command = {
  name: 'status',
  summary: 'Say whether the cluster runs, where, and how it is',
  flags: {
    dataDir: dataDirFlag,
    output: { type: 'string', value: 'json', help: 'for machines' },
  },
  examples: ['coracle status', 'coracle status --output json'],

  async run({ world, flags, print, ...context }) {
    const dataDir = dataDirOf({ flags, ...context })
    const running = await findRunning(world, dataDir)
    if (flags.output !== undefined && flags.output !== 'json')
      throw new UserError(`--output knows json, not "${flags.output}"`, { exitCode: 2 })
    const warnings = await certificateWarnings(world, dataDir)
    if (!running) {
      if (flags.output) return print(JSON.stringify({ running: false, dataDir, warnings }))
      print(`No cluster is running on ${dataDir}. Start one with: coracle up`)
      for (const line of warnings) print(`Warning: ${line}`)
      return
    }
    const { url, pid, nodes, startedAtMs } = running
    const ready = (await health(world, running)) === 'ok'
    if (flags.output)
      return print(
        JSON.stringify({
          running: true,
          ready,
          url,
          pid,
          nodes,
          dataDir,
          startedAt: new Date(startedAtMs).toISOString(),
          warnings,
        }),
      )
    print(
      `${ready ? 'Ready' : 'Not ready'}: ${url}, process ${pid}, up for ${humanDuration(world.clock.now() - startedAtMs)}`,
    )
    print(`Simulated nodes: ${nodes}. State in ${dataDir}`)
    for (const line of warnings) print(`Warning: ${line}`)
  },
}
