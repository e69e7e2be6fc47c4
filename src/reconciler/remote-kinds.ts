import type { Client } from '../client/client.ts'
import { APIService } from '../kinds/apiregistration/api-service.ts'
import { ObjectMeta } from '../kinds/meta/object-meta.ts'
import { typeMeta } from '../kinds/meta/type-meta.ts'
import { type ApiObject, defineKind, type Kind, type Verb } from '../schema/kind.ts'
import { embedded, object } from '../schema/types.ts'

/** What aggregated API servers serve. */
export interface Discovered {
  /** One for each resource, in the version that the server prefers. */
  readonly kinds: readonly Kind[]
  /** Versions of groups (`metrics.k8s.io/v1beta1`) of which nobody can say what they have. */
  readonly undiscovered: readonly string[]
}

/** Whether an APIService names a server of somebody else's. */
export const isRemote = ({ spec }: APIService): boolean => spec.service !== undefined

/** Gives a kind to each resource of aggregated API servers: the same one as long as the resource stays what it is. */
export class RemoteKinds {
  readonly #made = new Map<string, { readonly entry: string; readonly kind: Kind }>()

  /** Asks the API server what others serve under its roof. Who has none of them costs it no more than a list. */
  async discover(client: Client): Promise<Discovered> {
    const services = (await client.list(APIService)).items.filter(isRemote)
    if (services.length === 0) return { kinds: [], undiscovered: [] }
    const remote = new Set(services.map(({ spec }) => `${spec.group}/${spec.version}`))
    const { items = [] } = (await client.read('/apis', aggregatedDiscovery)) as { readonly items?: readonly Group[] }
    const kinds = items.flatMap((group) => this.#kindsOf(group, remote))
    return { kinds, undiscovered: [...remote].filter((version) => !isCurrent(items, version)) }
  }

  #kindsOf({ metadata: { name: group }, versions = [] }: Group, remote: ReadonlySet<string>): Kind[] {
    const seen = new Set<string>()
    const kinds: Kind[] = []
    for (const { version, resources = [], freshness } of versions) {
      for (const resource of resources) {
        if (seen.has(resource.resource)) continue
        seen.add(resource.resource)
        const isTheirs = remote.has(`${group}/${version}`) && freshness === current
        if (isTheirs) kinds.push(this.#kindOf(group, version, resource))
      }
    }
    return kinds
  }

  #kindOf(group: string, version: string, resource: ServedResource): Kind {
    const name = `${group}/${version}/${resource.resource}`
    const entry = JSON.stringify(resource)
    const known = this.#made.get(name)
    if (known?.entry === entry) return known.kind
    const kind = defineKind<ApiObject>({
      group,
      version,
      kind: resource.responseKind?.kind ?? '',
      plural: resource.resource,
      namespaced: resource.scope === 'Namespaced',
      verbs: resource.verbs,
      schema: metadataOnly,
      isRemote: true,
    })
    this.#made.set(name, { entry, kind })
    return kind
  }
}

const aggregatedDiscovery = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
const current = 'Current'

/** Of the aggregated discovery document (`apidiscovery.k8s.io/v2`). */
interface Group {
  readonly metadata: { readonly name: string }
  readonly versions?: readonly {
    readonly version: string
    readonly resources?: readonly ServedResource[]
    readonly freshness?: string
  }[]
}

interface ServedResource {
  readonly resource: string
  readonly responseKind?: { readonly kind?: string } | null
  readonly scope: string
  readonly verbs: readonly Verb[]
}

const isCurrent = (groups: readonly Group[], apiVersion: string) =>
  groups.some(({ metadata, versions = [] }) =>
    versions.some(({ version, freshness }) => `${metadata.name}/${version}` === apiVersion && freshness === current),
  )

const metadataOnly = object('io.coracle.RemoteObject', 'An object of an aggregated API server.', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, 'The metadata.'),
})
