import { compareQuantities, parseQuantity, type Quantity } from '../../base/quantity.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { ResourceClaim } from '../resource/resource-claim.ts'
import type { PersistentVolumeClaim } from './persistent-volume-claim.ts'
import type { Pod } from './pod.ts'
import { podResources, type ResourceList } from './pod-amounts.ts'
import type { ResourceQuota, ScopedResourceSelectorRequirement } from './resource-quota.ts'
import type { Service } from './service.ts'

/**
 * What objects count against quotas: shared by admission, which refuses what would be too much, and by the controller,
 * which counts what is there. Names are those of a quota's `hard`: `pods`, `requests.cpu`, `count/deployments.apps`.
 */

const one = parseQuantity('1')

/**
 * What one object uses of every resource that a quota can name. `now`: in milliseconds since 1970; given, pods that should
 * have ended by then use nothing any more.
 */
export function usageOf(kind: Pick<Kind, 'group' | 'plural'>, object: ApiObject, now?: number): ResourceList {
  const usage = new Map<string, Quantity>([[countName(kind), one]])
  if (kind.group === '') coreUsage[kind.plural]?.(object as never, usage, now)
  if (kind.group === 'resource.k8s.io' && kind.plural === 'resourceclaims') deviceUsage(object as ResourceClaim, usage)
  return usage
}

/** `count/pods`, `count/deployments.apps`. */
export const countName = (kind: Pick<Kind, 'group' | 'plural'>): string =>
  kind.group === '' ? `count/${kind.plural}` : `count/${kind.plural}.${kind.group}`

type Usage = Map<string, Quantity>

const countedByName: readonly string[] = ['configmaps', 'replicationcontrollers', 'resourcequotas', 'secrets']

const coreUsage: Readonly<Record<string, ((object: never, usage: Usage, now?: number) => void) | undefined>> = {
  ...Object.fromEntries(countedByName.map((name) => [name, (_: never, usage: Usage) => void usage.set(name, one)])),
  pods: (pod: Pod, usage, now) => podUsage(pod, usage, now),
  services: (service: Service, usage) => serviceUsage(service, usage),
  persistentvolumeclaims: (claim: PersistentVolumeClaim, usage) => claimUsage(claim, usage),
}

/** Resources whose requests quotas also know by their bare name. */
const bareNames: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage'])

function podUsage(pod: Pod, usage: Usage, now: number | undefined): void {
  if (hasEnded(pod) || (now !== undefined && overdueAt(pod) < now)) return
  usage.set('pods', one)
  for (const [name, amount] of podResources(pod.spec, 'requests')) {
    usage.set(`requests.${name}`, amount)
    if (bareNames.has(name) || name.startsWith('hugepages-')) usage.set(name, amount)
  }
  for (const [name, amount] of podResources(pod.spec, 'limits')) usage.set(`limits.${name}`, amount)
}

/** Pods that are over use nothing any more; their objects are still counted by `count/pods`. */
const hasEnded = (pod: Pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

/**
 * When a pod that is to end counts as ended, whatever its node says, which may be lost: milliseconds since 1970; never for
 * one that may go on.
 */
export function overdueAt({ metadata }: Pod): number {
  const { deletionTimestamp, deletionGracePeriodSeconds: graceSeconds } = metadata
  if (deletionTimestamp === undefined || graceSeconds === undefined) return Number.POSITIVE_INFINITY
  return Date.parse(deletionTimestamp) + graceSeconds * 1000
}

function serviceUsage({ spec }: Service, usage: Usage): void {
  usage.set('services', one)
  const ports = parseQuantity(String(spec.ports?.length ?? 0))
  if (spec.type === 'NodePort') usage.set('services.nodeports', ports)
  if (spec.type === 'LoadBalancer') {
    usage.set('services.loadbalancers', one)
    const nodePorts = spec.ports?.filter((port) => (port.nodePort ?? 0) !== 0).length ?? 0
    usage.set(
      'services.nodeports',
      spec.allocateLoadBalancerNodePorts === false ? parseQuantity(String(nodePorts)) : ports,
    )
  }
}

function claimUsage({ spec, metadata, status }: PersistentVolumeClaim, usage: Usage): void {
  const storage = largest(spec.resources?.requests?.storage, status?.allocatedResources?.['storage'])
  const storageClass = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName
  const perClass = storageClass ? `${storageClass}.storageclass.storage.k8s.io/` : undefined
  usage.set('persistentvolumeclaims', one)
  if (perClass) usage.set(`${perClass}persistentvolumeclaims`, one)
  if (!storage) return
  usage.set('requests.storage', parseQuantity(storage))
  if (perClass) usage.set(`${perClass}requests.storage`, parseQuantity(storage))
}

/** A claim that was to grow, and could not, may ask for less than its volume has already got. */
const largest = (asked: string | undefined, allocated: string | undefined) =>
  asked && allocated && compareQuantities(allocated, asked) > 0 ? allocated : asked

/** As many devices are counted for a request of all that there are. */
const allDevices = 32

/** Devices by their class. Of alternatives each class counts as if the one with most of it were taken (KEP-4816). */
function deviceUsage({ spec }: ResourceClaim, usage: Usage): void {
  for (const { exactly, firstAvailable } of spec.devices?.requests ?? []) {
    const most = new Map<string, number>()
    for (const { deviceClassName, allocationMode, count } of firstAvailable ?? (exactly ? [exactly] : [])) {
      const devices = allocationMode === 'All' ? allDevices : (count ?? 1)
      most.set(deviceClassName, Math.max(most.get(deviceClassName) ?? 0, devices))
    }
    for (const [deviceClass, devices] of most) {
      const name = `${deviceClass}.deviceclass.resource.k8s.io/devices`
      const more = parseQuantity(String(devices))
      usage.set(name, usage.get(name)?.add(more) ?? more)
    }
  }
}

/** Whether a quota's scopes take an object in. Only pods and claims of volumes are in any scope. */
export function quotaApplies(quota: ResourceQuota, kind: Pick<Kind, 'group' | 'plural'>, object: ApiObject): boolean {
  const scopes: readonly ScopedResourceSelectorRequirement[] = [
    ...(quota.spec.scopes ?? []).map(
      (scope) => ({ scopeName: scope, operator: 'Exists' }) as ScopedResourceSelectorRequirement,
    ),
    ...(quota.spec.scopeSelector?.matchExpressions ?? []),
  ]
  if (scopes.length === 0) return true
  return scopes.every((scope) => isInScope(kind, object, scope))
}

/** Whether one scope takes an object in. */
export function isInScope(
  kind: Pick<Kind, 'group' | 'plural'>,
  object: ApiObject,
  scope: ScopedResourceSelectorRequirement,
): boolean {
  if (kind.group !== '') return false
  if (kind.plural === 'pods') return podInScope(object as Pod, scope)
  return kind.plural === 'persistentvolumeclaims' && claimInScope(object as PersistentVolumeClaim, scope)
}

/** Claims are told apart by their class of attributes: the one they ask for, have, or are being given. */
function claimInScope(
  { spec, status }: PersistentVolumeClaim,
  { scopeName, operator, values }: ScopedResourceSelectorRequirement,
): boolean {
  if (scopeName !== 'VolumeAttributesClass') return false
  const named = [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ]
  const names = [...new Set(named.filter((name) => name !== undefined && name !== ''))] as string[]
  if (names.length === 0) return classMatches('', operator, values ?? [])
  return names.some((name) => classMatches(name, operator, values ?? []))
}

function podInScope({ spec }: Pod, { scopeName, operator, values }: ScopedResourceSelectorRequirement): boolean {
  switch (scopeName) {
    case 'Terminating':
      return spec.activeDeadlineSeconds !== undefined
    case 'NotTerminating':
      return spec.activeDeadlineSeconds === undefined
    case 'BestEffort':
      return isBestEffort(spec)
    case 'NotBestEffort':
      return !isBestEffort(spec)
    case 'PriorityClass':
      return classMatches(spec.priorityClassName ?? '', operator, values ?? [])
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(spec)
    case 'VolumeAttributesClass':
      return false
    default:
      return scopeName satisfies never
  }
}

function isBestEffort(spec: Pod['spec']): boolean {
  const asks = (part: 'requests' | 'limits') => {
    for (const [name, amount] of podResources(spec, part))
      if ((name === 'cpu' || name === 'memory') && !amount.isZero) return true
    return false
  }
  return !asks('requests') && !asks('limits')
}

function classMatches(
  name: string,
  operator: ScopedResourceSelectorRequirement['operator'],
  values: readonly string[],
): boolean {
  switch (operator) {
    case 'In':
      return values.includes(name)
    case 'NotIn':
      return !values.includes(name)
    case 'Exists':
      return name !== ''
    case 'DoesNotExist':
      return name === ''
  }
}

function reachesOtherNamespaces({ affinity }: Pod['spec']): boolean {
  const sides = [affinity?.podAffinity, affinity?.podAntiAffinity]
  const terms = sides.flatMap((side) => [
    ...(side?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(side?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
  ])
  return terms.some((term) => (term.namespaces?.length ?? 0) > 0 || term.namespaceSelector !== undefined)
}
