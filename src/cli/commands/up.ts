import {
  DnsPortError,
  type ServedCluster,
  type ServeOptions,
  SettingError,
  serveCluster,
  TokenFileError,
} from '../../cluster/serve.ts'
import {
  type KubeconfigEntry,
  KubeconfigError,
  putIntoKubeconfig,
  requireKubeconfig,
} from '../../lifecycle/kubeconfig.ts'
import { PkiFileError } from '../../lifecycle/pki-store.ts'
import type { HostWorld } from '../../world/world.ts'
import { accessArguments, accessCliFlags, accessFlagsOf } from '../access-flags.ts'
import { type Command, type CommandContext, UserError } from '../command.ts'
import { etcdArguments, etcdCliFlags, etcdEndpointOf } from '../etcd-flags.ts'
import { contextName, dataDirFlag, dataDirOf, integerFlag, kubeconfigFlag, kubeconfigOf } from '../flags.ts'
import { adminOf, findRunning, forgetRunning, type RunningCluster, recordRunning } from '../running.ts'

export const up: Command = {
  name: 'up',
  summary: 'Start a cluster, and make kubectl use it',
  flags: {
    dataDir: dataDirFlag,
    ephemeral: { type: 'boolean', help: 'keep everything in memory; it is gone when the cluster stops' },
    nodes: { type: 'string', value: 'N', help: 'how many simulated nodes', default: '3' },
    port: {
      type: 'string',
      value: 'P',
      help: 'port of the API server on 127.0.0.1; 0 for any free one',
      default: '6443',
    },
    kubeconfig: kubeconfigFlag,
    tokenAuthFile: { type: 'string', value: 'FILE', help: 'CSV of bearer tokens: token,user,uid,"group1,group2"' },
    runtimeConfig: {
      type: 'string',
      value: 'LIST',
      help: 'API versions that are served or not, as kube-apiserver has it: batch/v1=false,api/beta=false',
    },
    featureGates: { type: 'string', value: 'LIST', help: 'feature gates, as kube-apiserver has them: Name=true' },
    schedulerConfig: { type: 'string', value: 'FILE', help: 'a KubeSchedulerConfiguration: profiles of the scheduler' },
    controllers: {
      type: 'string',
      value: 'LIST',
      help: 'which controllers run, as kube-controller-manager has it: *,-deployment-controller',
    },
    dnsPort: {
      type: 'string',
      value: 'P',
      help: 'port on 127.0.0.1 on which the names of services are answered for (DNS over UDP and TCP); 0 for any free one',
    },
    prometheus: { type: 'string', value: 'URL', help: 'Prometheus that custom and external metrics come from' },
    metricsRules: { type: 'string', value: 'FILE', help: 'which metrics those are, as prometheus-adapter has it' },
    ...accessCliFlags,
    ...etcdCliFlags,
    apiOnly: { type: 'boolean', help: 'store and API server alone: no controllers, scheduler or nodes' },
    detach: { type: 'boolean', help: 'return when the cluster is ready and leave it running' },
  },
  examples: ['coracle up', 'coracle up --detach --nodes 10', 'coracle up --ephemeral --api-only --port 0'],

  async run(context) {
    const dataDir = context.flags.ephemeral ? undefined : dataDirOf(context)
    const running = dataDir && (await findRunning(context.world, dataDir))
    if (running) return sayRunning(context, dataDir, running)
    if (context.flags.detach) await startDetached(context, dataDir)
    else await serve(context, dataDir)
  },
}

async function sayRunning(context: CommandContext, dataDir: string, running: RunningCluster): Promise<void> {
  const { world, print } = context
  print(`A cluster is running already on ${running.url} (process ${running.pid}).`)
  // Its certificates may have been renewed, and its authority replaced, since it was started.
  const file = kubeconfigOf(context)
  if (await writeKubeconfig(world, file, await adminOf(world, dataDir, running)))
    print(`Context "${contextName}" is up to date again, and current, in ${file}`)
  print('Stop it with: coracle down')
}

async function serve(context: CommandContext, dataDir: string | undefined): Promise<void> {
  const { world, flags, print } = context
  const kubeconfig = kubeconfigOf(context)
  const nodes = integerFlag(flags, 'nodes', 0, 5000)
  const port = integerFlag(flags, 'port', 0, 65_535)
  const dnsPort = flags.dnsPort === undefined ? undefined : integerFlag(flags, 'dnsPort', 0, 65_535)
  const tokenFile = await readFlaggedFile(context, 'tokenAuthFile', '--token-auth-file')
  const prometheus = await readPrometheus(context)
  const schedulerConfig = await readFlaggedFile(context, 'schedulerConfig', '--scheduler-config')
  const etcd = etcdEndpointOf(flags)
  // Before anything else begins.
  await understood(kubeconfig, async () => requireKubeconfig(await world.disk.read(kubeconfig)))
  const served = await serveCluster({
    world,
    ...(dataDir && { dataDir }),
    ...(tokenFile !== undefined && { tokenFile }),
    accessFlags: accessFlagsOf(flags),
    ...(prometheus && { prometheus }),
    ...(schedulerConfig !== undefined && { schedulerConfig }),
    ...(etcd && { etcd }),
    ...(dnsPort !== undefined && { dnsPort }),
    host: '127.0.0.1',
    port,
    nodes,
    apiOnly: flags.apiOnly === true,
    ...(typeof flags.controllers === 'string' && { controllers: flags.controllers.split(',') }),
    ...(typeof flags.runtimeConfig === 'string' && { runtimeConfig: flags.runtimeConfig }),
    ...(typeof flags.featureGates === 'string' && { featureGates: flags.featureGates }),
  }).catch((error: unknown) => {
    throw explain(error, port, dataDir)
  })
  await using _ = served
  await writeKubeconfig(world, kubeconfig, { name: contextName, ...served.admin })
  const { url, certificateAuthority } = served
  const running = { pid: world.exec.ownPid, url, certificateAuthority, startedAtMs: world.clock.now(), nodes }
  if (dataDir) await recordRunning(world, dataDir, running)

  const lines = report(context, served, { dataDir, kubeconfig, nodes })
  for (const line of lines) print(line)
  context.tellParent(lines)
  await context.interrupted
  print('Stopping ...')
  if (dataDir) await forgetRunning(world, dataDir)
}

function report(
  { flags, world }: CommandContext,
  served: ServedCluster,
  about: { readonly dataDir: string | undefined; readonly kubeconfig: string; readonly nodes: number },
): string[] {
  const nodes = flags.apiOnly ? 'API server alone' : `${about.nodes} simulated node${about.nodes === 1 ? '' : 's'}`
  return [
    `Kubernetes API on ${served.url}, ${nodes}, ready in ${Math.round(world.clock.now() - performance.timeOrigin)} ms`,
    `State in ${about.dataDir ?? 'memory'}; context "${contextName}" is current in ${about.kubeconfig}`,
    ...(served.etcdUrl
      ? [`etcd's protocol on ${served.etcdUrl}; try: etcdctl --endpoints ${served.etcdUrl} endpoint status`]
      : []),
    ...(served.dnsPort === undefined
      ? []
      : [
          `Names of services on 127.0.0.1:${served.dnsPort} (DNS); try: dig @127.0.0.1 -p ${served.dnsPort} kubernetes.default.svc.cluster.local`,
        ]),
    ...(flags.apiOnly
      ? ['Try: kubectl get namespaces']
      : ['Try: kubectl create deployment web --image=nginx --replicas=3; kubectl get pods -o wide']),
    ...(flags.detach === false ? ['Stop with Ctrl-C.'] : []),
  ]
}

async function startDetached(
  { world, flags, print, ...context }: CommandContext,
  dataDir: string | undefined,
): Promise<void> {
  if (!dataDir)
    throw new UserError('--detach needs a data directory to find the cluster again', {
      hint: 'leave out --ephemeral',
      exitCode: 2,
    })
  const logFile = `${dataDir}/coracle.log`
  const args = ['up', '--data-dir', dataDir, '--kubeconfig', kubeconfigOf({ flags, env: context.env })]
  for (const name of ['nodes', 'port'] as const) args.push(`--${name}`, String(flags[name]))
  if (flags.dnsPort !== undefined) args.push('--dns-port', String(flags.dnsPort))
  if (flags.tokenAuthFile) args.push('--token-auth-file', String(flags.tokenAuthFile))
  if (flags.schedulerConfig) args.push('--scheduler-config', String(flags.schedulerConfig))
  if (flags.prometheus) args.push('--prometheus', String(flags.prometheus))
  if (flags.metricsRules) args.push('--metrics-rules', String(flags.metricsRules))
  if (flags.runtimeConfig) args.push('--runtime-config', String(flags.runtimeConfig))
  if (flags.featureGates) args.push('--feature-gates', String(flags.featureGates))
  if (flags.apiOnly) args.push('--api-only')
  args.push(...accessArguments(flags), ...etcdArguments(flags))
  const before = (await world.disk.read(logFile)) ?? ''
  const child = world.exec.startSelf(args, logFile)
  try {
    for (const line of (await child.ready) as string[]) if (!line.startsWith('Stop with')) print(line)
  } catch (error) {
    const said = (await world.disk.read(logFile))?.slice(before.length).trim() ?? ''
    throw new UserError(said.replace(/^error: /, '') || `the cluster did not start: ${(error as Error).message}`, {
      hint: `its log is ${logFile}`,
    })
  }
  print('Stop it with: coracle down')
  child.release()
}

/** The text of the file that a flag names; nothing where the flag is not given. */
async function readFlaggedFile(
  { world, flags }: CommandContext,
  name: 'tokenAuthFile' | 'metricsRules' | 'schedulerConfig',
  flag: string,
): Promise<string | undefined> {
  if (!flags[name]) return undefined
  const text = await world.disk.read(String(flags[name]))
  if (text === undefined) throw new UserError(`${flag}: there is no file ${flags[name]}`)
  return text
}

async function readPrometheus(context: CommandContext): Promise<ServeOptions['prometheus']> {
  const rules = await readFlaggedFile(context, 'metricsRules', '--metrics-rules')
  const { prometheus: url } = context.flags
  if (url && rules !== undefined) return { url: String(url), rules }
  if (url || rules !== undefined)
    throw new UserError('--prometheus and --metrics-rules are of use together alone', { exitCode: 2 })
  return undefined
}

/** Whether there was anything to change. */
async function writeKubeconfig(world: HostWorld, file: string, admin: KubeconfigEntry): Promise<boolean> {
  const before = await world.disk.read(file)
  const text = await understood(file, async () => putIntoKubeconfig(before, admin))
  if (text === before) return false
  await world.disk.write(file, text)
  return true
}

async function understood<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error
    throw new UserError(`${file} is not a kubeconfig: ${error.message}`, {
      hint: 'nothing was changed in it; mend it, or name another file with --kubeconfig',
      cause: error,
    })
  }
}

/** What a person can do about what went wrong. */
function explain(error: unknown, port: number, dataDir: string | undefined): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'EADDRINUSE')
    return new UserError(`port ${port} of 127.0.0.1 is in use`, {
      hint: 'name another with --port, or --port 0 for any free one',
      cause: error,
    })
  if (error instanceof DnsPortError)
    return new UserError(error.message, {
      hint: 'name another with --dns-port, or --dns-port 0 for any free one',
      cause: error,
    })
  if (code === 'EACCES') return new UserError(`no permission: ${(error as Error).message}`, { cause: error })
  if (error instanceof SettingError) return new UserError(error.message, { exitCode: 2, cause: error })
  if (error instanceof TokenFileError) return new UserError(`--token-auth-file: ${error.message}`, { cause: error })
  if (error instanceof PkiFileError)
    return new UserError(error.message, {
      hint: `put the file back from a backup, or remove ${dataDir}/pki to make new keys`,
      cause: error,
    })
  if (error instanceof Error && /^the store in /.test(error.message))
    return new UserError(error.message, { cause: error })
  return error
}
