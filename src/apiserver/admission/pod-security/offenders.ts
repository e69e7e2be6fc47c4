import type { Container, EphemeralContainer } from '../../../kinds/core/containers.ts'
import type { PodSpec } from '../../../kinds/core/pod-spec.ts'
import type { SecurityContext } from '../../../kinds/core/security.ts'

/** What containers of all sorts have in common. */
export type AnyContainer = Pick<
  Container & EphemeralContainer,
  'name' | 'ports' | 'securityContext' | 'livenessProbe' | 'readinessProbe' | 'startupProbe' | 'lifecycle'
>

/** All containers of a pod, in the order in which messages name them. */
export function containersOf(spec: PodSpec): readonly AnyContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
}

/** The names of the containers of which something holds. */
export function namesOf(
  spec: PodSpec,
  holds: (security: SecurityContext, container: AnyContainer) => boolean,
): string[] {
  return containersOf(spec).flatMap((container) =>
    holds(container.securityContext ?? {}, container) ? container.name : [],
  )
}

export const quoted = (words: Iterable<string>): string => [...words].map((word) => `"${word}"`).join(', ')

/** The same in order and without repeats. */
export const sorted = (words: Iterable<string>): string => quoted([...new Set(words)].sort())

export const plural = (one: string, many: string, count: number): string => (count === 1 ? one : many)

/** `container "a"`, `containers "a", "b"` */
export const containersCalled = (names: readonly string[]): string =>
  `${plural('container', 'containers', names.length)} ${quoted(names)}`

/** `pod and containers "a", "b"`: who of them it is; undefined when it is nobody. */
export function setters(pod: boolean, containers: readonly string[]): string | undefined {
  const found = [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [containersCalled(containers)] : [])]
  return found.length === 0 ? undefined : found.join(' and ')
}

export const isWindows = (spec: PodSpec): boolean => spec.os?.name === 'windows'
