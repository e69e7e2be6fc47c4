import type { Kind } from '../schema/kind.ts'
import type { Resource } from './resource.ts'

/** What is served: the part of the registry that the HTTP side sees. */
export interface Catalogue {
  /**
   * In the order of discovery: groups by priority, built-in ones first; versions of a group with the preferred one
   * first. Another array whenever it changes: documents that are made of it are kept until then.
   */
  readonly kinds: readonly Kind[]
  resource(kind: Kind): Resource
  /** Whether a kind was defined by a CustomResourceDefinition. Absent: none was. */
  isCustom?(kind: Kind): boolean
}

export interface ServedGroup {
  readonly name: string
  readonly versions: readonly ServedVersion[]
}

export interface ServedVersion {
  readonly version: string
  readonly kinds: readonly Kind[]
  /** Another server answers for it, and has said this of itself. */
  readonly remote?: RemoteVersion
}

export interface RemoteVersion {
  /** Entries of the aggregated discovery document; undefined: it has not been heard yet. */
  readonly resources: readonly object[] | undefined
  /** Whether it could be asked the last time. */
  readonly isFresh: boolean
}

/** Versions that other servers answer for, and where everything stands in discovery. */
export interface RemoteCatalogue {
  /** Raised whenever anything of it changes. */
  readonly generation: number
  readonly remotes: Iterable<RemoteVersion & { readonly group: string; readonly version: string }>
  priorityOf(group: string, version: string): { readonly group: number; readonly version: number }
}

/** The kinds of a catalogue by group and version, in its order. The core group has the empty name. */
export function groupsOf(kinds: readonly Kind[]): readonly ServedGroup[] {
  const groups = new Map<string, Map<string, Kind[]>>()
  for (const kind of kinds) {
    let versions = groups.get(kind.group)
    if (versions === undefined) {
      versions = new Map()
      groups.set(kind.group, versions)
    }
    const members = versions.get(kind.version)
    if (members === undefined) versions.set(kind.version, [kind])
    else members.push(kind)
  }
  return [...groups].map(([name, versions]) => ({
    name,
    versions: [...versions].map(([version, members]) => ({ version, kinds: members })),
  }))
}

/** A sub-resource with everything that discovery says about it. */
export interface ServedSubresource {
  readonly name: string
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly verbs: readonly string[]
}

const readWrite = ['get', 'patch', 'update'] as const

/** All sub-resources of a kind: those that it lists, and those that follow from its rules. */
export function subresourcesOf(kind: Kind, custom: boolean): readonly ServedSubresource[] {
  const own = { group: '', version: '', kind: kind.kind, verbs: readWrite }
  const scale = { name: 'scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: readWrite }
  const all: ServedSubresource[] = kind.subresources.map((sub) => ({
    name: sub.name,
    group: sub.group ?? '',
    version: sub.version ?? '',
    kind: sub.kind,
    verbs: sub.verbs,
  }))
  const has = (name: string) => all.some((sub) => sub.name === name)
  if (kind.status !== undefined && !has('status')) all.push({ name: 'status', ...own })
  if (kind.scale !== undefined && !has('scale')) all.push(scale)
  return custom ? all : all.sort((left, right) => (left.name < right.name ? -1 : 1))
}
