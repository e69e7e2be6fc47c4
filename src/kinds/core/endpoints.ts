import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { dnsLabelFaults, dnsSubdomainFaults, qualifiedNameFaults, subdomainNameRule } from '../../schema/names.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { endpointIpFaults } from '../ip-rules.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { invalidAll, validatePort, validateWord } from '../rules.ts'
import { ObjectReference } from './references.ts'

export const EndpointAddress = object(
  'io.k8s.api.core.v1.EndpointAddress',
  'One address behind a service.',
  {
    ip: required(1, string, 'IP address; not loopback, link-local or multicast.'),
    hostname: optional(3, string, 'Host name of the endpoint, for its own DNS record.'),
    nodeName: explicit(4, string, 'Node on which the endpoint runs.'),
    targetRef: explicit(2, ObjectReference, 'The object behind the address, usually a pod.'),
  },
  { atomic: true },
)
export interface EndpointAddress extends Infer<typeof EndpointAddress> {}

export const EndpointPort = object(
  'io.k8s.api.core.v1.EndpointPort',
  'One port of a subset of addresses.',
  {
    name: optional(1, string, 'Name of the service port; needed when there is more than one.'),
    port: required(2, int32, 'Number of the port on the addresses.'),
    protocol: optional(3, oneOf('SCTP', 'TCP', 'UDP'), 'Transport protocol; TCP when absent.'),
    appProtocol: explicit(4, string, 'Application protocol, as an IANA service name or a prefixed name.'),
  },
  { atomic: true },
)
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSubset = object('io.k8s.api.core.v1.EndpointSubset', 'Addresses that have the same ports.', {
  addresses: optional(1, list(EndpointAddress, { list: 'atomic' }), 'Addresses that are ready.'),
  notReadyAddresses: optional(
    2,
    list(EndpointAddress, { list: 'atomic' }),
    'Addresses that are not ready yet, or no longer.',
  ),
  ports: optional(3, list(EndpointPort, { list: 'atomic' }), 'Ports that each of the addresses offers.'),
})
export interface EndpointSubset extends Infer<typeof EndpointSubset> {}

export const endpointsSchema = object(
  'io.k8s.api.core.v1.Endpoints',
  'The addresses behind the service of the same name; EndpointSlice has taken its place.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    subsets: optional(
      2,
      list(EndpointSubset, { list: 'atomic' }),
      'Groups of addresses with their ports; all groups together are the endpoints.',
    ),
  },
)
export interface Endpoints extends Infer<typeof endpointsSchema> {}

export const Endpoints: Kind<Endpoints> = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  storageVersionHash: 'fWeeMqaN/OA=',
  storagePrefix: 'services/endpoints',
  schema: endpointsSchema,
  nameRule: subdomainNameRule,
  defaults(endpoints) {
    for (const subset of endpoints.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
  },
  validate,
  validateUpdate: (endpoints, _old, errors) => validate(endpoints, errors),
  createOnUpdate: true,
  columns: [
    nameColumn,
    textColumn('Endpoints', 'The first of the ready addresses, with their ports.', ({ subsets = [] }) =>
      subsets.length === 0 ? '<none>' : firstOf(subsets.flatMap(readyAddresses)),
    ),
    ageColumn,
  ],
})

function readyAddresses({ addresses = [], ports = [] }: EndpointSubset): string[] {
  if (ports.length === 0) return addresses.map(({ ip }) => ip)
  return ports.flatMap(({ port }) =>
    addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
  )
}

function firstOf(texts: readonly string[]): string {
  const shown = texts.slice(0, 3).join(',')
  return texts.length > 3 ? `${shown} + ${texts.length - 3} more...` : shown
}

function validate({ subsets = [] }: Endpoints, errors: FieldErrors): void {
  for (const [index, subset] of subsets.entries()) validateSubset(`subsets[${index}]`, subset, errors)
}

function validateSubset(path: string, subset: EndpointSubset, errors: FieldErrors): void {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    errors.required(path, 'must specify `addresses` or `notReadyAddresses`')
  }
  for (const [index, address] of addresses.entries()) validateAddress(`${path}.addresses[${index}]`, address, errors)
  for (const [index, address] of notReadyAddresses.entries()) {
    validateAddress(`${path}.notReadyAddresses[${index}]`, address, errors)
  }
  for (const [index, port] of ports.entries()) {
    validateEndpointPort(`${path}.ports[${index}]`, port, ports.length > 1, errors)
  }
}

function validateAddress(path: string, { ip, hostname, nodeName }: EndpointAddress, errors: FieldErrors): void {
  invalidAll(`${path}.ip`, ip, endpointIpFaults(ip), errors)
  if (hostname) invalidAll(`${path}.hostname`, hostname, dnsLabelFaults(hostname), errors)
  if (nodeName !== undefined) invalidAll(`${path}.nodeName`, nodeName, dnsSubdomainFaults(nodeName), errors)
}

function validateEndpointPort(path: string, port: EndpointPort, needsName: boolean, errors: FieldErrors): void {
  if (port.name) invalidAll(`${path}.name`, port.name, dnsLabelFaults(port.name), errors)
  else if (needsName) errors.required(`${path}.name`)
  validatePort(`${path}.port`, port.port, errors)
  if (!port.protocol) errors.required(`${path}.protocol`)
  else validateWord(`${path}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'], errors)
  if (port.appProtocol !== undefined) {
    invalidAll(`${path}.appProtocol`, port.appProtocol, qualifiedNameFaults(port.appProtocol), errors)
  }
}
