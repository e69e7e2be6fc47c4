import { createHash } from 'node:crypto'
import { apiVersionOf, type Kind } from '../schema/kind.ts'
import { withRemotes } from './aggregation/discovery.ts'
import {
  type Catalogue,
  groupsOf,
  type RemoteCatalogue,
  type ServedGroup,
  type ServedVersion,
  subresourcesOf,
} from './catalogue.ts'

/** A document as it is sent, with the tag by which a client asks whether it has changed. */
export interface Document {
  readonly body: Buffer
  readonly etag: string
}

/** Version of the aggregated form: `apidiscovery.k8s.io/…`. */
export type AggregatedVersion = 'v2' | 'v2beta1'

/** What the server says about itself: who can reach it where, which groups, versions and resources there are. */
export class Discovery {
  readonly #catalogue: Catalogue
  readonly #serverAddress: string
  readonly #remotes: RemoteCatalogue | undefined
  #remoteGeneration = 0
  #kinds: readonly Kind[] = []
  #groups: readonly ServedGroup[] = []
  readonly #documents = new Map<string, Document>()

  /** `serverAddress` is `host:port`, as clients without a kubeconfig may use it. */
  constructor(catalogue: Catalogue, serverAddress: string, remotes?: RemoteCatalogue) {
    this.#catalogue = catalogue
    this.#remotes = remotes
    this.#serverAddress = serverAddress
  }

  groups(): readonly ServedGroup[] {
    const remoteGeneration = this.#remotes?.generation ?? 0
    if (this.#kinds !== this.#catalogue.kinds || this.#remoteGeneration !== remoteGeneration) {
      this.#kinds = this.#catalogue.kinds
      this.#remoteGeneration = remoteGeneration
      const groups = groupsOf(this.#kinds)
      this.#groups = this.#remotes === undefined ? groups : withRemotes(groups, this.#remotes)
      this.#documents.clear()
    }
    return this.#groups
  }

  group(name: string): ServedGroup | undefined {
    return this.groups().find((group) => group.name === name)
  }

  /** Whether a group has nothing but custom resources. */
  isCustomGroup(group: ServedGroup): boolean {
    return group.versions.every((version) => version.kinds.every((kind) => this.#isCustom(kind)))
  }

  /** `/api` */
  coreVersions(): Document {
    const clients = [{ clientCIDR: '0.0.0.0/0', serverAddress: this.#serverAddress }]
    return this.#document('/api', () => ({
      kind: 'APIVersions',
      versions: this.group('')?.versions.map(({ version }) => version) ?? [],
      serverAddressByClientCIDRs: clients,
    }))
  }

  /** `/apis` */
  groupList(): Document {
    return this.#document('/apis', () => ({
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: this.#named().map(groupEntry),
    }))
  }

  /** `/apis/<group>` */
  groupDocument(group: ServedGroup): Document {
    return this.#document(`/apis/${group.name}`, () => ({ kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) }))
  }

  /** `/apis/<group>/<version>` and `/api/v1` */
  resourceList(group: ServedGroup, version: ServedVersion): Document {
    const groupVersion = apiVersionOf({ group: group.name, version: version.version })
    return this.#document(`resources of ${groupVersion}`, () => ({
      kind: 'APIResourceList',
      // The core group's list is the oldest and says its own version nowhere.
      ...(group.name !== '' && { apiVersion: 'v1' }),
      groupVersion,
      resources: version.kinds.flatMap((kind) => resourceEntries(kind, this.#isCustom(kind))),
    }))
  }

  /** Everything in one document: of the core group (`/api`) or of all others (`/apis`). */
  aggregated(core: boolean, version: AggregatedVersion): Document {
    return this.#document(`aggregated ${core} ${version}`, () => {
      const groups = core ? this.groups().filter((group) => group.name === '') : this.#named()
      return {
        kind: 'APIGroupDiscoveryList',
        apiVersion: `apidiscovery.k8s.io/${version}`,
        metadata: {},
        items: groups.map((group) => ({
          metadata: group.name === '' ? {} : { name: group.name },
          versions: group.versions.map(({ version, kinds, remote }) =>
            remote === undefined
              ? {
                  version,
                  resources: kinds.map((kind) => aggregatedEntry(kind, this.#isCustom(kind))),
                  freshness: 'Current',
                }
              : {
                  version,
                  ...(remote.resources?.length && { resources: remote.resources }),
                  freshness: remote.isFresh ? 'Current' : 'Stale',
                },
          ),
        })),
      }
    })
  }

  #isCustom(kind: Kind): boolean {
    return this.#catalogue.isCustom?.(kind) ?? false
  }

  #named(): readonly ServedGroup[] {
    return this.groups().filter((group) => group.name !== '')
  }

  #document(key: string, make: () => object): Document {
    this.groups()
    let document = this.#documents.get(key)
    if (document === undefined) {
      const body = Buffer.from(`${JSON.stringify(make())}\n`)
      document = { body, etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"` }
      this.#documents.set(key, document)
    }
    return document
  }
}

function groupEntry(group: ServedGroup) {
  const versions = group.versions.map(({ version }) => ({ groupVersion: `${group.name}/${version}`, version }))
  return { name: group.name, versions, preferredVersion: versions[0] }
}

function resourceEntries(kind: Kind, custom: boolean): object[] {
  const own = {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: kind.verbs,
    ...names(kind),
    ...(kind.storageVersionHash !== '' && { storageVersionHash: kind.storageVersionHash }),
  }
  const below = subresourcesOf(kind, custom).map((sub) => ({
    name: `${kind.plural}/${sub.name}`,
    singularName: '',
    namespaced: kind.namespaced,
    ...(sub.group !== '' && { group: sub.group }),
    ...(sub.version !== '' && { version: sub.version }),
    kind: sub.kind,
    verbs: sub.verbs,
  }))
  return [own, ...below]
}

function aggregatedEntry(kind: Kind, custom: boolean): object {
  const own = custom ? { group: kind.group, version: kind.version } : { group: '', version: '' }
  const below = subresourcesOf(kind, custom).map((sub) => ({
    subresource: sub.name,
    responseKind: { ...own, ...(sub.group !== '' && { group: sub.group, version: sub.version }), kind: sub.kind },
    verbs: sub.verbs,
  }))
  return {
    resource: kind.plural,
    responseKind: { ...own, kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...names(kind),
    ...(below.length > 0 && { subresources: below }),
  }
}

function names(kind: Kind): object {
  return {
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
  }
}
