import { equalJson } from '../../schema/freeze.ts'
import type { Container } from './containers.ts'
import type { ContainerStatus, Pod } from './pod.ts'
import type { PodSpec } from './pod-spec.ts'

/** A container, or what is known of one, as far as resizing in place goes (KEP-1287). */
interface Sized {
  readonly name: string
  readonly resources?: Container['resources'] | undefined
}

/**
 * The spec of a pod with the resources that its node has given to its running containers, which since 1.33 can be other ones
 * than it asks for. The spec itself when they are the same.
 */
export function grantedSpec({ spec, status }: Pod): PodSpec {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].filter(isRunning)
  return statuses.length > 0 ? withResources(spec, statuses) : spec
}

const isRunning = ({ state, resources }: ContainerStatus) => state?.running !== undefined && resources !== undefined

/** A spec whose containers have the resources of those in the list that are called as they are. */
export function withResources(spec: PodSpec, given: readonly Sized[]): PodSpec {
  const sized = <C extends Container>(container: C): C => {
    const { resources } = given.find(({ name }) => name === container.name) ?? container
    if (isSameSize(container.resources, resources)) return container
    const { claims } = container.resources ?? {}
    return { ...container, resources: { ...resources, ...(claims && { claims }) } }
  }
  const containers = spec.containers.map(sized)
  const initContainers = spec.initContainers?.map(sized)
  const isSame =
    containers.every((container, at) => container === spec.containers[at]) &&
    (initContainers ?? []).every((container, at) => container === spec.initContainers![at])
  return isSame ? spec : { ...spec, containers, ...(initContainers && { initContainers }) }
}

/** Whether two containers request the same, and are limited to the same. */
export const isSameSize = (a: Sized['resources'], b: Sized['resources']): boolean =>
  a === b || (equalJson(a?.requests, b?.requests) && equalJson(a?.limits, b?.limits))

/** Whether the node has said that it can never give the pod what it asks for. */
export const isResizeInfeasible = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible') ?? false
