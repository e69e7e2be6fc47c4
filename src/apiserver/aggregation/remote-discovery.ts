/** What an aggregated server serves in one version, as the entries of the aggregated discovery document. */
export type RemoteResources = readonly object[]

interface ListedResource {
  readonly name: string
  readonly singularName?: string
  readonly namespaced?: boolean
  readonly group?: string
  readonly version?: string
  readonly kind?: string
  readonly verbs?: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
}

/** The entries for an `APIResourceList`; undefined when it is none. What makes no sense in it is left out. */
export function resourcesOf(list: unknown, group: string, version: string): RemoteResources | undefined {
  const { kind, resources } = (list ?? {}) as { readonly kind?: unknown; readonly resources?: unknown }
  if (kind !== 'APIResourceList' || !Array.isArray(resources)) return undefined
  const listed = resources.filter(isListed)
  const responseKind = (of: ListedResource) => ({
    group: of.group || group,
    version: of.version || version,
    kind: of.kind ?? '',
  })
  return listed
    .filter(({ name }) => !name.includes('/'))
    .map((own) => {
      const below = listed
        .filter(({ name }) => name.startsWith(`${own.name}/`))
        .map((sub) => ({
          subresource: sub.name.slice(own.name.length + 1),
          responseKind: responseKind(sub),
          verbs: sub.verbs ?? [],
        }))
      return {
        resource: own.name,
        responseKind: responseKind(own),
        scope: own.namespaced === true ? 'Namespaced' : 'Cluster',
        singularResource: own.singularName ?? '',
        verbs: own.verbs ?? [],
        ...(own.shortNames?.length && { shortNames: own.shortNames }),
        ...(own.categories?.length && { categories: own.categories }),
        ...(below.length > 0 && { subresources: below }),
      }
    })
}

function isListed(value: unknown): value is ListedResource {
  if (typeof value !== 'object' || value === null) return false
  const { name, verbs, shortNames, categories } = value as Readonly<Record<string, unknown>>
  const isTexts = (list: unknown) => list === undefined || (Array.isArray(list) && list.every(isText))
  return isText(name) && name !== '' && [verbs, shortNames, categories].every(isTexts)
}

const isText = (value: unknown): value is string => typeof value === 'string'
