import { type Infer, object, required, string } from '../../schema/types.ts'

export const GroupVersionForDiscovery = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery',
  'One version of an API group, as discovery states it.',
  {
    groupVersion: required(1, string, 'Group and version, such as apps/v1.'),
    version: required(2, string, 'Version without the group, such as v1.'),
  },
)
export interface GroupVersionForDiscovery extends Infer<typeof GroupVersionForDiscovery> {}

export const ServerAddressByClientCIDR = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.ServerAddressByClientCIDR',
  'The server address that clients of one network are to use.',
  {
    clientCIDR: required(1, string, 'Network of the clients that the address is meant for.'),
    serverAddress: required(2, string, 'Host name or address, with port where needed.'),
  },
)
export interface ServerAddressByClientCIDR extends Infer<typeof ServerAddressByClientCIDR> {}
