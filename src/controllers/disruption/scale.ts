import type { Client } from '../../client/client.ts'
import type { Scale } from '../../kinds/autoscaling/scale.ts'
import type { OwnerReference } from '../../kinds/meta/object-meta.ts'
import { ApiError, isNotFound } from '../../schema/status.ts'

/** How many pods an owner wishes for, and who it is: several of its ReplicaSets must count once. */
export interface Wish {
  readonly uid: string
  readonly replicas: number
}

/** Why it cannot be known how many pods there should be, in the reference's words. */
export interface Failure {
  readonly failure: string
}

/** Of what discovery says of a version of a group. */
interface ResourceList {
  readonly resources?: readonly {
    readonly name: string
    readonly kind: string
    readonly group?: string
  }[]
}

/**
 * Asks the owner's `scale` sub-resource, whatever its kind: custom resources have one if their definition says so. The
 * kind is looked up by discovery, so that those of aggregated servers count as well. Undefined: the owner is gone.
 */
export async function readWish(
  client: Client,
  namespace: string,
  owner: OwnerReference,
): Promise<Wish | Failure | undefined> {
  try {
    const resource = await discover(client, owner)
    if (resource === undefined) {
      return { failure: `no matches for kind "${owner.kind}" in version "${owner.apiVersion}"` }
    }
    if (!resource.isScaled) return { failure: `${resource.name} does not implement the scale subresource` }
    const path = `${resource.root}/namespaces/${namespace}/${resource.plural}/${encodeURIComponent(owner.name)}/scale`
    const { metadata, spec } = (await client.read(path)) as Scale
    return metadata.uid === owner.uid ? { uid: owner.uid, replicas: spec.replicas ?? 0 } : undefined
  } catch (error) {
    if (isNotFound(error)) return undefined
    if (error instanceof ApiError) return { failure: error.message }
    throw error
  }
}

/** The group of an apiVersion; the core group's is empty. */
export const groupOf = (apiVersion: string): string => apiVersion.split('/').at(-2) ?? ''

async function discover(client: Client, { apiVersion, kind }: OwnerReference) {
  const group = groupOf(apiVersion)
  for await (const version of versions(client, group, apiVersion)) {
    const root = group === '' ? `/api/${version}` : `/apis/${version}`
    const { resources = [] } = (await readIfThere<ResourceList>(client, root)) ?? {}
    const plural = resources.find((each) => each.kind === kind && !each.name.includes('/'))?.name
    if (plural === undefined) continue
    const scale = resources.find(({ name }) => name === `${plural}/scale`)
    const isScaled = scale?.kind === 'Scale' && scale.group === 'autoscaling'
    return { root, plural, name: group === '' ? plural : `${plural}.${group}`, isScaled }
  }
  return undefined
}

/** The version that the owner is known by, then the others: it may not be served any more when an old pod is counted. */
async function* versions(client: Client, group: string, named: string): AsyncGenerator<string> {
  yield named
  if (group === '') return
  const found = await readIfThere<{ readonly versions?: readonly { readonly groupVersion: string }[] }>(
    client,
    `/apis/${group}`,
  )
  for (const { groupVersion } of found?.versions ?? []) if (groupVersion !== named) yield groupVersion
}

async function readIfThere<T>(client: Client, path: string): Promise<T | undefined> {
  try {
    return (await client.read(path)) as T
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
