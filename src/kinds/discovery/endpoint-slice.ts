import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  int32,
  list,
  map,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectReference } from '../core/references.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, keepsValue, startGeneration } from '../rules.ts'
import { validateEndpointSlice } from './endpoint-slice-validation.ts'

/** The label with which a slice says whose it is. */
export const serviceLabel = 'kubernetes.io/service-name'

export const EndpointConditions = object(
  'io.k8s.api.discovery.v1.EndpointConditions',
  'State of an endpoint; absent members are not known.',
  {
    ready: explicit(
      1,
      bool,
      'Whether traffic may go there; absent counts as true. False while terminating, unless publishNotReadyAddresses is set.',
    ),
    serving: explicit(2, bool, 'Whether it can answer, even while it terminates; absent counts as true.'),
    terminating: explicit(3, bool, 'Whether it is being shut down; absent counts as false.'),
  },
)
export interface EndpointConditions extends Infer<typeof EndpointConditions> {}

export const ForZone = object('io.k8s.api.discovery.v1.ForZone', 'A zone that should use an endpoint.', {
  name: required(1, string, 'Name of the zone.'),
})
export interface ForZone extends Infer<typeof ForZone> {}

export const ForNode = object('io.k8s.api.discovery.v1.ForNode', 'A node that should use an endpoint.', {
  name: required(1, string, 'Name of the node.'),
})
export interface ForNode extends Infer<typeof ForNode> {}

export const EndpointHints = object('io.k8s.api.discovery.v1.EndpointHints', 'Hints on who should use an endpoint.', {
  forZones: optional(1, list(ForZone, { list: 'atomic' }), 'Zones that should use it; at most 8.'),
  forNodes: optional(2, list(ForNode, { list: 'atomic' }), 'Nodes that should use it; at most 8.'),
})
export interface EndpointHints extends Infer<typeof EndpointHints> {}

export const Endpoint = object('io.k8s.api.discovery.v1.Endpoint', 'One endpoint of a service, usually a pod.', {
  addresses: required(
    1,
    list(string, { list: 'set' }),
    'Addresses of the endpoint, 1 to 100, all of the type of the slice; consumers use the first.',
  ),
  conditions: embedded(2, EndpointConditions, 'State of the endpoint.'),
  hostname: explicit(3, string, 'Host name of the endpoint, for its own DNS record.'),
  targetRef: explicit(4, ObjectReference, 'The object behind the endpoint, usually a pod.'),
  deprecatedTopology: optional(5, map(string), 'Topology from the old form of the API; read only.'),
  nodeName: explicit(6, string, 'Node on which the endpoint runs.'),
  zone: explicit(7, string, 'Zone in which the endpoint runs.'),
  hints: explicit(8, EndpointHints, 'Hints on who should use the endpoint.'),
})
export interface Endpoint extends Infer<typeof Endpoint> {}

export const EndpointPort = object(
  'io.k8s.api.discovery.v1.EndpointPort',
  'One port that all endpoints of a slice offer.',
  {
    name: explicit(1, string, 'Name of the service port; unique in the slice, empty when there is only one.'),
    protocol: explicit(2, oneOf('SCTP', 'TCP', 'UDP'), 'Transport protocol; TCP when absent.'),
    port: explicit(3, int32, 'Port number; absent means all ports, as the consumer sees fit.'),
    appProtocol: explicit(4, string, 'Application protocol, as an IANA service name or a prefixed name.'),
  },
  { atomic: true },
)
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const endpointSliceSchema = object(
  'io.k8s.api.discovery.v1.EndpointSlice',
  'A part of the endpoints of a service, found by the label kubernetes.io/service-name.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    addressType: required(
      4,
      oneOf('FQDN', 'IPv4', 'IPv6'),
      'Type of all addresses: IPv4, IPv6 or the deprecated FQDN; cannot be changed.',
    ),
    endpoints: embedded(2, list(Endpoint, { list: 'atomic' }), 'The endpoints; at most 1000.'),
    ports: embedded(
      3,
      list(EndpointPort, { list: 'atomic' }),
      'Ports that every endpoint of the slice offers; at most 20000.',
    ),
  },
)
export interface EndpointSlice extends Infer<typeof endpointSliceSchema> {}

export const EndpointSlice: Kind<EndpointSlice> = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
  storageVersionHash: 'qgS0xkrxYAI=',
  schema: endpointSliceSchema,
  nameRule: subdomainNameRule,
  defaults(slice) {
    for (const port of slice.ports ?? []) {
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
  prepareCreate(slice) {
    startGeneration(slice)
    for (const endpoint of slice.endpoints ?? []) endpoint.deprecatedTopology = undefined
  },
  prepareUpdate(slice, old) {
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.deprecatedTopology !== undefined) endpoint.deprecatedTopology = undefined
    }
    countChange(slice, old, ({ addressType, endpoints, ports }) => ({ addressType, endpoints, ports }))
  },
  validate: validateEndpointSlice,
  validateUpdate(slice, old, errors) {
    validateEndpointSlice(slice, errors)
    keepsValue('addressType', slice.addressType, old.addressType, errors)
  },
  warnings: ({ addressType }) => (addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : []),
  columns: [
    nameColumn,
    textColumn('AddressType', 'What the addresses are: IPv4, IPv6 or names.', ({ addressType }) => addressType),
    textColumn('Ports', 'The first of the ports.', ({ ports }) =>
      firstOf((ports ?? []).map(({ name, port }) => String(port ?? name ?? '*'))),
    ),
    textColumn('Endpoints', 'The first of the addresses.', ({ endpoints }) =>
      firstOf((endpoints ?? []).flatMap(({ addresses }) => addresses ?? [])),
    ),
    ageColumn,
  ],
})

function firstOf(texts: readonly string[]): string {
  const shown = texts.slice(0, 3).join(',')
  return texts.length > 3 ? `${shown} + ${texts.length - 3} more...` : shown || '<unset>'
}
