import { bool, embedded, list, type ObjectType, object, optional, rawObject, required, string } from './types.ts'

/** Types that only discovery and watches have, and that nothing stores. */

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'

const typeMeta = {
  apiVersion: optional(0, string, 'Group and version in which this object is written.'),
  kind: optional(0, string, 'Kind of this object.'),
}

export const WatchEvent: ObjectType = object(`${meta}WatchEvent`, 'One thing that happened to a watched object.', {
  type: required(1, string, 'ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.'),
  object: required(
    2,
    rawObject,
    'The object as it is now; of a bookmark only its resource version counts; of an error a Status.',
  ),
})

const APIResource = object(`${meta}APIResource`, 'A resource: its name, kind and what can be done with it.', {
  name: required(1, string, 'Plural name; of a sub-resource with its parent, such as pods/log.'),
  singularName: required(6, string, 'Singular name.'),
  namespaced: required(2, bool, 'Whether objects live in namespaces.'),
  group: optional(8, string, 'Group of the kind, where it is not that of the list.'),
  version: optional(9, string, 'Version of the kind, where it is not that of the list.'),
  kind: required(3, string, 'Kind of the objects.'),
  verbs: required(4, list(string), 'What can be done with the resource.'),
  shortNames: optional(5, list(string, { list: 'atomic' }), 'Names that are quicker to type.'),
  categories: optional(
    7,
    list(string, { list: 'atomic' }),
    'Groups of resources that this one belongs to, such as all.',
  ),
  storageVersionHash: optional(10, string, 'Changes when the version changes in which objects are stored.'),
})

const APIResourceList: ObjectType = object(`${meta}APIResourceList`, 'The resources of a group version.', {
  ...typeMeta,
  groupVersion: required(1, string, 'The group version.'),
  resources: required(2, list(APIResource, { list: 'atomic' }), 'Its resources and sub-resources.'),
})

const GroupVersionForDiscovery = object(`${meta}GroupVersionForDiscovery`, 'A version of a group.', {
  groupVersion: required(1, string, 'Group and version, such as apps/v1.'),
  version: required(2, string, 'The version alone.'),
})

const ServerAddressByClientCIDR = object(
  `${meta}ServerAddressByClientCIDR`,
  'Where clients of a network reach the server.',
  {
    clientCIDR: required(1, string, 'The network of the client.'),
    serverAddress: required(2, string, 'Address of the server: host, host:port or nothing but a port.'),
  },
)

const APIGroup: ObjectType = object(`${meta}APIGroup`, 'An API group and its versions.', {
  ...typeMeta,
  name: required(1, string, 'Name of the group.'),
  versions: required(2, list(GroupVersionForDiscovery, { list: 'atomic' }), 'Versions that the server has.'),
  preferredVersion: embedded(3, GroupVersionForDiscovery, 'The version that the server would choose.'),
  serverAddressByClientCIDRs: optional(
    4,
    list(ServerAddressByClientCIDR, { list: 'atomic' }),
    'Where to reach the server.',
  ),
})

const APIGroupList: ObjectType = object(`${meta}APIGroupList`, 'All API groups.', {
  ...typeMeta,
  groups: required(1, list(APIGroup, { list: 'atomic' }), 'The groups.'),
})

const APIVersions: ObjectType = object(`${meta}APIVersions`, 'The versions of the core group.', {
  ...typeMeta,
  versions: required(1, list(string, { list: 'atomic' }), 'The versions.'),
  serverAddressByClientCIDRs: required(
    2,
    list(ServerAddressByClientCIDR, { list: 'atomic' }),
    'Where to reach the server.',
  ),
})

const VersionInfo: ObjectType = object(
  'io.k8s.apimachinery.pkg.version.Info',
  'The version of the server and how it was built.',
  {
    major: required(0, string, 'Major version.'),
    minor: required(0, string, 'Minor version.'),
    emulationMajor: optional(0, string, 'Major version that the server behaves as.'),
    emulationMinor: optional(0, string, 'Minor version that the server behaves as.'),
    minCompatibilityMajor: optional(0, string, 'Major version of the oldest server that this one gets on with.'),
    minCompatibilityMinor: optional(0, string, 'Minor version of the oldest server that this one gets on with.'),
    gitVersion: required(0, string, 'Full version.'),
    gitCommit: required(0, string, 'What was built.'),
    gitTreeState: required(0, string, 'Whether anything was not committed.'),
    buildDate: required(0, string, 'When it was built.'),
    goVersion: required(0, string, 'What it was built with.'),
    compiler: required(0, string, 'What it was compiled with.'),
    platform: required(0, string, 'What it runs on.'),
  },
)

export const discoveryTypes: readonly ObjectType[] = [APIResourceList, APIGroup, APIGroupList, APIVersions, VersionInfo]
