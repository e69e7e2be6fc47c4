import { cidrContains, parseCidr } from '../../base/cidr.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import { legacyCidrFaults, portNameFaults } from '../../schema/names.ts'
import { invalidAll, validatePort } from '../rules.ts'
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from './network-policy.ts'

export function validateNetworkPolicy({ spec }: NetworkPolicy, errors: FieldErrors): void {
  validateLabelSelector(spec.podSelector, 'spec.podSelector', errors)
  for (const [index, { ports, from }] of (spec.ingress ?? []).entries()) {
    validateRule(`spec.ingress[${index}]`, 'from', ports ?? [], from ?? [], errors)
  }
  for (const [index, { ports, to }] of (spec.egress ?? []).entries()) {
    validateRule(`spec.egress[${index}]`, 'to', ports ?? [], to ?? [], errors)
  }
  const types = spec.policyTypes ?? []
  if (types.length > 2) {
    errors.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')
    return
  }
  const known = ['Ingress', 'Egress']
  for (const [index, type] of types.entries()) {
    if (!known.includes(type)) errors.notSupported(`spec.policyTypes[${index}]`, type, known)
  }
}

function validateRule(
  path: string,
  direction: 'from' | 'to',
  ports: readonly NetworkPolicyPort[],
  peers: readonly NetworkPolicyPeer[],
  errors: FieldErrors,
): void {
  for (const [index, port] of ports.entries()) validatePolicyPort(`${path}.ports[${index}]`, port, errors)
  for (const [index, peer] of peers.entries()) validatePeer(`${path}.${direction}[${index}]`, peer, errors)
}

function validatePolicyPort(path: string, { protocol, port, endPort }: NetworkPolicyPort, errors: FieldErrors): void {
  const protocols = ['TCP', 'UDP', 'SCTP']
  if (protocol !== undefined && !protocols.includes(protocol)) {
    errors.notSupported(`${path}.protocol`, protocol, protocols)
  }
  const refuseEnd = (value: unknown, detail: string) => errors.invalid(`${path}.endPort`, value, detail)
  if (port === undefined) {
    if (endPort !== undefined) refuseEnd(endPort, 'may not be specified when `port` is not specified')
  } else if (typeof port === 'string') {
    if (endPort !== undefined) refuseEnd(endPort, 'may not be specified when `port` is non-numeric')
    invalidAll(`${path}.port`, port, portNameFaults(port), errors)
  } else {
    validatePort(`${path}.port`, port, errors)
    if (endPort === undefined) return
    if (endPort < port) refuseEnd(port, 'must be greater than or equal to `port`')
    validatePort(`${path}.endPort`, endPort, errors)
  }
}

function validatePeer(path: string, peer: NetworkPolicyPeer, errors: FieldErrors): void {
  const { podSelector, namespaceSelector, ipBlock } = peer
  validateLabelSelector(podSelector, `${path}.podSelector`, errors)
  validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`, errors)
  if (ipBlock !== undefined) validateIpBlock(`${path}.ipBlock`, ipBlock, errors)
  const selects = podSelector !== undefined || namespaceSelector !== undefined
  if (!selects && ipBlock === undefined) errors.required(path, 'must specify a peer')
  else if (selects && ipBlock !== undefined) errors.forbidden(path, 'may not specify both ipBlock and another peer')
}

function validateIpBlock(path: string, { cidr, except = [] }: IPBlock, errors: FieldErrors): void {
  if (!cidr) {
    errors.required(`${path}.cidr`)
    return
  }
  const faults = legacyCidrFaults(cidr)
  invalidAll(`${path}.cidr`, cidr, faults, errors)
  const range = parseCidr(cidr, 'sloppy')
  if (faults.length > 0 || range === undefined) return
  for (const [index, text] of except.entries()) {
    const where = `${path}.except[${index}]`
    const exceptFaults = legacyCidrFaults(text)
    invalidAll(where, text, exceptFaults, errors)
    const excepted = parseCidr(text, 'sloppy')
    if (exceptFaults.length > 0 || excepted === undefined) continue
    if (!cidrContains(range, excepted.address) || range.prefixLength >= excepted.prefixLength) {
      errors.invalid(where, text, 'must be a strict subset of `cidr`')
    }
  }
}
