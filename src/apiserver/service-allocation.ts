/**
 * Gives services their cluster IPs and node ports, and fills in the fields that say which families they have
 * (the reference's `pkg/registry/core/service/storage/alloc.go`).
 *
 * The registry calls it around a write of a Service, after defaulting and mutating admission and before
 * `prepareCreate`, `prepareUpdate` and validation:
 *
 * ```ts
 * const allocation = allocator.create(service, { dryRun })   // reserves; the service now has its addresses
 * try {
 *   … prepare, validate, write the object and what `allocation.addresses` says …
 *   allocation.commit()                                        // lets go of what the old object had
 * } catch (error) {
 *   allocation.revert()                                        // gives back what was reserved
 *   throw error
 * }
 * ```
 *
 * At start, and for services that another server has written, it is told of them by `adopt` and `forget`.
 */

import type { Service } from '../kinds/core/service.ts'
import { validateAddressFields } from '../kinds/core/service-address-validation.ts'
import {
  headless,
  isHeadless,
  needsClusterIp,
  needsHealthCheckPort,
  needsNodePorts,
  nodePortsOf,
  sameClusterIps,
  sameFamilies,
} from '../kinds/core/service-fields.ts'
import { familyOf, type IpFamily } from '../kinds/ip-rules.ts'
import { FieldErrors } from '../schema/field-errors.ts'
import { equalJson } from '../schema/freeze.ts'
import { ApiError } from '../schema/status.ts'
import type { Mutable } from '../schema/types.ts'
import type { Random } from '../world/world.ts'
import { AddressRanges } from './service-allocation/address-ranges.ts'
import { PortPool } from './service-allocation/port-pool.ts'

export interface ServiceAllocatorOptions {
  readonly random: Random
  /** One range of addresses, or one of each family; the first is the default family. */
  readonly serviceCidrs?: readonly string[]
  /** The ports that nodes may open for services, both ends included. */
  readonly nodePorts?: { readonly from: number; readonly to: number }
}

export interface AllocationOptions {
  /** Nothing is reserved: the service gets values that it might get. */
  readonly dryRun?: boolean
}

/** What was reserved for one write. Exactly one of `commit` and `revert` must be called; the second call does nothing. */
export interface Allocation {
  /** The IPAddress objects that the write must make and delete, by their addresses. */
  readonly addresses: { readonly add: readonly string[]; readonly remove: readonly string[] }
  /** The ports of nodes that the object gets and lets go. */
  readonly ports: { readonly add: readonly number[]; readonly remove: readonly number[] }
  /** The object is written: what only the old one had is free. */
  commit(): void
  /** The object was not written: what was reserved for it is free again. */
  revert(): void
}

type FreshService = Mutable<Service>

export class ServiceAllocator {
  readonly #pools: ReadonlyMap<IpFamily, AddressRanges>
  readonly #ports: PortPool
  readonly #defaultFamily: IpFamily
  readonly #serviceCidrs: readonly string[]

  constructor({
    random,
    serviceCidrs = ['10.96.0.0/12'],
    nodePorts = { from: 30_000, to: 32_767 },
  }: ServiceAllocatorOptions) {
    const pools = serviceCidrs.map((cidr) => new AddressRanges(cidr, random))
    this.#pools = new Map(pools.map((pool) => [pool.family, pool]))
    this.#defaultFamily = pools[0]!.family
    this.#serviceCidrs = serviceCidrs
    this.#ports = new PortPool(nodePorts.from, nodePorts.to, random)
  }

  /** Gives addresses from these ranges from now on, and from those that it began with. */
  useRanges(ranges: readonly string[]): void {
    for (const pool of this.#pools.values()) pool.use([...this.#serviceCidrs, ...ranges])
  }

  /** Takes note of an address that something else than a service has. */
  adoptAddress(address: string, owner: string): void {
    this.#poolOf(address)?.adopt(address, owner)
  }

  forgetAddress(address: string, owner: string): void {
    this.#poolOf(address)?.release(address, owner)
  }

  /** Takes note of what a stored service has. Telling it twice does no harm. */
  adopt(service: Service): void {
    const owner = ownerOf(service)
    for (const address of addressesOf(service)) this.#poolOf(address)?.adopt(address, owner)
    for (const port of portsOf(service)) this.#ports.adopt(port, owner)
  }

  /** A service is gone, or has become the one that `adopt` is told of next. Frees only what is still its own. */
  forget(service: Service): void {
    const owner = ownerOf(service)
    for (const address of addressesOf(service)) this.#poolOf(address)?.release(address, owner)
    for (const port of portsOf(service)) this.#ports.release(port, owner)
  }

  /**
   * Fills in addresses and ports of a new service.
   * @throws ApiError `Invalid` when what was asked for cannot be had, `InternalError` when nothing is left.
   */
  create(service: FreshService, options: AllocationOptions = {}): Allocation {
    const { spec } = service
    if (spec.clusterIP && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP]
    return this.#attempt(service, options, (reservation) => {
      this.#settleFamilies(service, undefined)
      this.#allocateAddresses(service, reservation)
      if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') this.#allocateNodePorts(service, reservation)
      if (needsHealthCheckPort(asService(service))) this.#allocateHealthCheckPort(service, reservation)
    })
  }

  /** Carries over what the client left out, and reserves and releases what the change asks for. Throws as `create` does. */
  update(service: FreshService, old: Service, options: AllocationOptions = {}): Allocation {
    carryOver(service, old)
    syncClusterIps(service, old)
    return this.#attempt(service, options, (reservation) => {
      this.#settleFamilies(service, old)
      this.#updateAddresses(service, old, reservation)
      this.#updatePorts(service, old, reservation)
    })
  }

  /** The IPAddress objects that go with a deleted service; its addresses and ports are free from now on. */
  remove(service: Service): readonly string[] {
    this.forget(service)
    return addressesOf(service)
  }

  #attempt(
    service: FreshService,
    { dryRun = false }: AllocationOptions,
    allocate: (reservation: Reservation) => void,
  ): Reservation {
    const reservation = new Reservation(this.#pools, this.#ports, ownerOf(asService(service)), dryRun)
    try {
      allocate(reservation)
      return reservation
    } catch (error) {
      reservation.revert()
      throw error
    }
  }

  #poolOf(address: string): AddressRanges | undefined {
    const family = familyOf(address)
    return family && this.#pools.get(family)
  }

  // Families

  /** Decides the policy and the families before addresses are given out. */
  #settleFamilies(service: FreshService, old: Service | undefined): void {
    const { spec } = service
    if (spec.type === 'ExternalName' || keepsPreference(service, old)) return
    const errors = new FieldErrors()
    validateAddressFields(asService(service), errors)
    throwIfAny(errors, service)
    this.#checkSingleStack(service, errors)
    this.#familiesFromAddresses(service, errors)
    throwIfAny(errors, service)
    if (isHeadless(asService(service)) && Object.keys(spec.selector ?? {}).length === 0) {
      this.#settleSelectorless(service)
      return
    }
    this.#settleByCluster(service, errors)
  }

  #checkSingleStack({ spec }: FreshService, errors: FieldErrors): void {
    if (spec.ipFamilyPolicy !== 'SingleStack') return
    const refuse = (field: string) =>
      errors.invalid(
        'spec.ipFamilyPolicy',
        spec.ipFamilyPolicy,
        `must be RequireDualStack or PreferDualStack when multiple ${field} are specified`,
      )
    if (spec.clusterIPs?.length === 2) refuse('clusterIPs')
    if (spec.ipFamilies?.length === 2) refuse('ipFamilies')
  }

  #familiesFromAddresses({ spec }: FreshService, errors: FieldErrors): void {
    for (const [index, address] of (spec.clusterIPs ?? []).entries()) {
      if (address === headless) return
      const family = familyOf(address)!
      if (index < (spec.ipFamilies ?? []).length) continue
      if (this.#pools.has(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family]
      else errors.invalid(`spec.clusterIPs[${index}]`, spec.clusterIPs, `${family} is not configured on this cluster`)
    }
  }

  /** Endpoints of such a service come from elsewhere and may be of both families, whatever the cluster's own are. */
  #settleSelectorless({ spec }: FreshService): void {
    const families = spec.ipFamilies?.length ? spec.ipFamilies : [this.#defaultFamily]
    spec.ipFamilies = families
    if (spec.ipFamilyPolicy !== 'SingleStack' && families.length === 1) {
      spec.ipFamilies = [...families, families[0] === 'IPv4' ? 'IPv6' : 'IPv4']
    }
    spec.ipFamilyPolicy ??= 'RequireDualStack'
  }

  #settleByCluster(service: FreshService, errors: FieldErrors): void {
    const { spec } = service
    const hasTwo = spec.clusterIPs?.length === 2 || spec.ipFamilies?.length === 2
    spec.ipFamilyPolicy ??= hasTwo ? 'RequireDualStack' : 'SingleStack'
    if (spec.ipFamilyPolicy === 'RequireDualStack' && this.#pools.size < 2) {
      const detail = 'this cluster is not configured for dual-stack services'
      errors.invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, detail)
    }
    for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
      if (!this.#pools.has(family as IpFamily)) {
        errors.invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster')
      }
    }
    throwIfAny(errors, service)
    const families = spec.ipFamilies?.length ? spec.ipFamilies : [this.#defaultFamily]
    spec.ipFamilies = families
    if (spec.ipFamilyPolicy !== 'SingleStack' && families.length === 1 && this.#pools.size === 2) {
      spec.ipFamilies = [...families, families[0] === 'IPv4' ? 'IPv6' : 'IPv4']
    }
  }

  // Addresses

  #allocateAddresses(service: FreshService, reservation: Reservation): void {
    const { spec } = service
    if (spec.type === 'ExternalName' || spec.clusterIPs?.[0] === headless) return
    const given = spec.clusterIPs ?? []
    spec.clusterIPs = (spec.ipFamilies ?? []).map((family, index) =>
      this.#allocateAddress(service, family as IpFamily, given[index] ?? '', reservation),
    )
    spec.clusterIP = spec.clusterIPs[0]
  }

  #allocateAddress(service: FreshService, family: IpFamily, wanted: string, reservation: Reservation): string {
    const refuse = (detail: string) => {
      const errors = new FieldErrors()
      errors.invalid('spec.clusterIPs', service.spec.clusterIPs?.length ? service.spec.clusterIPs : [wanted], detail)
      return errors.toError(serviceKind, service.metadata.name ?? '')
    }
    if (wanted !== '') {
      const fault = reservation.takeAddress(family, wanted)
      if (fault !== undefined) throw refuse(`failed to allocate IP ${wanted}: ${fault}`)
      return wanted
    }
    const address = reservation.nextAddress(family)
    if (address === undefined) throw nothingLeft('failed to allocate a serviceIP: range is full')
    if (!service.metadata.name) {
      // The reference fails when it records the owner of the address.
      const what = `IPAddress.networking.k8s.io "${address}" is invalid: spec.parentRef.name: Required value`
      throw refuse(`failed to allocate IP: ${what}`)
    }
    return address
  }

  #updateAddresses(service: FreshService, old: Service, reservation: Reservation): void {
    const { spec } = service
    if (keepsPreference(service, old)) return
    if (old.spec.type === 'ExternalName' && spec.type !== 'ExternalName') {
      this.#allocateAddresses(service, reservation)
      return
    }
    // Between headless and not there is no way; validation says so.
    if (old.spec.clusterIPs?.[0] === headless || spec.clusterIPs?.[0] === headless) return
    const [, second] = old.spec.clusterIPs ?? []
    if (old.spec.type !== 'ExternalName' && spec.type === 'ExternalName') {
      for (const address of addressesOf(old)) reservation.releaseAddress(address)
    } else if (old.spec.ipFamilies?.length === 1 && spec.ipFamilies?.length === 2) {
      const [first = '', wanted = ''] = spec.clusterIPs ?? []
      const added = this.#allocateAddress(service, spec.ipFamilies[1] as IpFamily, wanted, reservation)
      spec.clusterIPs = [first, added]
    } else if (old.spec.ipFamilies?.length === 2 && spec.ipFamilies?.length === 1 && second !== undefined) {
      reservation.releaseAddress(second)
    }
  }

  // Ports

  #allocateNodePorts(service: FreshService, reservation: Reservation): void {
    const ports = service.spec.ports ?? []
    const chosen = new Map<number, number>()
    for (const [index, port] of ports.entries()) {
      if (!port.nodePort && !needsNodePorts(asService(service))) continue
      const same = chosen.get(port.port)
      if (same !== undefined && (!port.nodePort || port.nodePort === same)) {
        port.nodePort = same
        continue
      }
      // One node port serves the same port of several protocols; a later entry may be the one that names it.
      const wanted = port.nodePort || ports.find((other) => other.port === port.port && other.nodePort)?.nodePort
      if (wanted) takeNodePort(service, index, wanted, reservation)
      port.nodePort = wanted || nextNodePort(reservation)
      if (same === undefined) chosen.set(port.port, port.nodePort)
    }
  }

  #allocateHealthCheckPort({ spec }: FreshService, reservation: Reservation): void {
    if (!spec.healthCheckNodePort) {
      spec.healthCheckNodePort = reservation.nextPort()
      if (spec.healthCheckNodePort === undefined) {
        throw nothingLeft('failed to allocate a HealthCheck NodePort 0: range is full')
      }
      return
    }
    const fault = reservation.takePort(spec.healthCheckNodePort)
    if (fault === undefined) return
    throw nothingLeft(`failed to allocate requested HealthCheck NodePort ${spec.healthCheckNodePort}: ${fault}`)
  }

  #updatePorts(service: FreshService, old: Service, reservation: Reservation): void {
    const { spec } = service
    if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') this.#updateNodePorts(service, old, reservation)
    else for (const port of nodePortsOf(old)) reservation.releasePort(port)
    const needed = needsHealthCheckPort(old)
    const needs = needsHealthCheckPort(asService(service))
    if (!needed && needs) this.#allocateHealthCheckPort(service, reservation)
    if (needed && !needs && old.spec.healthCheckNodePort) reservation.releasePort(old.spec.healthCheckNodePort)
    if (needed && needs && spec.healthCheckNodePort !== old.spec.healthCheckNodePort) {
      const errors = new FieldErrors()
      const detail =
        'cannot change healthCheckNodePort on loadBalancer service with externalTraffic=Local during update'
      errors.invalid('spec.healthCheckNodePort', spec.healthCheckNodePort, detail)
      throwIfAny(errors, service)
    }
  }

  #updateNodePorts(service: FreshService, old: Service, reservation: Reservation): void {
    const before = new Set(nodePortsOf(old))
    const taken = new Set<number>()
    for (const [index, port] of (service.spec.ports ?? []).entries()) {
      if (!port.nodePort) {
        if (needsNodePorts(asService(service))) port.nodePort = nextNodePort(reservation)
      } else if (!before.has(port.nodePort) && !taken.has(port.nodePort)) {
        takeNodePort(service, index, port.nodePort, reservation)
        taken.add(port.nodePort)
      }
    }
    const now = new Set(nodePortsOf(asService(service)))
    for (const port of before) if (!now.has(port)) reservation.releasePort(port)
  }
}

const serviceKind = { group: '', kind: 'Service' }

/** Nothing that the allocator reads is changed by its being mutable. */
const asService = (service: FreshService): Service => service as unknown as Service

const ownerOf = ({ metadata }: Service): string => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`

const addressesOf = ({ spec }: Service): string[] =>
  spec.type === 'ExternalName' ? [] : (spec.clusterIPs ?? []).filter((address) => address !== headless)

/** Every port of nodes that a service has. */
export const portsOf = (service: Service): number[] => [
  ...nodePortsOf(service),
  ...(service.spec.healthCheckNodePort ? [service.spec.healthCheckNodePort] : []),
]

function throwIfAny(errors: FieldErrors, service: FreshService): void {
  if (errors.length > 0) throw errors.toError(serviceKind, service.metadata.name ?? '')
}

function nothingLeft(message: string): ApiError {
  return new ApiError('InternalError', `Internal error occurred: ${message}`, {
    details: { causes: [{ reason: '', message, field: '' }] },
  })
}

function takeNodePort(service: FreshService, index: number, port: number, reservation: Reservation): void {
  const fault = reservation.takePort(port)
  if (fault === undefined) return
  const errors = new FieldErrors()
  errors.invalid(`spec.ports[${index}].nodePort`, port, fault)
  throwIfAny(errors, service)
}

function nextNodePort(reservation: Reservation): number {
  const port = reservation.nextPort()
  if (port === undefined) throw nothingLeft('failed to allocate a nodePort: range is full')
  return port
}

/** A service that prefers two families gets or loses one only on request, not because the cluster has changed. */
function keepsPreference(service: FreshService, old: Service | undefined): boolean {
  if (old === undefined || old.spec.type !== service.spec.type || !needsClusterIp(asService(service))) return false
  const policies = [service.spec.ipFamilyPolicy, old.spec.ipFamilyPolicy]
  if (policies.some((policy) => policy !== 'PreferDualStack')) return false
  return sameClusterIps(asService(service), old) && sameFamilies(asService(service), old)
}

/** A client may send an object without the values that the server gave it. */
function carryOver(service: FreshService, old: Service): void {
  const { spec } = service
  const both = (needs: (service: Service) => boolean) => needs(old) && needs(asService(service))
  if (both(needsClusterIp)) {
    spec.clusterIP ||= old.spec.clusterIP
    if ((spec.clusterIPs ?? []).length === 0) spec.clusterIPs = old.spec.clusterIPs && [...old.spec.clusterIPs]
  }
  if (both(needsNodePorts)) carryOverNodePorts(service, old)
  if (both(needsHealthCheckPort)) spec.healthCheckNodePort ||= old.spec.healthCheckNodePort
}

/** By name of the port, unless another port of the new object has the number already. */
function carryOverNodePorts(service: FreshService, old: Service): void {
  const now = new Set(nodePortsOf(asService(service)))
  const used = new Set(nodePortsOf(old).filter((port) => now.has(port)))
  const byName = new Map((old.spec.ports ?? []).map(({ name = '', nodePort }) => [name, nodePort]))
  for (const port of service.spec.ports ?? []) {
    const before = byName.get(port.name ?? '')
    if (port.nodePort || !before || used.has(before)) continue
    port.nodePort = before
    used.add(before)
  }
}

/** Clients older than dual stack know `clusterIP` only; `clusterIPs` follows it. */
function syncClusterIps(service: FreshService, old: Service): void {
  const { spec } = service
  if ((spec.clusterIPs ?? []).length === 0 && spec.clusterIP === old.spec.clusterIP && old.spec.clusterIPs) {
    spec.clusterIPs = [...old.spec.clusterIPs]
  }
  if (spec.clusterIP === old.spec.clusterIP || !equalJson(spec.clusterIPs, old.spec.clusterIPs)) return
  spec.clusterIPs = spec.clusterIP ? [spec.clusterIP] : undefined
}

/** What one write has taken so far, and will let go of. */
class Reservation implements Allocation {
  readonly #pools: ReadonlyMap<IpFamily, AddressRanges>
  readonly #ports: PortPool
  readonly #owner: string
  readonly #dryRun: boolean
  readonly #added: string[] = []
  readonly #addedPorts: number[] = []
  readonly #removed: string[] = []
  readonly #removedPorts: number[] = []
  #isOpen = true

  constructor(pools: ReadonlyMap<IpFamily, AddressRanges>, ports: PortPool, owner: string, dryRun: boolean) {
    this.#pools = pools
    this.#ports = ports
    this.#owner = owner
    this.#dryRun = dryRun
  }

  get addresses(): Allocation['addresses'] {
    return this.#dryRun ? { add: [], remove: [] } : { add: this.#added, remove: this.#removed }
  }

  get ports(): Allocation['ports'] {
    return this.#dryRun ? { add: [], remove: [] } : { add: this.#addedPorts, remove: this.#removedPorts }
  }

  /** What is wrong with taking this address; undefined: it is taken. */
  takeAddress(family: IpFamily, address: string): string | undefined {
    const pool = this.#pools.get(family)!
    const fault = pool.faultOf(address)
    if (fault === undefined) this.#addAddress(pool, address)
    return fault
  }

  nextAddress(family: IpFamily): string | undefined {
    const pool = this.#pools.get(family)!
    const address = this.#dryRun ? pool.example : pool.next()
    if (address !== undefined) this.#addAddress(pool, address)
    return address
  }

  #addAddress(pool: AddressRanges, address: string): void {
    if (!this.#dryRun) pool.adopt(address, this.#owner)
    this.#added.push(address)
  }

  takePort(port: number): string | undefined {
    if (this.#addedPorts.includes(port)) return undefined
    const fault = this.#ports.faultOf(port)
    if (fault === undefined) this.#addPort(port)
    return fault
  }

  nextPort(): number | undefined {
    const port = this.#ports.next(this.#addedPorts)
    if (port !== undefined) this.#addPort(port)
    return port
  }

  #addPort(port: number): void {
    if (!this.#dryRun) this.#ports.adopt(port, this.#owner)
    this.#addedPorts.push(port)
  }

  releaseAddress(address: string): void {
    this.#removed.push(address)
  }

  releasePort(port: number): void {
    this.#removedPorts.push(port)
  }

  commit(): void {
    this.#finish(this.#removed, this.#removedPorts)
  }

  revert(): void {
    this.#finish(this.#added, this.#addedPorts)
  }

  #finish(addresses: readonly string[], ports: readonly number[]): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (this.#dryRun) return
    for (const address of addresses) this.#pools.get(familyOf(address)!)?.release(address, this.#owner)
    for (const port of ports) this.#ports.release(port, this.#owner)
  }
}
