import { type Infer, object, required, string } from '../../schema/types.ts'

export const GroupVersionForDiscovery = object('io.k8s.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery', '', {
  groupVersion: required(1, string, ''),
  version: required(2, string, ''),
})
export interface GroupVersionForDiscovery extends Infer<typeof GroupVersionForDiscovery> {}

export const ServerAddressByClientCIDR = object('io.k8s.apimachinery.pkg.apis.meta.v1.ServerAddressByClientCIDR', '', {
  clientCIDR: required(1, string, ''),
  serverAddress: required(2, string, ''),
})
export interface ServerAddressByClientCIDR extends Infer<typeof ServerAddressByClientCIDR> {}
