import { parseQuantity, type Quantity } from '../../base/quantity.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
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

/** What one object uses of every resource that a quota can name. */
export function usageOf(kind: Pick<Kind, 'group' | 'plural'>, object: ApiObject): ResourceList {
  const usage = new Map<string, Quantity>([[countName(kind), one]])
  if (kind.group === '') coreUsage[kind.plural]?.(object as never, usage)
  return usage
}

/** `count/pods`, `count/deployments.apps`. */
export const countName = (kind: Pick<Kind, 'group' | 'plural'>): string =>
  kind.group === '' ? `count/${kind.plural}` : `count/${kind.plural}.${kind.group}`

type Usage = Map<string, Quantity>

const countedByName: readonly string[] = ['configmaps', 'replicationcontrollers', 'resourcequotas', 'secrets']

const coreUsage: Readonly<Record<string, ((object: never, usage: Usage) => void) | undefined>> = {
  ...Object.fromEntries(countedByName.map((name) => [name, (_: never, usage: Usage) => void usage.set(name, one)])),
  pods: (pod: Pod, usage) => podUsage(pod, usage),
  services: (service: Service, usage) => serviceUsage(service, usage),
  persistentvolumeclaims: (claim: PersistentVolumeClaim, usage) => claimUsage(claim, usage),
}

/** Resources whose requests quotas also know by their bare name. */
const bareNames: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage'])

function podUsage(pod: Pod, usage: Usage): void {
  if (hasEnded(pod)) return
  usage.set('pods', one)
  for (const [name, amount] of podResources(pod.spec, 'requests')) {
    usage.set(`requests.${name}`, amount)
    if (bareNames.has(name) || name.startsWith('hugepages-')) usage.set(name, amount)
  }
  for (const [name, amount] of podResources(pod.spec, 'limits')) usage.set(`limits.${name}`, amount)
}

/** Pods that are over use nothing any more; their objects are still counted by `count/pods`. */
const hasEnded = (pod: Pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

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

function claimUsage({ spec, metadata }: PersistentVolumeClaim, usage: Usage): void {
  const storage = spec.resources?.requests?.storage
  const storageClass = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName
  const perClass = storageClass ? `${storageClass}.storageclass.storage.k8s.io/` : undefined
  usage.set('persistentvolumeclaims', one)
  if (perClass) usage.set(`${perClass}persistentvolumeclaims`, one)
  if (!storage) return
  usage.set('requests.storage', parseQuantity(storage))
  if (perClass) usage.set(`${perClass}requests.storage`, parseQuantity(storage))
}

/** Whether a quota's scopes take an object in. A quota with scopes counts nothing but pods. */
export function quotaApplies(quota: ResourceQuota, kind: Pick<Kind, 'group' | 'plural'>, object: ApiObject): boolean {
  const scopes: readonly ScopedResourceSelectorRequirement[] = [
    ...(quota.spec.scopes ?? []).map(
      (scope) => ({ scopeName: scope, operator: 'Exists' }) as ScopedResourceSelectorRequirement,
    ),
    ...(quota.spec.scopeSelector?.matchExpressions ?? []),
  ]
  if (scopes.length === 0) return true
  if (kind.group !== '' || kind.plural !== 'pods') return false
  return scopes.every((scope) => podInScope(object as Pod, scope))
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
