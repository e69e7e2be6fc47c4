import type { FieldErrors } from '../../schema/field-errors.ts'
import {
  dnsLabelFaults,
  dnsSubdomainFaults,
  fullyQualifiedDomainNameFaults,
  labelValueFaults,
  qualifiedNameFaults,
} from '../../schema/names.ts'
import { endpointIpFaults, familyOf } from '../ip-rules.ts'
import { invalidAll, validateWord } from '../rules.ts'
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from './endpoint-slice.ts'

const maxEndpoints = 1000
const maxAddresses = 100
const maxPorts = 20_000
const maxHints = 8

export function validateEndpointSlice(slice: EndpointSlice, errors: FieldErrors): void {
  if ((slice.addressType as string) === '') errors.required('addressType')
  else validateWord('addressType', slice.addressType, ['FQDN', 'IPv4', 'IPv6'], errors)
  validateEndpoints(slice, errors)
  validatePorts(slice.ports ?? [], errors)
}

function validateEndpoints(slice: EndpointSlice, errors: FieldErrors): void {
  const endpoints = slice.endpoints ?? []
  if (endpoints.length > maxEndpoints) {
    errors.tooMany('endpoints', endpoints.length, maxEndpoints)
    return
  }
  for (const [index, endpoint] of endpoints.entries()) {
    validateEndpoint(`endpoints[${index}]`, endpoint, slice.addressType, errors)
  }
}

function validateEndpoint(path: string, endpoint: Endpoint, addressType: string, errors: FieldErrors): void {
  const addresses = endpoint.addresses ?? []
  if (addresses.length === 0) errors.required(`${path}.addresses`, 'must contain at least 1 address')
  if (addresses.length > maxAddresses) errors.tooMany(`${path}.addresses`, addresses.length, maxAddresses)
  for (const [index, address] of addresses.entries()) {
    validateAddress(`${path}.addresses[${index}]`, address, addressType, errors)
  }
  const { nodeName, hostname, hints } = endpoint
  if (nodeName !== undefined) invalidAll(`${path}.nodeName`, nodeName, dnsSubdomainFaults(nodeName), errors)
  if (hostname !== undefined) invalidAll(`${path}.hostname`, hostname, dnsLabelFaults(hostname), errors)
  if (hints !== undefined) validateHints(`${path}.hints`, hints, errors)
}

function validateAddress(path: string, address: string, addressType: string, errors: FieldErrors): void {
  if (addressType === 'FQDN') {
    if (address === '') errors.required(path)
    else invalidAll(path, address, fullyQualifiedDomainNameFaults(address), errors)
  } else if (addressType === 'IPv4' || addressType === 'IPv6') {
    const faults = endpointIpFaults(address)
    invalidAll(path, address, faults, errors)
    if (faults.length === 0 && familyOf(address) !== addressType) {
      errors.invalid(path, address, `must be an ${addressType} address`)
    }
  }
}

function validateHints(path: string, { forZones = [], forNodes = [] }: EndpointHints, errors: FieldErrors): void {
  validateNames(`${path}.forZones`, forZones, labelValueFaults, errors)
  validateNames(`${path}.forNodes`, forNodes, dnsSubdomainFaults, errors)
}

function validateNames(
  path: string,
  items: readonly { readonly name: string }[],
  faultsOf: (name: string) => readonly string[],
  errors: FieldErrors,
): void {
  if (items.length > maxHints) {
    errors.tooMany(path, items.length, maxHints)
    return
  }
  const seen = new Set<string>()
  for (const [index, { name }] of items.entries()) {
    if (seen.has(name)) errors.duplicate(`${path}[${index}].name`, name)
    seen.add(name)
    invalidAll(`${path}[${index}].name`, name, faultsOf(name), errors)
  }
}

function validatePorts(ports: readonly EndpointPort[], errors: FieldErrors): void {
  if (ports.length > maxPorts) {
    errors.tooMany('ports', ports.length, maxPorts)
    return
  }
  const seen = new Set<string>()
  for (const [index, { name = '', protocol, appProtocol }] of ports.entries()) {
    const path = `ports[${index}]`
    if (name !== '') invalidAll(`${path}.name`, name, dnsLabelFaults(name), errors)
    if (seen.has(name)) errors.duplicate(`${path}.name`, name)
    seen.add(name)
    if (protocol === undefined) errors.required(`${path}.protocol`)
    else validateWord(`${path}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'], errors)
    if (appProtocol !== undefined) {
      invalidAll(`${path}.appProtocol`, appProtocol, qualifiedNameFaults(appProtocol), errors)
    }
  }
}
