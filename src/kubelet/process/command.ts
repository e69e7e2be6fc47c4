import type { Container, EnvVar } from '../../kinds/core/containers.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Disk } from '../../world/world.ts'
import { ContainerError } from '../runtime.ts'

/** What a container runs, with its variables put in. Throws `ContainerError`. */
export function commandOf(container: Container, env: Readonly<Record<string, string>>): [string, ...string[]] {
  const [program, ...args] = [...(container.command ?? []), ...(container.args ?? [])].map((word) => expand(word, env))
  if (program === undefined)
    throw new ContainerError(
      'CreateContainerError',
      `container ${container.name} names no command, and an image is not looked into`,
    )
  return [program, ...args]
}

/** `$(NAME)` is the variable, `$$(NAME)` is itself; what is not known stays. */
function expand(word: string, env: Readonly<Record<string, string>>): string {
  return word.replace(/\$\$|\$\(([^)]+)\)/g, (whole, name?: string) => {
    if (name === undefined) return '$'
    return env[name] ?? whole
  })
}

/** The variables of a container. Throws `ContainerError` for what only the API could tell. */
export function environmentOf(pod: Pod, container: Container, hostAddress: string): Readonly<Record<string, string>> {
  const env: Record<string, string> = {}
  for (const variable of container.env ?? []) env[variable.name] = variableOf(variable, pod, hostAddress, env)
  if (container.envFrom?.length) throw unknownSource(container.name, 'envFrom')
  return env
}

function variableOf(
  { name, value, valueFrom }: EnvVar,
  pod: Pod,
  hostAddress: string,
  env: Readonly<Record<string, string>>,
): string {
  if (!valueFrom) return expand(value ?? '', env)
  const path = valueFrom.fieldRef?.fieldPath
  if (path === undefined) throw unknownSource(name, 'valueFrom')
  const { metadata, spec } = pod
  const values: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName ?? '',
    'status.podIP': hostAddress,
    'status.podIPs': hostAddress,
    'status.hostIP': hostAddress,
    'status.hostIPs': hostAddress,
  }
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? []
  const found = map ? (metadata[map as 'labels' | 'annotations']?.[key!] ?? '') : values[path]
  if (found === undefined) throw unknownSource(name, path)
  return found
}

const unknownSource = (name: string, what: string) =>
  new ContainerError('CreateContainerConfigError', `${name}: ${what} cannot be had by a process of the host`)

/**
 * A process sees the host's own files, so that what is mounted must lie where it is on the host. Makes the folders that
 * may be made, and throws `ContainerError` for what is missing or lies elsewhere.
 */
export async function checkMounts(pod: Pod, container: Container, disk: Disk): Promise<void> {
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const volume = pod.spec.volumes?.find((each) => each.name === name)
    if (!volume?.hostPath) throw cannotMount(name, 'only paths of the host can be mounted into a process of the host')
    const { path, type = '' } = volume.hostPath
    if (clean(path) !== clean(mountPath))
      throw cannotMount(
        name,
        `${path} cannot be shown at ${mountPath}: a process sees the files of the host where they lie`,
      )
    await checkPath(name, path, type, disk)
  }
}

async function checkPath(name: string, path: string, type: string, disk: Disk): Promise<void> {
  const found = await disk.stat(path)
  if (type === 'DirectoryOrCreate' && !found) return disk.makeFolder(path, 0o755)
  if (type === 'FileOrCreate' && !found) return disk.append(path, '')
  if (type === '') return
  if (!found) throw cannotMount(name, `hostPath type check failed: ${path} is not a ${wordOf(type)}`)
  if (found.isFolder !== type.startsWith('Directory'))
    throw cannotMount(name, `hostPath type check failed: ${path} is not a ${wordOf(type)}`)
}

const wordOf = (type: string) => (type.startsWith('Directory') ? 'directory' : 'file')
const cannotMount = (name: string, why: string) =>
  new ContainerError('CreateContainerConfigError', `volume ${name}: ${why}`)
const clean = (path: string) => path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1')
