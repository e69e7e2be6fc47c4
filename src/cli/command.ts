import { parseArgs } from 'node:util'
import { LifecycleError } from '../lifecycle/failure.ts'
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
  /** It reads its arguments itself: `args` are all that stand behind its name, and `flags` are there for the help. */
  readonly readsArguments?: true
  /** Those whose name may follow this one's: `etcd member list`. */
  readonly subcommands?: readonly Command[]
  /** Absent: it is of use with a subcommand alone. */
  run?(context: CommandContext): Promise<void>
}

export type Flag = {
  readonly help: string
  /** One letter: `-o` beside `--output`. */
  readonly short?: string
} & (
  | { readonly type: 'boolean'; readonly hidden?: boolean }
  | {
      readonly type: 'string'
      readonly value: string
      readonly default?: string
      /** What it means to give the flag alone: then a value can only stand behind an equals sign. */
      readonly implied?: string
      /** It may be given several times: values come with commas between. */
      readonly repeated?: true
    }
)

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
  /** One line to standard error: a warning, or what went wrong. */
  printError(line: string): void
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

/** The command has failed, and has said why itself. */
export class ToldError extends Error {}

/** Parses `argv` (without the program's name) and runs the command it names. Returns the exit code. */
export async function runCommand(
  commands: readonly Command[],
  argv: readonly string[],
  context: Omit<CommandContext, 'args' | 'flags' | 'printError'>,
  printError: (line: string) => void,
): Promise<number> {
  const [first, ...others] = argv
  try {
    if (first === undefined || first === '--help' || first === '-h' || (first === 'help' && others.length === 0)) {
      context.print(overview(commands))
      return 0
    }
    const asksHelp = first === 'help'
    const { command, path, rest } = find(commands, asksHelp ? others : argv)
    if (asksHelp || rest.includes('--help') || rest.includes('-h') || (!command.run && rest.length === 0)) {
      context.print(commandHelp(command, path))
      return 0
    }
    if (!command.run) throw unknownCommand(rest[0]!, command.subcommands ?? [], path)
    await command.run({
      ...context,
      printError,
      ...(command.readsArguments ? { args: rest, flags: {} } : parse(command, path, rest)),
    })
    return 0
  } catch (error) {
    return report(error, printError)
  }
}

function report(error: unknown, printError: (line: string) => void): number {
  if (error instanceof ToldError) return 1
  if (error instanceof DiskError) {
    printError(`error: ${error.message}`)
    return 1
  }
  if (error instanceof LifecycleError) {
    printError(`error: ${error.message}`)
    if (error.hint) printError(`  ${error.hint}`)
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

/** Follows the names at the beginning of `argv` as far as they name commands. */
function find(
  commands: readonly Command[],
  argv: readonly string[],
): { readonly command: Command; readonly path: string; readonly rest: readonly string[] } {
  const named = (among: readonly Command[] | undefined, name: string | undefined) =>
    among?.find((command) => command.name === name)
  const first = named(commands, argv[0])
  if (!first) throw unknownCommand(argv[0]!, commands, '')
  let command: Command = first
  let depth = 1
  for (let next = named(first.subcommands, argv[1]); next; next = named(next.subcommands, argv[depth])) {
    command = next
    depth++
  }
  return { command, path: argv.slice(0, depth).join(' '), rest: argv.slice(depth) }
}

function unknownCommand(name: string, commands: readonly Command[], path: string): UserError {
  const close = commands.find((command) => command.name.startsWith(name.slice(0, 2)))
  const above = path === '' ? '' : `${path} `
  const hint = close ? `did you mean "coracle ${above}${close.name}"?` : `see "coracle help${path && ` ${path}`}"`
  return new UserError(`unknown command "${above}${name}"`, { hint, exitCode: 2 })
}

function parse(command: Command, path: string, argv: readonly string[]): Pick<CommandContext, 'args' | 'flags'> {
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, flag]) => {
      const multiple = flag.type === 'string' && flag.repeated === true
      return [kebab(name), { type: flag.type, multiple, ...(flag.short && { short: flag.short }) }]
    }),
  )
  try {
    const { values, positionals } = parseArgs({
      args: spelledOut(command, argv),
      options,
      allowPositionals: command.usage !== undefined,
    })
    const flags: Record<string, string | boolean | undefined> = {}
    for (const [name, flag] of Object.entries(command.flags)) {
      const value = values[kebab(name)]
      const given = Array.isArray(value) ? value.join(',') : value
      flags[name] = given ?? (flag.type === 'string' ? flag.default : false)
    }
    return { args: positionals, flags }
  } catch (error) {
    const message = (error as Error).message.split('. ')[0]!.replace(/\.$/, '')
    throw new UserError(message, { hint: `see "coracle ${path} --help"`, exitCode: 2, cause: error })
  }
}

/** `--force=true` and `--dry-run` as they are understood below: `--force` and `--dry-run=client`. */
function spelledOut(command: Command, argv: readonly string[]): string[] {
  const flags = new Map(Object.entries(command.flags).map(([name, flag]) => [`--${kebab(name)}`, flag]))
  return argv.flatMap((word) => {
    const [name = '', value] = word.split('=', 2)
    const flag = flags.get(name)
    if (flag?.type === 'string' && value === undefined && flag.implied !== undefined) return [`${name}=${flag.implied}`]
    if (flag?.type !== 'boolean' || (value !== 'true' && value !== 'false')) return [word]
    return value === 'true' ? [name] : []
  })
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

function commandHelp(command: Command, path: string): string {
  const rows = Object.entries(command.flags)
    .filter(([, flag]) => !(flag.type === 'boolean' && flag.hidden))
    .map(([name, flag]): [string, string] => {
      const standing = flag.type === 'string' && flag.default !== undefined ? ` (default ${flag.default})` : ''
      const short = flag.short ? `-${flag.short}, ` : ''
      return [`${short}--${kebab(name)}${flag.type === 'string' ? ` ${flag.value}` : ''}`, flag.help + standing]
    })
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return [
    command.summary,
    '',
    ...usageOf(command, path),
    ...(rows.length > 0 ? ['', 'Flags:', ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)] : []),
    ...(command.examples.length > 0 ? ['', 'Examples:', ...command.examples.map((line) => `  ${line}`)] : []),
  ].join('\n')
}

function usageOf({ usage, run, subcommands = [] }: Command, path: string): string[] {
  const nameWidth = Math.max(0, ...subcommands.map(({ name }) => name.length))
  return [
    ...(run ? [`Usage: coracle ${path}${usage ? ` ${usage}` : ''} [flags]`] : [`Usage: coracle ${path} COMMAND`]),
    ...(subcommands.length > 0 ? ['', 'Commands:'] : []),
    ...subcommands.map(({ name, summary }) => `  ${name.padEnd(nameWidth)}  ${summary}`),
  ]
}
