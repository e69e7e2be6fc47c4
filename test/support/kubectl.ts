/** Real kubectls against a served cluster: the oldest and the newest that are here, and stories told with each. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { accessSync, constants, globSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Cluster } from '../../src/index.ts'
import { Namespace } from '../../src/kinds/core/namespace.ts'
import type { HostWorld } from '../../src/world/world.ts'
import { startTestCluster, type TestCluster } from './cluster.ts'
import { root } from './sources.ts'

/** Debian's, which `npm test` unpacks. */
export const oldest: Binary = { version: '1.20', path: join(root, '.cache/kubectl-1.20/usr/bin/kubectl') }

interface Binary {
  readonly version: string
  readonly path: string
}

export interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface RunOptions {
  /** Standard input. */
  readonly file?: string
  /** What `kubectl edit` starts: a command that changes the file that is its last argument. */
  readonly editor?: string
}

interface Started {
  /** Resolves once its output has that. Fails when it ends before. */
  said(pattern: RegExp): Promise<void>
  /** Ctrl-C. */
  interrupt(): Promise<Run>
  readonly ended: Promise<Run>
}

/** What a person at a terminal does: type a command line (without `kubectl`), perhaps with a file for `-f -`. */
export interface Kubectl {
  /** Of the client. */
  readonly minor: number
  /** What it prints, without the last line break. Fails when the command does. */
  (command: string, file?: string): Promise<string>
  /** What it says on its error output, when it must fail with exit code 1. */
  refused(command: string, file?: string): Promise<string>
  /** Whatever comes. */
  run(command: string, options?: RunOptions): Promise<Run>
  /** For commands that go on until Ctrl-C. */
  start(command: string, options?: RunOptions): Started
  /** The table that it prints: a record per row, by column. */
  rows(command: string): Promise<Record<string, string>[]>
  /** `-o jsonpath` of that. */
  read(command: string, jsonPath: string): Promise<string>
}

export interface Scene {
  readonly kubectl: Kubectl
  /** Where commands without `-n` act. */
  readonly namespace: string
  readonly cluster: Cluster
  /** What the cluster runs in. */
  readonly world: HostWorld
  /** Until nobody in the cluster has anything left to do. */
  settle(): Promise<void>
}

type Story = (scene: Scene) => Promise<void>

/**
 * Stories that each kubectl tells, each in a namespace of its own. With `own` every story has a cluster of its own too,
 * because it changes what all share, such as nodes; else those of one kubectl share one and run beside one another. With
 * `virtualTime` as well, its time moves only when the story moves it; with `apiOnly` there is nothing but the API; with
 * `dualStack` addresses are of both families.
 */
export function stories(
  stories: Readonly<Record<string, Story>>,
  options: {
    readonly own?: boolean
    readonly virtualTime?: boolean
    readonly apiOnly?: boolean
    readonly dualStack?: boolean
  } = {},
): void {
  for (const { binary, missing } of kubectls()) {
    describe(`kubectl ${binary.version}`, { skip: missing, concurrency: 3 }, () => {
      let shared: TestCluster | undefined
      before(async () => {
        if (!options.own) shared = await startTestCluster()
      })
      after(() => shared?.[Symbol.asyncDispose]())

      for (const [number, [title, story]] of Object.entries(stories).entries())
        it(title, { timeout: storyTimeoutMs }, async () => {
          const served = shared ?? (await startTestCluster(options))
          await using _ = shared ? undefined : served
          await tell(story, binary, served, `story-${number + 1}`)
        })
    })
  }
}

async function tell(story: Story, binary: Binary, served: TestCluster, namespace: string): Promise<void> {
  await using terminal = await openTerminal(binary, served.kubeconfig(namespace))
  const { kubectl } = terminal
  const { cluster, world } = served
  await cluster.client.create(Namespace, { metadata: { name: namespace } })
  await cluster.settle()
  await story({ kubectl, namespace, cluster, world, settle: () => cluster.settle() })
}

/** The kubectls that tests run with. In CI the old one may not be missing. */
function kubectls(): { readonly binary: Binary; readonly missing?: string }[] {
  const newest = newestKubectl()
  const missing = isProgram(oldest.path)
    ? undefined
    : `kubectl ${oldest.version} is not in .cache: run npm test as root on Debian`
  if (missing && process.env['CI'] === 'true') throw new Error(missing)
  return [
    { binary: oldest, ...(missing && { missing }) },
    newest ? { binary: newest } : { binary: { version: 'new', path: '' }, missing: 'there is no kubectl from 1.27 on' },
  ]
}

/** Google's SDK brings several, each named after its version. Else what `CORACLE_KUBECTL` names (`1.36=/path`). */
export function newestKubectl(): Binary | undefined {
  const named = process.env['CORACLE_KUBECTL']?.split('=')
  if (named) return { version: named[0]!, path: named[1]! }
  return globSync('/usr/lib/google-cloud-sdk/bin/kubectl.1.*')
    .filter(isProgram)
    .map((path) => ({ version: path.slice(path.lastIndexOf('kubectl.') + 'kubectl.'.length), path }))
    .sort((one, other) => minorOf(other) - minorOf(one))[0]
}

const minorOf = (binary: Binary) => Number(binary.version.split('.')[1])

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Longer than anything takes on a busy machine. */
const commandTimeoutMs = 40_000
const storyTimeoutMs = 60_000

/** A home folder with a kubeconfig in it, and kubectl. */
async function openTerminal(
  binary: Binary,
  kubeconfig: string,
): Promise<AsyncDisposable & { readonly kubectl: Kubectl }> {
  const home = await mkdtemp(join(tmpdir(), 'coracle-kubectl-'))
  await mkdir(join(home, '.kube'))
  await writeFile(join(home, '.kube/config'), kubeconfig, { mode: 0o600 })

  const start: Kubectl['start'] = (command, options) => startProgram(binary, home, words(command), options)
  const run: Kubectl['run'] = (command, options) => start(command, options).ended

  const say = async (command: string, file?: string) => {
    const { code, stdout, stderr } = await run(command, { ...(file !== undefined && { file }) })
    assert.equal(code, 0, `kubectl ${command}\n${stdout}${stderr}`)
    return stdout.trimEnd()
  }
  const kubectl: Kubectl = Object.assign(say, {
    minor: minorOf(binary),
    start,
    run,
    async refused(command: string, file?: string) {
      const { code, stdout, stderr } = await run(command, { ...(file !== undefined && { file }) })
      assert.equal(code, 1, `kubectl ${command} should have been refused\n${stdout}${stderr}`)
      return stderr.trimEnd()
    },
    rows: async (command: string) => toRows(await say(command)),
    read: (command: string, jsonPath: string) => say(`${command} -o "jsonpath=${jsonPath}"`),
  })
  return {
    kubectl,
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  }
}

function startProgram(binary: Binary, home: string, args: readonly string[], options: RunOptions = {}): Started {
  const child = spawn(binary.path, args, {
    // What --record writes down.
    argv0: 'kubectl',
    cwd: home,
    env: { HOME: home, PATH: '/usr/bin:/bin', TERM: 'dumb', KUBE_EDITOR: options.editor ?? 'false' },
    timeout: commandTimeoutMs,
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
    child.emit('said')
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const ended = new Promise<Run>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 130, stdout, stderr }))
  })
  // A command that does not read its input may end before it is written.
  child.stdin.on('error', () => {})
  child.stdin.end(options.file ?? '')
  return {
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => pattern.test(stdout) && resolve()
        child.on('said', look)
        child.on('close', () => reject(new Error(`${args.join(' ')} ended without ${pattern}:\n${stdout}${stderr}`)))
        look()
      }),
    interrupt() {
      child.kill('SIGINT')
      return ended
    },
  }
}

/** The words of a command line; quotes hold together what has blanks. */
function words(command: string): string[] {
  return [...command.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  )
}

/** Columns begin where their titles do; titles are at least three blanks apart. */
function toRows(table: string): Record<string, string>[] {
  const [header = '', ...lines] = table.split('\n')
  const columns = [...header.matchAll(/\S+(?: \S+)*/g)].map(({ 0: title, index }) => ({ title, index }))
  return lines.map((line) =>
    Object.fromEntries(
      columns.map(({ title, index }, number) => [title, line.slice(index, columns[number + 1]?.index).trim()]),
    ),
  )
}
