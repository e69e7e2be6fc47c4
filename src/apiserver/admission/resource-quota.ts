import { parseQuantity, Quantity } from '../../base/quantity.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { resourcesOf } from '../../kinds/core/pod-amounts.ts'
import { quotaApplies, usageOf } from '../../kinds/core/quota.ts'
import { ResourceQuota } from '../../kinds/core/resource-quota.ts'
import { forbidden } from '../../schema/status.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../admission.ts'
import type { Fields } from './configuration.ts'
import { checkLimited, limitedResources } from './limited-resources.ts'

/** How the plugin books what it let in; fails with `Conflict` when the quota was changed meanwhile. */
export interface QuotaBooks {
  /** Stores the new `status.used` over exactly this version of the quota. */
  book(quota: ResourceQuota, used: Readonly<Record<string, string>>): Promise<void>
  isConflict(error: unknown): boolean
}

/**
 * Refuses what would exceed a quota of its namespace, and books what it lets in at once, so that two requests at the
 * same time cannot both take the last place. Frees nothing: what is deleted is counted again by the controller.
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
    async validate(attributes) {
      const quotas = reader.list(ResourceQuota, attributes.namespace)
      checkLimited(limited, quotas, attributes)
      for (const quota of quotas) await charge(quota, attributes, reader, books)
    },
  }
}

const tries = 16

async function charge(
  quota: ResourceQuota,
  attributes: AdmissionAttributes,
  reader: ClusterReader,
  books: QuotaBooks,
): Promise<void> {
  let current: ResourceQuota | undefined = quota
  for (let attempt = 1; current; attempt++) {
    const used = newUsage(current, attributes)
    if (!used || attributes.context.dryRun) return
    try {
      return await books.book(current, used)
    } catch (error) {
      if (!books.isConflict(error) || attempt === tries) throw error
      current = reader.get(ResourceQuota, attributes.namespace, quota.metadata.name!)
    }
  }
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
