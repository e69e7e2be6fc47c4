import { parseQuantity, Quantity } from '../../base/quantity.ts'
import type { Container } from '../../kinds/core/containers.ts'
import { LimitRange, type LimitRangeItem } from '../../kinds/core/limit-range.ts'
import type { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { podResources, type ResourceList, resourcesOf } from '../../kinds/core/pod-amounts.ts'
import { forbidden } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'

const annotation = 'kubernetes.io/limit-ranger'

/** Gives containers the default requests and limits of their namespace, and refuses what is outside its bounds. */
export function limitRanger(reader: ClusterReader): AdmissionPlugin {
  return {
    name: 'LimitRanger',
    completes: true,
    handles: ({ kind, operation, subresource }) =>
      kind.group === '' &&
      // What containers ask for changes by the sub-resource alone.
      ((kind.plural === 'pods' && subresource === 'resize' && operation === 'UPDATE') ||
        (kind.plural === 'pods' && subresource === '' && operation === 'CREATE') ||
        (kind.plural === 'persistentvolumeclaims' &&
          subresource === '' &&
          (operation === 'CREATE' || operation === 'UPDATE'))),
    admit({ object, kind, namespace, subresource }) {
      if (kind.plural !== 'pods' || subresource !== '') return
      for (const range of reader.list(LimitRange, namespace)) applyDefaults(object as Mutable<Pod>, range)
    },
    validate({ object, kind, namespace, name }) {
      const faults = reader
        .list(LimitRange, namespace)
        .flatMap((range) => range.spec.limits ?? [])
        .flatMap((item) =>
          kind.plural === 'pods' ? podFaults(object as Pod, item) : claimFaults(object as PersistentVolumeClaim, item),
        )
      if (faults.length === 0) return
      const why = faults.length === 1 ? faults[0]! : `[${faults.join(', ')}]`
      throw forbidden({ group: '', resource: kind.plural }, object?.metadata.name ?? name, why)
    },
  }
}

function applyDefaults(pod: Mutable<Pod>, { spec }: LimitRange): void {
  const limits = (spec.limits ?? []).filter((item) => item.type === 'Container')
  const requests = Object.assign({}, ...limits.map((item) => item.defaultRequest))
  const maxima = Object.assign({}, ...limits.map((item) => item.default))
  const notes = [
    ...(pod.spec.containers ?? []).flatMap((container) => fill(container, 'container', requests, maxima)),
    ...(pod.spec.initContainers ?? []).flatMap((container) => fill(container, 'init container', requests, maxima)),
  ]
  if (notes.length === 0) return
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [annotation]: `LimitRanger plugin set: ${notes.join('; ')}`,
  }
}

type Amounts = Readonly<Record<string, string>>

/** Fills in what a container leaves open and says what was filled in. */
function fill(container: Mutable<Container>, what: string, requests: Amounts, limits: Amounts): string[] {
  const notes: string[] = []
  for (const [part, defaults] of [
    ['requests', requests],
    ['limits', limits],
  ] as const) {
    const given = container.resources?.[part]
    const missing = Object.keys(defaults)
      .filter((name) => given?.[name] === undefined)
      .sort()
    if (missing.length === 0) continue
    const filled = { ...given, ...Object.fromEntries(missing.map((name) => [name, defaults[name]!])) }
    const sorted = Object.fromEntries(Object.entries(filled).sort(([a], [b]) => (a < b ? -1 : 1)))
    container.resources = orderedResources({ ...container.resources, [part]: sorted })
    notes.push(`${missing.join(', ')} ${part === 'requests' ? 'request' : 'limit'} for ${what} ${container.name}`)
  }
  return notes
}

/** The order in which the fields are written. */
function orderedResources({
  limits,
  requests,
  claims,
}: Mutable<Container>['resources']): Mutable<Container>['resources'] {
  return { ...(limits && { limits }), ...(requests && { requests }), ...(claims && { claims }) }
}

function podFaults(pod: Pod, item: LimitRangeItem): string[] {
  if (item.type === 'Pod')
    return boundsFaults(item, 'Pod', podResources(pod.spec, 'requests'), podResources(pod.spec, 'limits'))
  if (item.type !== 'Container') return []
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap((container) =>
    boundsFaults(item, 'Container', resourcesOf(container, 'requests'), resourcesOf(container, 'limits')),
  )
}

function claimFaults({ spec }: PersistentVolumeClaim, item: LimitRangeItem): string[] {
  if (item.type !== 'PersistentVolumeClaim') return []
  const requests = resourcesOf({ resources: { requests: spec.resources?.requests ?? {} } }, 'requests')
  // A claim has requests only, so its maximum is held against them.
  return [...minimumFaults(item, requests, new Map()), ...maximumFaults(item, requests, 'request')]
}

function boundsFaults(item: LimitRangeItem, type: string, requests: ResourceList, limits: ResourceList): string[] {
  return [
    ...minimumFaults(item, requests, limits),
    ...maximumFaults(item, limits, 'limit'),
    ...ratioFaults(item, type, requests, limits),
  ]
}

function minimumFaults(item: LimitRangeItem, requests: ResourceList, limits: ResourceList): string[] {
  return sorted(item.min).flatMap(([name, minimum]) => {
    const least = `minimum ${name} usage per ${item.type} is ${minimum}`
    const request = requests.get(name)
    const limit = limits.get(name)
    if (!request) return [`${least}.  No request is specified`]
    if (request.compare(minimum) < 0) return [`${least}, but request is ${request}`]
    if (limit && limit.compare(minimum) < 0) return [`${least}, but limit is ${limit}`]
    return []
  })
}

function maximumFaults(item: LimitRangeItem, amounts: ResourceList, word: 'limit' | 'request'): string[] {
  return sorted(item.max).flatMap(([name, maximum]) => {
    const most = `maximum ${name} usage per ${item.type} is ${maximum}`
    const amount = amounts.get(name)
    if (!amount) return [`${most}.  No ${word} is specified`]
    return amount.compare(maximum) > 0 ? [`${most}, but ${word} is ${amount}`] : []
  })
}

function ratioFaults(item: LimitRangeItem, type: string, requests: ResourceList, limits: ResourceList): string[] {
  return sorted(item.maxLimitRequestRatio).flatMap(([name, most]) => {
    const words = `${name} max limit to request ratio per ${type} is ${most}`
    const request = requests.get(name) ?? Quantity.zero
    if (request.isZero) return [`${words}, but no request is specified or request is 0`]
    const limit = limits.get(name) ?? Quantity.zero
    if (limit.isZero) return [`${words}, but no limit is specified or limit is 0`]
    const ratio = limit.toNumber() / request.toNumber()
    return ratio > most.toNumber() ? [`${words}, but provided ratio is ${ratio.toFixed(6)}`] : []
  })
}

const sorted = (amounts: Amounts | undefined): [string, Quantity][] =>
  Object.entries(amounts ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => [name, parseQuantity(text)])
