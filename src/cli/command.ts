import { parseArgs } from 'node:util'
import { DiskError, type HostWorld } from '../world/world.ts'

/**
 * A command is declared as a value: its flags and arguments with one line of help each, and a function that runs it.
 * Help and parsing follow from the declaration. Output goes through `context.print`, so that a test reads it as lines.
 *
 * Exit codes: 0 done, 1 it failed, 2 it was called wrongly.
 */
export interface Command {
  readonly name: string
  readonly summary: string
  /** What stands behind the name in the usage line, when it takes arguments. */
  readonly usage?: string
  readonly flags: Readonly<Record<string, Flag>>
  readonly examples: readonly string[]
  run(context: CommandContext): Promise<void>
}

export type Flag =
  | { readonly type: 'boolean'; readonly help: string; readonly hidden?: boolean }
  | { readonly type: 'string'; readonly help: string; readonly value: string; readonly default?: string }

/** What came of the flags: names as declared (`dataDir` is `--data-dir`). */
export type FlagValues = Readonly<Record<string, string | boolean | undefined>>

export interface CommandContext {
  readonly args: readonly string[]
  readonly flags: FlagValues
  readonly world: HostWorld
  /** Environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** One line to standard output. */
  print(line: string): void
  /** Resolves when the user asks the program to stop (Ctrl-C, SIGTERM). */
  readonly interrupted: Promise<void>
  /** Tells the process that started this one in the background that it is ready. */
  tellParent(message: unknown): void
}

/** Something that the user can mend; printed without a stack, with what to do next. */
export class UserError extends Error {
  readonly hint: string | undefined
  readonly exitCode: number
  constructor(message: string, options: { hint?: string; exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.hint = options.hint
    this.exitCode = options.exitCode ?? 1
  }
}

/** Parses `argv` (without the program's name) and runs the command it names. Returns the exit code. */
export async function runCommand(
  commands: readonly Command[],
  argv: readonly string[],
  context: Omit<CommandContext, 'args' | 'flags'>,
  printError: (line: string) => void,
): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const about = commands.find((command) => command.name === rest[0])
    context.print(about ? commandHelp(about) : overview(commands))
    return 0
  }
  const command = commands.find((candidate) => candidate.name === name)
  try {
    if (!command) throw unknownCommand(name, commands)
    if (rest.includes('--help') || rest.includes('-h')) {
      context.print(commandHelp(command))
      return 0
    }
    await command.run({ ...context, ...parse(command, rest) })
    return 0
  } catch (error) {
    return report(error, printError)
  }
}

function report(error: unknown, printError: (line: string) => void): number {
  if (error instanceof DiskError) {
    printError(`error: ${error.message}`)
    return 1
  }
  if (!(error instanceof UserError)) {
    printError(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    return 1
  }
  printError(`error: ${error.message}`)
  if (error.hint) printError(`  ${error.hint}`)
  return error.exitCode
}

function unknownCommand(name: string, commands: readonly Command[]): UserError {
  const close = commands.find((command) => command.name.startsWith(name.slice(0, 2)))
  const hint = close ? `did you mean "coracle ${close.name}"?` : 'see "coracle help"'
  return new UserError(`unknown command "${name}"`, { hint, exitCode: 2 })
}

function parse(command: Command, argv: readonly string[]): Pick<CommandContext, 'args' | 'flags'> {
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, flag]) => [kebab(name), { type: flag.type }]),
  )
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options,
      allowPositionals: command.usage !== undefined,
    })
    const flags: Record<string, string | boolean | undefined> = {}
    for (const [name, flag] of Object.entries(command.flags)) {
      flags[name] = values[kebab(name)] ?? (flag.type === 'string' ? flag.default : false)
    }
    return { args: positionals, flags }
  } catch (error) {
    const message = (error as Error).message.split('. ')[0]!.replace(/\.$/, '')
    throw new UserError(message, { hint: `see "coracle ${command.name} --help"`, exitCode: 2, cause: error })
  }
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length))
  return [
    'Coracle: Kubernetes that one person can carry.',
    '',
    'Usage: coracle COMMAND [flags]',
    '',
    ...commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    '',
    'Use "coracle COMMAND --help" for the flags of a command.',
  ].join('\n')
}

function commandHelp(command: Command): string {
  const rows = Object.entries(command.flags)
    .filter(([, flag]) => !(flag.type === 'boolean' && flag.hidden))
    .map(([name, flag]): [string, string] => {
      const standing = flag.type === 'string' && flag.default !== undefined ? ` (default ${flag.default})` : ''
      return [`--${kebab(name)}${flag.type === 'string' ? ` ${flag.value}` : ''}`, flag.help + standing]
    })
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return [
    command.summary,
    '',
    `Usage: coracle ${command.name}${command.usage ? ` ${command.usage}` : ''} [flags]`,
    ...(rows.length > 0 ? ['', 'Flags:', ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)] : []),
    ...(command.examples.length > 0 ? ['', 'Examples:', ...command.examples.map((line) => `  ${line}`)] : []),
  ].join('\n')
}
