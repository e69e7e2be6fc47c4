import { parseQuantity, Quantity } from '../../base/quantity.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { resourcesOf } from '../../kinds/core/pod-amounts.ts'
import { quotaApplies, usageOf } from '../../kinds/core/quota.ts'
import { ResourceQuota } from '../../kinds/core/resource-quota.ts'
import { forbidden } from '../../schema/status.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../admission.ts'
import type { Companion } from '../storage/transaction.ts'
import type { Fields } from './configuration.ts'
import { checkLimited, limitedResources } from './limited-resources.ts'

/** How the plugin books what it lets in. */
export interface QuotaBooks {
  /** The new `status.used` over exactly this version of the quota. */
  book(quota: ResourceQuota, used: Readonly<Record<string, string>>): Companion
}

/**
 * Refuses what would exceed a quota of its namespace, and books what it lets in together with it, so that two requests at
 * the same time cannot both take the last place. Frees nothing: what is deleted is counted again by the controller.
 */
export function resourceQuota(reader: ClusterReader, books: QuotaBooks, configuration?: Fields): AdmissionPlugin {
  const limited = limitedResources(configuration)
  return {
    name: 'ResourceQuota',
    handles: ({ kind, operation, subresource }) => {
      if (!kind.namespaced || (operation !== 'CREATE' && operation !== 'UPDATE')) return false
      // What a pod uses is decided when it is made and when it is resized, and at no other time.
      if (kind.plural === 'pods' && kind.group === '') return subresource === (operation === 'CREATE' ? '' : 'resize')
      return subresource === ''
    },
    validate(attributes) {
      const quotas = () => reader.list(ResourceQuota, attributes.namespace)
      const known = quotas()
      checkLimited(limited, known, attributes)
      const charged = known.filter((quota) => newUsage(quota, attributes) !== undefined)
      if (charged.length > 0) attributes.together?.(() => chargesFor(attributes, quotas(), books))
    },
  }
}

/** What is to be written into quotas because of an object. Throws when it would be too much for one. */
function chargesFor(
  attributes: AdmissionAttributes,
  quotas: readonly ResourceQuota[],
  books: QuotaBooks,
): readonly Companion[] {
  return quotas.flatMap((quota) => {
    const used = newUsage(quota, attributes)
    return used ? [books.book(quota, used)] : []
  })
}

/** The quota's `used` with this object in it; nothing when it changes nothing. Throws when it would be too much. */
function newUsage(quota: ResourceQuota, attributes: AdmissionAttributes): Readonly<Record<string, string>> | undefined {
  const { kind, object, oldObject, name } = attributes
  const hard = quota.status?.hard ?? {}
  if (!object || !quotaApplies(quota, kind, object)) return undefined
  const refuse = (why: string) =>
    forbidden({ group: kind.group, resource: kind.plural }, object.metadata.name ?? name, why)
  if (kind.plural === 'pods' && kind.group === '' && attributes.operation === 'CREATE') {
    const unspecified = unspecifiedAmounts(object as Pod, Object.keys(hard))
    if (unspecified !== '') throw refuse(`failed quota: ${quota.metadata.name}: must specify ${unspecified}`)
  }

  const before =
    oldObject && quotaApplies(quota, kind, oldObject) ? usageOf(kind, oldObject) : new Map<string, Quantity>()
  const requested = new Map<string, Quantity>()
  for (const [resource, amount] of usageOf(kind, object)) {
    if (hard[resource] === undefined) continue
    const more = amount.subtract(before.get(resource) ?? Quantity.zero)
    if (more.sign !== 0) requested.set(resource, more)
  }
  if (requested.size === 0) return undefined

  const used = quota.status?.used ?? {}
  const total = (resource: string, more: Quantity) => parseQuantity(used[resource] ?? '0').add(more)
  const exceeded = [...requested]
    .filter(([resource, more]) => more.sign > 0 && total(resource, more).compare(parseQuantity(hard[resource]!)) > 0)
    .map(([resource]) => resource)
    .sort()
  if (exceeded.length > 0) {
    const show = (amount: (resource: string) => string) =>
      exceeded.map((resource) => `${resource}=${amount(resource)}`).join(',')
    throw refuse(
      `exceeded quota: ${quota.metadata.name}, requested: ${show((resource) => requested.get(resource)!.toString())}, used: ${show((resource) => used[resource] ?? '0')}, limited: ${show((resource) => hard[resource]!)}`,
    )
  }
  return {
    ...used,
    ...Object.fromEntries([...requested].map(([resource, more]) => [resource, total(resource, more).toString()])),
  }
}

/** Where a quota limits CPU or memory, every container must say how much of it: `limits.cpu for: web; ...`. */
function unspecifiedAmounts(pod: Pod, limited: readonly string[]): string {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  const missing: string[] = []
  for (const resource of [...limited].sort()) {
    const [part, name] = resource.startsWith('limits.')
      ? (['limits', resource.slice('limits.'.length)] as const)
      : (['requests', resource.replace(/^requests\./, '')] as const)
    if (name !== 'cpu' && name !== 'memory') continue
    if (pod.spec.resources?.[part]?.[name] !== undefined) continue
    const lacking = containers
      .filter((container) => !resourcesOf(container, part).has(name))
      .map((container) => container.name)
    if (lacking.length > 0) missing.push(`${resource} for: ${[...new Set(lacking)].sort().join(',')}`)
  }
  return missing.join('; ')
}
