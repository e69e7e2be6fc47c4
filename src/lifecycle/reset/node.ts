import type { HostWorld } from '../../world/world.ts'
import { kubeletLogFile, removeUnit, runningAgent, stopAgent } from '../init/node-agent.ts'
import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import type { ResetData } from './data.ts'
import { ownManifest } from './etcd.ts'
import { stopPods } from './processes.ts'

export const cleanupNode: Phase<ResetData> = {
  name: 'cleanup-node',
  summary: 'Run cleanup node',
  async plan(data) {
    const { directories, files, etcd } = await whatToClean(data)
    return [
      '[reset] Would stop the kubelet service',
      `[reset] Would unmount mounted directories in ${JSON.stringify(paths.kubelet)}`,
      '[reset] Would remove Kubernetes-managed containers',
      ...(etcd === undefined ? [] : [`[reset] Would delete contents of the etcd data directory: ${etcd}`]),
      `[reset] Would delete contents of directories: [${directories.join(' ')}]`,
      `[reset] Would delete files: [${files.join(' ')}]`,
    ]
  },
  async run(data) {
    const { world, tools, reset } = data
    // Before the files are gone that say it.
    const { directories, files, etcd } = await whatToClean(data)
    if ((await runningAgent(world)) !== undefined) tools.print('[reset] Stopping the kubelet service')
    await stopAgent(world)
    await removeUnit(world)
    await stopPods(world)
    tools.print(`[reset] Unmounting mounted directories in ${JSON.stringify(paths.kubelet)}`)
    await unmount(world, reset.unmountFlags ?? [], tools.warn)
    if (etcd !== undefined) {
      await empty(world, etcd)
      tools.print(`[reset] Deleted contents of the etcd data directory: ${etcd}`)
    }
    if (reset.certificatesDir !== paths.certificates)
      tools.warn(
        `[reset] WARNING: Cleaning a non-default certificates directory: ${JSON.stringify(reset.certificatesDir)}`,
      )
    tools.print(`[reset] Deleting contents of directories: [${directories.join(' ')}]`)
    for (const directory of directories) await empty(world, directory)
    tools.print(`[reset] Deleting files: [${files.join(' ')}]`)
    for (const file of files) await world.disk.remove(file)
    await forgetProcesses(world)
  },
}

interface ToClean {
  readonly directories: readonly string[]
  readonly files: readonly string[]
  /** Absent where etcd is somebody else's. */
  readonly etcd: string | undefined
}

async function whatToClean({ world, reset }: ResetData): Promise<ToClean> {
  const manifest = await ownManifest(world)
  const etcd = manifest?.flag('data-dir') ?? paths.etcdData
  return {
    directories: [
      paths.manifests,
      paths.kubelet,
      reset.certificatesDir,
      paths.podLogs,
      ...(reset.cleanupTmpDir ? [paths.temporary] : []),
    ],
    files: [
      paths.adminKubeconfig,
      paths.superAdminKubeconfig,
      paths.kubeletKubeconfig,
      paths.bootstrapKubeconfig,
      paths.controllerManagerKubeconfig,
      paths.schedulerKubeconfig,
      kubeletLogFile,
    ],
    etcd: manifest || (await world.disk.list(etcd)).length > 0 ? etcd : undefined,
  }
}

/** The folder itself stays: it may be a mount point. */
async function empty({ disk }: HostWorld, folder: string): Promise<void> {
  for (const name of await disk.list(folder)) await disk.remove(`${folder}/${name}`)
}

async function forgetProcesses({ disk }: HostWorld): Promise<void> {
  for (const name of await disk.list(paths.run)) {
    // The lock is this process's own.
    if (!name.endsWith('.lock')) await disk.remove(`${paths.run}/${name}`)
  }
}

/** What is mounted below the agent's folder, the innermost first. */
async function unmount(world: HostWorld, flags: readonly string[], warn: (line: string) => void): Promise<void> {
  const table = (await world.disk.read('/proc/mounts').catch(() => undefined)) ?? ''
  const points = table
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${paths.kubelet}/`))
    .map((point) => point.replace(/\\040/g, ' '))
  const options = [...(flags.includes('MNT_FORCE') ? ['-f'] : []), ...(flags.includes('MNT_DETACH') ? ['-l'] : [])]
  for (const point of points.reverse()) {
    const { code, stderr } = await world.exec.run('umount', [...options, point], { timeoutMs: 30_000 })
    if (code !== 0) warn(`[reset] Failed to unmount ${point}: ${stderr.trim()}`)
  }
}
