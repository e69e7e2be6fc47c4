import type { Container, VolumeMount } from '../../kinds/core/containers.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { HostPathVolumeSource, Volume } from '../../kinds/core/volumes.ts'
import type { Disk, Exec } from '../../world/world.ts'
import { ContainerError } from '../runtime.ts'
import { expand } from './command.ts'

/** A path of the host that a process is to see elsewhere, or may only read. */
export interface Mount {
  readonly source: string
  readonly target: string
  readonly isReadOnly: boolean
}

interface MountTools {
  readonly disk: Disk
  /** The container's variables. */
  readonly env: Readonly<Record<string, string>>
  /** Where a volume that is no path of the host lies there; nothing when there is no such volume. */
  readonly folderOf: (pod: Pod, volume: Volume) => string | undefined
}

/**
 * What a container mounts, outer folders first. Makes the paths of the host that may be made, and throws `ContainerError`
 * for what is missing.
 */
export async function mountsOf(pod: Pod, container: Container, tools: MountTools): Promise<readonly Mount[]> {
  const mounts: Mount[] = []
  for (const mount of container.volumeMounts ?? []) {
    const source = await sourceOf(pod, mount, tools)
    mounts.push({ source, target: clean(`/${mount.mountPath}`), isReadOnly: mount.readOnly ?? false })
  }
  const depth = ({ target }: Mount) => target.split('/').length
  return mounts.sort((a, b) => depth(a) - depth(b))
}

async function sourceOf(pod: Pod, mount: VolumeMount, { disk, env, folderOf }: MountTools): Promise<string> {
  const volume = pod.spec.volumes?.find(({ name }) => name === mount.name)
  if (volume?.hostPath) await checkPath(mount.name, volume.hostPath, disk)
  const path = volume?.hostPath?.path ?? (volume && folderOf(pod, volume))
  if (path === undefined) throw cannotMount(mount.name, 'it cannot be mounted into a process of the host')
  const below = mount.subPath || expand(mount.subPathExpr ?? '', env)
  if (below === '') return clean(path)
  if (!(await disk.stat(`${path}/${below}`))) await disk.makeFolder(`${path}/${below}`, 0o750)
  return clean(`${path}/${below}`)
}

async function checkPath(name: string, { path, type = '' }: HostPathVolumeSource, disk: Disk): Promise<void> {
  const found = await disk.stat(path)
  // Of a path without a type nothing is checked, and container runtimes make a folder of it.
  if ((type === '' || type === 'DirectoryOrCreate') && !found) return disk.makeFolder(path, 0o755)
  if (type === 'FileOrCreate' && !found) return disk.append(path, '')
  if (type === '') return
  if (found?.isFolder !== type.startsWith('Directory'))
    throw cannotMount(name, `hostPath type check failed: ${path} is not a ${wordOf(type)}`)
}

const wordOf = (type: string) => (type.startsWith('Directory') ? 'directory' : 'file')
const cannotMount = (name: string, why: string) =>
  new ContainerError('CreateContainerConfigError', `volume ${name}: ${why}`)
const clean = (path: string) => path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1')

/**
 * For a shell: `sh -c … sh SOURCE TARGET ro|rw … -- PROGRAM ARGUMENTS`. Places to mount at are made within, as some lie in
 * what has just been mounted.
 */
const mountAll = `set -e
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$2"; elif [ ! -e "$2" ]; then mkdir -p "\${2%/*}"; : >"$2"; fi
  mount --rbind "$1" "$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro "$2"; fi
  shift 3
done
shift
exec "$@"`

/**
 * What runs so that a program sees its mounts: in a mount namespace of its own, in which the process stays the same one.
 * A process whose mounts all lie where they do on the host needs none. Throws `ContainerError`.
 */
export async function withMounts(
  command: [string, ...string[]],
  mounts: readonly Mount[],
  exec: Pick<Exec, 'which'>,
): Promise<[string, ...string[]]> {
  if (mounts.every(({ source, target }) => source === target)) return command
  for (const program of ['unshare', 'mount']) {
    if ((await exec.which(program)) === undefined)
      throw new ContainerError(
        'CreateContainerError',
        `volumes cannot be mounted without ${program}: install util-linux`,
      )
  }
  const words = mounts
    .filter(({ source, target, isReadOnly }) => source !== target || isReadOnly)
    .flatMap(({ source, target, isReadOnly }) => [source, target, isReadOnly ? 'ro' : 'rw'])
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mountAll, 'sh', ...words, '--', ...command]
}
