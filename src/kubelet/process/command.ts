import type { Container, EnvVar } from '../../kinds/core/containers.ts'
import type { Pod } from '../../kinds/core/pod.ts'
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
export function expand(word: string, env: Readonly<Record<string, string>>): string {
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
  const found = fieldOf(pod, path, hostAddress)
  if (found === undefined) throw unknownSource(name, path)
  return found
}

/** What stands in a field of a pod that `fieldRef` may name; undefined for a field that is not known. */
export function fieldOf({ metadata, spec }: Pod, path: string, hostAddress: string): string | undefined {
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? []
  if (map) return metadata[map as 'labels' | 'annotations']?.[key!] ?? ''
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
  return values[path]
}

const unknownSource = (name: string, what: string) =>
  new ContainerError('CreateContainerConfigError', `${name}: ${what} cannot be had by a process of the host`)
