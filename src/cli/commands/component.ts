import type { Component } from '../../cluster/components/component.ts'
import { ComponentFlagError, type ComponentFlags, readComponentFlags } from '../../cluster/components/flags.ts'
import { SettingError } from '../../cluster/serve.ts'
import { lineLog } from '../../world/real.ts'
import type { LogLevel } from '../../world/world.ts'
import { type Command, type Flag, UserError } from '../command.ts'

const camelCase = (name: string) => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** The reference's flags, for the help alone: its components read their command lines themselves. */
const forHelp = (flags: ComponentFlags): Readonly<Record<string, Flag>> =>
  Object.fromEntries(
    Object.entries(flags).map(([name, { help, type, usual, without }]) => {
      const text = without === undefined ? help : `${help} (without effect: ${without})`
      const flag: Flag =
        type === 'boolean'
          ? { type, help: text }
          : { type: 'string', value: 'X', help: text, ...(usual !== undefined && { default: usual }) }
      return [camelCase(name), flag]
    }),
  )

/** A process of the control plane or of a node, as a command with the reference's flags. */
export function componentCommand({ name, summary, flags, example, run }: Component): Command {
  return {
    name,
    summary,
    flags: forHelp(flags),
    examples: [example],
    readsArguments: true,
    async run({ args, world, interrupted }) {
      try {
        const given = readComponentFlags(args, flags)
        await run(given, { ...world, log: lineLog(levelOf(given.whole('v'))) }, interrupted)
      } catch (error) {
        if (error instanceof ComponentFlagError || error instanceof SettingError)
          throw new UserError(error.message, { cause: error })
        throw error
      }
    },
  }
}

const levelOf = (verbosity: number): LogLevel => (verbosity >= 4 ? 'debug' : 'info')
