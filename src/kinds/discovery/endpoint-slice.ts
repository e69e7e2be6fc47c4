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

export const EndpointConditions = object('io.k8s.api.discovery.v1.EndpointConditions', '', {
  ready: explicit(1, bool, ''),
  serving: explicit(2, bool, ''),
  terminating: explicit(3, bool, ''),
})
export interface EndpointConditions extends Infer<typeof EndpointConditions> {}

export const ForZone = object('io.k8s.api.discovery.v1.ForZone', '', {
  name: required(1, string, ''),
})
export interface ForZone extends Infer<typeof ForZone> {}

export const ForNode = object('io.k8s.api.discovery.v1.ForNode', '', {
  name: required(1, string, ''),
})
export interface ForNode extends Infer<typeof ForNode> {}

export const EndpointHints = object('io.k8s.api.discovery.v1.EndpointHints', '', {
  forZones: optional(1, list(ForZone, { list: 'atomic' }), ''),
  forNodes: optional(2, list(ForNode, { list: 'atomic' }), ''),
})
export interface EndpointHints extends Infer<typeof EndpointHints> {}

export const Endpoint = object('io.k8s.api.discovery.v1.Endpoint', '', {
  addresses: required(1, list(string, { list: 'set' }), ''),
  conditions: embedded(2, EndpointConditions, ''),
  hostname: explicit(3, string, ''),
  targetRef: explicit(4, ObjectReference, ''),
  deprecatedTopology: optional(5, map(string), ''),
  nodeName: explicit(6, string, ''),
  zone: explicit(7, string, ''),
  hints: explicit(8, EndpointHints, ''),
})
export interface Endpoint extends Infer<typeof Endpoint> {}

export const EndpointPort = object(
  'io.k8s.api.discovery.v1.EndpointPort',
  '',
  {
    name: explicit(1, string, ''),
    protocol: explicit(2, oneOf('SCTP', 'TCP', 'UDP'), ''),
    port: explicit(3, int32, ''),
    appProtocol: explicit(4, string, ''),
  },
  { atomic: true },
)
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const endpointSliceSchema = object('io.k8s.api.discovery.v1.EndpointSlice', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  addressType: required(4, oneOf('FQDN', 'IPv4', 'IPv6'), ''),
  endpoints: embedded(2, list(Endpoint, { list: 'atomic' }), ''),
  ports: embedded(3, list(EndpointPort, { list: 'atomic' }), ''),
})
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
    for (const endpoint of slice.endpoints ?? []) endpoint.deprecatedTopology = undefined
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
