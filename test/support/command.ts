import { type Command, runCommand } from '../../src/cli/command.ts'
import { hostWorld } from '../../src/world/host.ts'
import type { HostWorld } from '../../src/world/world.ts'

/** What a command said and how it ended. */
export interface Said {
  readonly code: number
  readonly lines: readonly string[]
  readonly errors: readonly string[]
}

/** Runs one of `commands` in this process, in the machine's own world unless another is given; `heard` gets each line. */
export async function run(
  commands: readonly Command[],
  argv: readonly string[],
  world: HostWorld = hostWorld(() => {}),
  env: Record<string, string> = {},
  heard: (line: string) => void = () => {},
): Promise<Said> {
  const lines: string[] = []
  const errors: string[] = []
  const context = {
    ...{ world, env, interrupted: new Promise<void>(() => {}), tellParent: () => {} },
    print(text: string) {
      lines.push(...text.split('\n'))
      heard(text)
    },
  }
  const code = await runCommand(commands, argv, context, (line) => void errors.push(...line.split('\n')))
  return { code, lines, errors }
}
