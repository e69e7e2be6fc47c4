import { parse } from 'yaml'
import { goYaml } from '../../base/go-yaml.ts'
import { parseProcessStat } from '../../base/process-stat.ts'
import type { HostWorld } from '../../world/world.ts'
import type { ComponentConfiguration } from '../config/component-defaults.ts'
import { defaultCriSocket } from '../config/defaults.ts'
import type { Argument, NodeRegistration } from '../config/types.ts'
import { LifecycleError } from '../failure.ts'
import { FileChanges } from '../file-changes.ts'
import { commandLine } from '../manifests/arguments.ts'
import { applyPatches, type PatchFile } from '../manifests/patches.ts'
import { paths } from '../paths.ts'
import { runsSystemd } from '../preflight/services.ts'

/**
 * The node agent of a host: its files, and its process. Where systemd runs it is a unit, elsewhere a process of its own
 * whose number is in a file.
 */
export const kubeletPidFile = `${paths.run}/kubelet.pid`
export const kubeletLogFile = '/var/log/coracle/kubelet.log'
const instanceConfig = `${paths.kubelet}/instance-config.yaml`
const unitFile = '/etc/systemd/system/kubelet.service'
const stopMs = 10_000
const lookMs = 50

type Print = (line: string) => void

export interface AgentFiles {
  readonly node: NodeRegistration
  readonly configuration: ComponentConfiguration
  /** Whether the agent puts the taints on its node itself; on control planes a phase does. */
  readonly registersTaints: boolean
  readonly patches: readonly PatchFile[]
}

/** Writes what the agent reads; whether any of it was not there, or was different. */
export async function writeAgentFiles(world: HostWorld, files: AgentFiles, print: Print): Promise<boolean> {
  let changed = false
  const write = async (path: string, text: string) => {
    if ((await world.disk.read(path)) === text) return
    changed = true
    await world.disk.write(path, text, 0o644)
  }
  const { node, configuration, patches } = files
  const environment = `KUBELET_KUBEADM_ARGS=${JSON.stringify(agentArguments(world, files).join(' '))}\n`
  print(`[kubelet-start] Writing kubelet environment file with flags to file ${JSON.stringify(paths.kubeletFlags)}`)
  await write(paths.kubeletFlags, environment)
  const instance = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    containerRuntimeEndpoint: node.criSocket,
    kind: 'KubeletConfiguration',
  }
  print(`[kubelet-start] Writing kubelet configuration to file ${JSON.stringify(instanceConfig)}`)
  await write(instanceConfig, goYaml(instance))
  const text = agentConfiguration(configuration, node.criSocket, patches, print)
  print(`[kubelet-start] Writing kubelet configuration to file ${JSON.stringify(paths.kubeletConfig)}`)
  await write(paths.kubeletConfig, text)
  return changed
}

/** What the agent of a host reads: the configuration of all of them, with what is this host's own. */
export function agentConfiguration(
  configuration: ComponentConfiguration,
  criSocket: string,
  patches: readonly PatchFile[],
  print: Print,
): string {
  const whole = { ...configuration, containerRuntimeEndpoint: criSocket }
  return goYaml(applyPatches('kubeletconfiguration', whole, patches, undefined, print))
}

/** The socket that the agent of this host was given. */
export async function criSocketOf({ disk }: Pick<HostWorld, 'disk'>): Promise<string> {
  for (const file of [instanceConfig, paths.kubeletConfig]) {
    const found = parse((await disk.read(file)) ?? '{}') as ComponentConfiguration | null
    const socket = found?.['containerRuntimeEndpoint']
    if (typeof socket === 'string' && socket !== '') return socket
  }
  return defaultCriSocket
}

function agentArguments(world: HostWorld, { node, registersTaints }: AgentFiles): readonly string[] {
  const taints = registersTaints ? (node.taints ?? []) : []
  const usual = {
    ...(node.name !== world.machine.hostName && { 'hostname-override': node.name }),
    ...(taints.length > 0 && {
      'register-with-taints': taints
        .map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`)
        .join(','),
    }),
  }
  return commandLine('', usual, node.kubeletExtraArgs as readonly Argument[] | undefined).slice(1)
}

const fixedArguments = [
  `--bootstrap-kubeconfig=${paths.bootstrapKubeconfig}`,
  `--kubeconfig=${paths.kubeletKubeconfig}`,
  `--config=${paths.kubeletConfig}`,
]

/** Starts the agent with the files as they are; one that runs already is stopped first. */
export async function startAgent(world: HostWorld, print: Print): Promise<void> {
  await stopAgent(world)
  print('[kubelet-start] Starting the kubelet')
  if (await runsSystemd(world)) return startUnit(world)
  const [program, ...own] = world.exec.self
  await world.disk.makeFolder(paths.run, 0o755)
  const args = [...own, 'kubelet', ...fixedArguments, ...(await flagsFromFile(world))]
  // The number is written by the process itself: whoever is killed now leaves no agent that nobody knows of.
  const script = `echo $$ > ${kubeletPidFile}; exec "$@"`
  using changes = new FileChanges(kubeletPidFile, world)
  const child = world.exec.start('sh', ['-c', script, 'sh', program, ...args], {
    logFile: kubeletLogFile,
    detached: true,
  })
  if (child.pid === 0) throw (await child.exited).error ?? new LifecycleError('the kubelet could not be started')
  // Until then nobody could tell it from one that has ended.
  let ended = false
  void child.exited.then(() => {
    ended = true
  })
  while (!ended && (await runningAgent(world)) !== child.pid) await changes.wait(lookMs)
}

async function flagsFromFile({ disk }: HostWorld): Promise<readonly string[]> {
  const text = (await disk.read(paths.kubeletFlags)) ?? ''
  const quoted = /^KUBELET_KUBEADM_ARGS=(".*")$/m.exec(text)?.[1]
  return quoted === undefined ? [] : (JSON.parse(quoted) as string).split(/\s+/).filter((each) => each !== '')
}

async function startUnit(world: HostWorld): Promise<void> {
  await world.disk.write(unitFile, unit([...world.exec.self, 'kubelet', ...fixedArguments]), 0o644)
  for (const args of [['daemon-reload'], ['enable', 'kubelet'], ['restart', 'kubelet']]) {
    const { code, stderr } = await world.exec.run('systemctl', args, { timeoutMs: 60_000 })
    if (code !== 0) throw new LifecycleError(`systemctl ${args.join(' ')} failed: ${stderr.trim()}`)
  }
}

const unit = (command: readonly string[]) => `[Unit]
Description=Coracle: the node agent
Wants=network-online.target
After=network-online.target

[Service]
EnvironmentFile=-${paths.kubeletFlags}
ExecStart=${command.join(' ')} $KUBELET_KUBEADM_ARGS
Restart=always
RestartSec=2
KillMode=process

[Install]
WantedBy=multi-user.target
`

/** Whether an agent of ours runs, and as which process; 0 where systemd knows. */
export async function runningAgent(world: HostWorld): Promise<number | undefined> {
  if (await runsSystemd(world)) {
    const { stdout } = await world.exec.run('systemctl', ['is-active', 'kubelet'], { timeoutMs: 10_000 })
    return stdout.trim() === 'active' ? 0 : undefined
  }
  const pid = Number(((await world.disk.read(kubeletPidFile)) ?? '').trim())
  if (!Number.isInteger(pid) || pid <= 0 || !world.exec.isAlive(pid)) return undefined
  const words = await world.disk.read(`/proc/${pid}/cmdline`).catch(() => undefined)
  // Numbers are given out again. While a process becomes another program it has no words.
  if (words === undefined || words.split('\0').includes('kubelet')) return pid
  return words === '' && (await hasMemory(world, pid)) ? pid : undefined
}

/** One that has ended and is not buried yet has none. */
async function hasMemory({ disk }: HostWorld, pid: number): Promise<boolean> {
  const stat = parseProcessStat(await disk.read(`/proc/${pid}/stat`).catch(() => undefined))
  return stat !== undefined && stat.memory > 0
}

/** Ends the agent; what it runs goes on. Whether there was one. */
export async function stopAgent(world: HostWorld): Promise<boolean> {
  const pid = await runningAgent(world)
  if (pid === undefined) return false
  if (pid === 0) {
    await world.exec.run('systemctl', ['stop', 'kubelet'], { timeoutMs: 60_000 })
    return true
  }
  const { exec, clock, disk } = world
  exec.signal(pid, 'SIGTERM')
  const deadline = clock.monotonic() + stopMs
  while ((await runningAgent(world)) !== undefined) {
    if (clock.monotonic() > deadline) exec.signal(pid, 'SIGKILL')
    // Only a parent is told that a process ends, and this is none.
    await clock.after(lookMs)
  }
  await disk.remove(kubeletPidFile)
  return true
}

/** Takes the unit away, where there is one. */
export async function removeUnit(world: HostWorld): Promise<void> {
  if (!(await world.disk.stat(unitFile))) return
  await world.exec.run('systemctl', ['disable', 'kubelet'], { timeoutMs: 60_000 })
  await world.disk.remove(unitFile)
  await world.exec.run('systemctl', ['daemon-reload'], { timeoutMs: 60_000 })
}

/** Where the agent says whether it is well, by its configuration. */
export async function healthAddress({ disk }: Pick<HostWorld, 'disk'>): Promise<string> {
  const configuration = parse((await disk.read(paths.kubeletConfig)) ?? '{}') as ComponentConfiguration | null
  const address = String(configuration?.['healthzBindAddress'] ?? '127.0.0.1')
  const host = address.includes(':') ? `[${address}]` : address
  return `http://${host}:${configuration?.['healthzPort'] ?? 10_248}/healthz`
}
