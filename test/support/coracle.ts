/** Commands of this program, run in the test's own process. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands/index.ts'
import type { Run } from './kubectl.ts'
import { quietWorld } from './served.ts'

/** Runs command lines (without `coracle`) against the cluster of a kubeconfig. */
export async function coracleFor(kubeconfig: string): Promise<AsyncDisposable & { run(line: string): Promise<Run> }> {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-command-'))
  const file = join(folder, 'config')
  await writeFile(file, kubeconfig, { mode: 0o600 })
  return {
    async run(line) {
      const [stdout, stderr]: string[][] = [[], []]
      const context = {
        world: quietWorld,
        env: { HOME: folder, KUBECONFIG: file },
        print: (text: string) => void stdout!.push(`${text}\n`),
        interrupted: new Promise<void>(() => {}),
        tellParent: () => {},
      }
      const code = await runCommand(commands, line.split(' '), context, (text) => void stderr!.push(`${text}\n`))
      return { code, stdout: stdout!.join(''), stderr: stderr!.join('') }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
