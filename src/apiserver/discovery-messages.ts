import { ListMeta } from '../kinds/meta/list-meta.ts'
import { ObjectMeta } from '../kinds/meta/object-meta.ts'
import { bool, embedded, list, type ObjectType, object, optional, string } from '../schema/types.ts'
import { toProtobuf } from './protobuf-body.ts'

/** A discovery document in protobuf, of what it is in JSON. */
export function discoveryToProtobuf(document: { readonly kind: string; readonly apiVersion?: string }): Buffer {
  const message = document.kind === 'APIResourceList' ? withVerbs(document as unknown as ResourceList) : document
  return toProtobuf({ apiVersion: 'v1', ...message }, messages[document.kind]!)
}

interface ResourceList {
  readonly resources: readonly { readonly verbs: readonly string[] }[]
}

/** Verbs are a list in JSON, and a message that holds one in protobuf. */
const withVerbs = <T extends ResourceList>({ resources, ...rest }: T) => ({
  ...rest,
  resources: resources.map(({ verbs, ...resource }) => ({ ...resource, verbs: { items: verbs } })),
})

const meta = (name: string, doc: string, fields: ObjectType['fields']) =>
  object(`io.k8s.apimachinery.pkg.apis.meta.v1.${name}`, doc, fields)
const discovery = (name: string, doc: string, fields: ObjectType['fields']) =>
  object(`io.k8s.api.apidiscovery.v2.${name}`, doc, fields)

const GroupVersion = meta('GroupVersionForDiscovery', 'A version of a group.', {
  groupVersion: optional(1, string, 'With its group.'),
  version: optional(2, string, 'Alone.'),
})

const ServerAddress = meta('ServerAddressByClientCIDR', 'Where a client finds the server.', {
  clientCIDR: optional(1, string, 'Which clients.'),
  serverAddress: optional(2, string, 'Host and port.'),
})

const Group = meta('APIGroup', 'A group.', {
  name: optional(1, string, 'Its name.'),
  versions: optional(2, list(GroupVersion), 'Its versions, the preferred one first.'),
  preferredVersion: embedded(3, GroupVersion, 'The version that clients should use.'),
  serverAddressByClientCIDRs: optional(4, list(ServerAddress), 'Where to ask.'),
})

const Verbs = meta('Verbs', 'What can be done with a resource.', {
  items: optional(1, list(string), 'The verbs.'),
})

const Resource = meta('APIResource', 'A resource, or a part of one.', {
  name: optional(1, string, 'Its name in paths.'),
  singularName: optional(6, string, 'The same of one object.'),
  namespaced: optional(2, bool, 'Whether its objects are in namespaces.'),
  group: optional(8, string, 'The group of its kind, where it is another.'),
  version: optional(9, string, 'The version of its kind, where it is another.'),
  kind: optional(3, string, 'What its objects are.'),
  verbs: optional(4, Verbs, 'What can be done with it.'),
  shortNames: optional(5, list(string), 'Names for people in a hurry.'),
  categories: optional(7, list(string), 'Names of groups that it is in.'),
  storageVersionHash: optional(10, string, 'Tells whether it is stored otherwise than before.'),
})

const GroupVersionKind = meta('GroupVersionKind', 'What objects are.', {
  group: optional(1, string, 'Their group.'),
  version: optional(2, string, 'Its version.'),
  kind: optional(3, string, 'Their kind.'),
})

const Subresource = discovery('APISubresourceDiscovery', 'A part of a resource.', {
  subresource: optional(1, string, 'Its name.'),
  responseKind: optional(2, GroupVersionKind, 'What it answers.'),
  acceptedTypes: optional(3, list(GroupVersionKind), 'What it takes.'),
  verbs: optional(4, list(string), 'What can be done with it.'),
})

const DiscoveredResource = discovery('APIResourceDiscovery', 'A resource.', {
  resource: optional(1, string, 'Its name in paths.'),
  responseKind: optional(2, GroupVersionKind, 'What its objects are.'),
  scope: optional(3, string, 'Cluster or Namespaced.'),
  singularResource: optional(4, string, 'The name of one object.'),
  verbs: optional(5, list(string), 'What can be done with it.'),
  shortNames: optional(6, list(string), 'Names for people in a hurry.'),
  categories: optional(7, list(string), 'Names of groups that it is in.'),
  subresources: optional(8, list(Subresource), 'Its parts.'),
})

const DiscoveredVersion = discovery('APIVersionDiscovery', 'A version of a group.', {
  version: optional(1, string, 'Its name.'),
  resources: optional(2, list(DiscoveredResource), 'What it has.'),
  freshness: optional(3, string, 'Current, or Stale when its server could not be asked.'),
})

const DiscoveredGroup = discovery('APIGroupDiscovery', 'A group.', {
  metadata: embedded(1, ObjectMeta, 'Its name.'),
  versions: optional(2, list(DiscoveredVersion), 'Its versions, the preferred one first.'),
})

/** By kind of document. */
const messages: Readonly<Record<string, ObjectType>> = {
  APIVersions: meta('APIVersions', 'The versions of the core group.', {
    versions: optional(1, list(string), 'The versions.'),
    serverAddressByClientCIDRs: optional(2, list(ServerAddress), 'Where to ask.'),
  }),
  APIGroup: Group,
  APIGroupList: meta('APIGroupList', 'All groups but the core one.', {
    groups: optional(1, list(Group), 'The groups.'),
  }),
  APIResourceList: meta('APIResourceList', 'What there is in a version of a group.', {
    groupVersion: optional(1, string, 'Group and version.'),
    resources: optional(2, list(Resource), 'The resources.'),
  }),
  APIGroupDiscoveryList: discovery('APIGroupDiscoveryList', 'All groups with all that they have.', {
    metadata: embedded(1, ListMeta, 'Empty.'),
    items: optional(2, list(DiscoveredGroup), 'The groups.'),
  }),
}
