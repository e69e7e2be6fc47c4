import { kubernetesVersion } from '../cluster/cluster.ts'
import { apiServer } from '../cluster/components/api-server.ts'
import { controllerManager } from '../cluster/components/controller-manager.ts'
import { kubelet } from '../cluster/components/kubelet.ts'
import { scheduler } from '../cluster/components/scheduler.ts'
import type { KnownFlags } from '../lifecycle/config/component-flags.ts'
import { type ReadDocuments, readDocuments, throwAll } from '../lifecycle/config/read.ts'
import { ignoredErrors } from '../lifecycle/config/validation.ts'
import { LifecycleError } from '../lifecycle/failure.ts'
import type { LifecycleTools } from '../lifecycle/init/data.ts'
import { type PatchFile, readPatches } from '../lifecycle/manifests/patches.ts'
import { namesOf, type Phase, runPhases } from '../lifecycle/phase.ts'
import { FieldErrors } from '../schema/field-errors.ts'
import { ApiError } from '../schema/status.ts'
import { type Command, type CommandContext, type Flag, type FlagValues, UserError } from './command.ts'
import { absolute } from './flags.ts'
import { rooted } from './rootfs.ts'

/** What `init`, `join`, `reset` and `upgrade` have in common. */
export const processFlags = {
  config: { type: 'string', value: 'FILE', help: 'kubeadm configuration: kubeadm.k8s.io/v1beta4, or an older one' },
  dryRun: { type: 'boolean', help: "don't apply any changes; just output what would be done" },
  ignorePreflightErrors: {
    type: 'string',
    value: 'LIST',
    repeated: true,
    help: "checks whose errors are shown as warnings: IsPrivilegedUser,Swap; 'all' ignores errors of all checks",
  },
  skipPhases: { type: 'string', value: 'LIST', repeated: true, help: 'phases to be skipped' },
} as const satisfies Record<string, Flag>

export const lifecycleFlags = {
  ...processFlags,
  rootfs: { type: 'string', value: 'DIR', help: "the path to the 'real' host root filesystem" },
} as const satisfies Record<string, Flag>

/** Flags that go together with `--config`, besides those that begin with `skip`. */
const besideConfig = new Set([
  'config',
  'ignorePreflightErrors',
  'dryRun',
  'kubeconfig',
  'nodeName',
  'kubeconfigDir',
  'uploadCerts',
  'rootfs',
  'force',
  'yes',
  'output',
  'printConfig',
  'etcdUpgrade',
  'certificateRenewal',
  'allowExperimentalUpgrades',
  'allowReleaseCandidateUpgrades',
])

/** Other flags say what the file says: kubeadm refuses them, in these words. */
export function refuseMixed(flags: FlagValues): void {
  if (flags.config === undefined) return
  const mixed = Object.entries(flags)
    .filter(
      ([name, value]) => value !== undefined && value !== false && !besideConfig.has(name) && !name.startsWith('skip'),
    )
    .map(([name]) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))
  if (mixed.length > 0) throw new UserError(`can not mix '--config' with arguments [${mixed.sort().join(' ')}]`)
}

export function lifecycleTools({ world, env, flags, print, printError }: CommandContext): LifecycleTools {
  const root = textOf(flags, 'rootfs')
  return {
    world: root === undefined ? world : rooted(world, root),
    env,
    program: kubernetesVersion,
    print,
    warn: printError,
  }
}

const namesOfFlags = ({ flags }: { readonly flags: object }) => new Set(Object.keys(flags))

/** What the components of this program may be given besides. */
export const knownFlags: KnownFlags = {
  'kube-apiserver': namesOfFlags(apiServer),
  'kube-controller-manager': namesOfFlags(controllerManager),
  'kube-scheduler': namesOfFlags(scheduler),
  kubelet: namesOfFlags(kubelet),
}

/** The documents of `--config`; none without it. */
export async function configDocuments(flags: FlagValues, tools: LifecycleTools): Promise<ReadDocuments> {
  const file = textOf(flags, 'config')
  if (file === undefined) return readDocuments('', tools.warn)
  return readDocuments(await readConfigFile(file, tools), tools.warn)
}

/** What `join`, `reset` and `upgrade` begin with: their tools, and the documents of `--config`, if given with one of the kind. */
export async function beginWith(
  kind: string,
  context: CommandContext,
): Promise<{ readonly tools: LifecycleTools; readonly documents: ReadDocuments }> {
  const { flags } = context
  refuseMixed(flags)
  const tools = lifecycleTools(context)
  const documents = await configDocuments(flags, tools)
  if (flags.config !== undefined && !documents.kinds.includes(kind))
    throw new UserError(`no ${kind} found in config file ${JSON.stringify(flags.config)}`)
  return { tools, documents }
}

export async function readConfigFile(file: string, { world }: Pick<LifecycleTools, 'world'>): Promise<string> {
  const text = await world.disk.read(absolute(file))
  if (text !== undefined) return text
  throw new LifecycleError(
    `unable to read config from ${JSON.stringify(file)}: open ${file}: no such file or directory`,
  )
}

export const textOf = (flags: FlagValues, name: string): string | undefined => {
  const value = flags[name]
  return typeof value === 'string' ? value : undefined
}

export const listOf = (flags: FlagValues, name: string): readonly string[] =>
  (textOf(flags, name) ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')

export function ignoredOf(flags: FlagValues, configured: readonly string[] = []): ReadonlySet<string> {
  const errors = new FieldErrors()
  const ignored = ignoredErrors(listOf(flags, 'ignorePreflightErrors'), configured, errors)
  throwAll(errors)
  return ignored
}

/** Phases to be skipped: those of the command line, or of the configuration. */
export function skippedOf(flags: FlagValues, configured: readonly string[] = []): readonly string[] {
  const given = listOf(flags, 'skipPhases')
  return given.length > 0 ? given : configured
}

/** The patches of `--patches`, or of the configuration. */
export async function patchesOf(
  flags: FlagValues,
  configured: string | undefined,
  { world, warn }: LifecycleTools,
): Promise<readonly PatchFile[]> {
  const folder = textOf(flags, 'patches') ?? configured
  if (!folder) return []
  const path = absolute(folder)
  if (!(await world.disk.stat(path))?.isFolder)
    throw new LifecycleError(`the folder of patches ${folder} is not there`, { hint: 'name another with --patches' })
  return readPatches(world, path, warn)
}

export interface PhasesToRun<Data> {
  readonly phases: readonly Phase<Data>[]
  /** `certs/apiserver`: it alone; `certs` and `certs/all`: it with its parts; absent: all of them. */
  readonly only?: string
  readonly skip: readonly string[]
  readonly dryRun: boolean
}

/** Runs all phases, or the one that was asked for. */
export async function run<Data>(
  { phases, only, skip, dryRun }: PhasesToRun<Data>,
  data: Data,
  print: (line: string) => void,
): Promise<void> {
  const known = namesOf(phases)
  const unknown = skip.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new UserError(`invalid phase name: ${unknown}`, { hint: `phases are: ${known.join(', ')}`, exitCode: 2 })
  if (only === undefined) return explained(runPhases(phases, data, { skip, dryRun, print }))
  const [name, part] = only.split('/')
  const phase = phases.find((each) => each.name === name)!
  const chosen = part === undefined || part === 'all' ? phase.parts : phase.parts?.filter((each) => each.name === part)
  const narrowed = chosen === undefined ? phase : { ...phase, parts: chosen }
  await explained(runPhases([narrowed], data, { skip, dryRun, print }))
}

/** What the API says is for the operator to hear, not where in the program it was heard. */
async function explained(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    throw new LifecycleError(error.message, {
      hint: 'what was done stays: the same command goes on from here when that is mended',
      cause: error,
    })
  }
}

/** `init phase certs apiserver` and its sisters: a command for each phase and each part. */
export function phaseCommand<Data>(
  phases: readonly Phase<Data>[],
  summary: string,
  flags: Command['flags'],
  usage: string | undefined,
  runOne: (context: CommandContext, only: string) => Promise<void>,
): Command {
  const command = (
    name: string,
    about: string,
    only: string | undefined,
    subcommands: readonly Command[],
  ): Command => ({
    name,
    summary: about,
    ...(usage !== undefined && { usage }),
    flags,
    examples: [],
    ...(subcommands.length > 0 && { subcommands }),
    ...(only !== undefined && { run: (context: CommandContext) => runOne(context, only) }),
  })
  const commands = phases.map((phase) => {
    const parts = phase.parts ?? []
    if (parts.length === 0) return command(phase.name, phase.summary, phase.name, [])
    const all = command('all', phase.summary, `${phase.name}/all`, [])
    const each = parts.map((part) => command(part.name, part.summary, `${phase.name}/${part.name}`, []))
    return command(phase.name, phase.summary, undefined, [all, ...each])
  })
  return { name: 'phase', summary, flags: {}, examples: [], subcommands: commands }
}
