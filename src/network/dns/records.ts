import { formatIp, parseIp } from '../../base/cidr.ts'
import type { Service } from '../../kinds/core/service.ts'
import { type Endpoint, type EndpointSlice, serviceLabel } from '../../kinds/discovery/endpoint-slice.ts'

/** What the records are made of: the API, as far as it is known here. */
export interface Names {
  hasNamespace(name: string): boolean
  service(namespace: string, name: string): Service | undefined
  slicesOf(namespace: string, service: string): Iterable<EndpointSlice>
  /** The service that has this address. */
  serviceAt(address: string): Service | undefined
  /** Slices with an endpoint that has this address. */
  slicesAt(address: string): Iterable<EndpointSlice>
}

/** A record without its TTL and class, in the form of dns-packet; names without the dot at the end. */
export type DnsRecord =
  | { readonly type: 'A' | 'AAAA' | 'CNAME' | 'PTR' | 'NS'; readonly name: string; readonly data: string }
  | { readonly type: 'SRV'; readonly name: string; readonly data: SrvData }
  | { readonly type: 'SOA'; readonly name: string; readonly data: SoaData }
  | { readonly type: 'TXT'; readonly name: string; readonly data: string[] }

interface SrvData {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly target: string
}

interface SoaData {
  readonly mname: string
  readonly rname: string
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

export interface Question {
  readonly name: string
  readonly type: string
}

export type Answer =
  /** It is not ours to say. */
  | { readonly outcome: 'refused' }
  | {
      readonly outcome: 'found' | 'missing'
      readonly answers: readonly DnsRecord[]
      readonly additionals: readonly DnsRecord[]
    }

/** How long an answer holds, in seconds; what kubeadm's configuration of CoreDNS says. */
export const ttlSeconds = 30
const version = '1.1.0'

/** The record that comes with every answer that holds nothing. `serial`: grows with time. */
export const startOfZone = (zone: string, serial: number): DnsRecord => ({
  type: 'SOA',
  name: zone,
  data: {
    mname: `ns.dns.${zone}`,
    rname: `hostmaster.${zone}`,
    serial,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: ttlSeconds,
  },
})

/**
 * Answers a question about the zone (`cluster.local`) or about an address of the cluster, by the Kubernetes DNS-Based
 * Service Discovery specification; where it leaves a choice, as CoreDNS does.
 */
export function answer(question: Question, zone: string, names: Names, serial: number): Answer {
  const name = question.name.toLowerCase()
  const address = addressOf(name)
  if (address !== undefined) return answerAddress(question, address, zone, names)
  if (name !== zone && !name.endsWith(`.${zone}`)) return { outcome: 'refused' }
  if (name === zone) return found(ofZone(question, zone, serial))
  const labels = name.slice(0, -zone.length - 1).split('.')
  switch (labels.at(-1)) {
    case 'svc':
      return answerService(question, labels.slice(0, -1), zone, names)
    case 'pod':
      return answerPod(question, labels.slice(0, -1), names)
    case 'dns-version':
      if (labels.length > 1) return missing
      return found(question.type === 'TXT' ? [{ type: 'TXT', name: question.name, data: [version] }] : [])
    case 'dns':
      return labels.length === 2 && labels[0] === 'ns' ? found(ofServer(question, names)) : missing
    default:
      return missing
  }
}

const missing: Answer = { outcome: 'missing', answers: [], additionals: [] }

const found = (answers: readonly DnsRecord[], additionals: readonly DnsRecord[] = []): Answer => ({
  outcome: 'found',
  answers,
  additionals,
})

function ofZone({ type }: Question, zone: string, serial: number): readonly DnsRecord[] {
  if (type === 'SOA') return [startOfZone(zone, serial)]
  return type === 'NS' ? [{ type, name: zone, data: `ns.dns.${zone}` }] : []
}

/** Where clusters have the server that answers. */
function ofServer(question: Question, names: Names): readonly DnsRecord[] {
  const addresses = names.service('kube-system', 'kube-dns')?.spec.clusterIPs ?? []
  return addressRecords(question.name, addresses, question.type)
}

// Services.

/** A place where a service is, under its own name. */
interface Place {
  readonly name: string
  readonly address: string
  /** Absent where an endpoint says of no port. */
  readonly port: number | undefined
}

/** What may stand before the name of a service: nothing, an endpoint of it, or a port and its protocol. */
interface Asked {
  readonly endpoint?: string
  readonly port?: string
  readonly protocol?: string
}

function answerService(question: Question, labels: readonly string[], zone: string, names: Names): Answer {
  const [namespace = '', name = '', ...before] = labels.toReversed()
  if (labels.length < 2) return labels.length === 0 || names.hasNamespace(namespace) ? found([]) : missing
  const service = before.length > 2 ? undefined : names.service(namespace, name)
  if (service === undefined) return missing
  const asked = askedOf(before)
  if (service.spec.type === 'ExternalName') return before.length === 0 ? elsewhere(question, service) : missing
  const own = `${name}.${namespace}.svc.${zone}`
  const isByEndpoints = service.spec.clusterIP === 'None' || asked.endpoint !== undefined
  const places = isByEndpoints
    ? endpointPlaces(own, names.slicesOf(namespace, name), asked)
    : clusterPlaces(own, service, asked)
  if (places.length === 0) return missing
  if (question.type === 'SRV') return portRecords(question.name, places)
  return found(addressRecords(question.name, new Set(places.map(({ address }) => address)), question.type))
}

function askedOf(before: readonly string[]): Asked {
  if (before.length === 2) return { protocol: bare(before[0]!), port: bare(before[1]!) }
  return before.length === 1 ? { endpoint: before[0]! } : {}
}

const bare = (label: string) => label.replace(/^_/, '')

/** Its name stands for another one, whatever is asked of it; whoever wants more asks for that. */
function elsewhere({ name, type }: Question, { spec }: Service): Answer {
  const isAddress = type === 'A' || type === 'AAAA' || type === 'CNAME'
  return found(isAddress ? [{ type: 'CNAME', name, data: (spec.externalName ?? '').replace(/\.$/, '') }] : [])
}

function clusterPlaces(name: string, { spec }: Service, asked: Asked): readonly Place[] {
  const ports = (spec.ports ?? []).filter((port) => isAsked(asked, port))
  return ports.flatMap(({ port }) => (spec.clusterIPs ?? []).map((address) => ({ name, address, port })))
}

function endpointPlaces(service: string, slices: Iterable<EndpointSlice>, asked: Asked): readonly Place[] {
  const places: Place[] = []
  for (const { addressType, endpoints = [], ports = [] } of slices) {
    // Names of hosts elsewhere are no addresses.
    if (addressType === 'FQDN') continue
    const wanted = (ports ?? []).filter((port) => isAsked(asked, port)).map(({ port }) => port)
    const all = wanted.length === 0 && asked.port === undefined ? [undefined] : wanted
    for (const endpoint of endpoints) {
      const address = endpoint.addresses[0]
      if (address === undefined || endpoint.conditions.ready === false) continue
      const label = labelOf(endpoint, address)
      if (asked.endpoint !== undefined && asked.endpoint !== label) continue
      for (const port of all) places.push({ name: `${label}.${service}`, address, port })
    }
  }
  return places
}

const isAsked = (
  asked: Asked,
  { name = '', protocol = 'TCP' }: { readonly name?: string; readonly protocol?: string },
) => asked.port === undefined || (asked.port === name.toLowerCase() && asked.protocol === protocol.toLowerCase())

const labelOf = ({ hostname }: Endpoint, address: string) => hostname || address.replace(/[.:]/g, '-')

function addressRecords(name: string, addresses: Iterable<string>, type: string): readonly DnsRecord[] {
  if (type !== 'A' && type !== 'AAAA') return []
  return [...addresses].filter((address) => typeOf(address) === type).map((data) => ({ type, name, data }))
}

const typeOf = (address: string) => (address.includes(':') ? 'AAAA' : 'A')

/** All places get an equal share of 100, as the weights of CoreDNS have it. */
function portRecords(name: string, places: readonly Place[]): Answer {
  const weight = Math.max(1, Math.floor(100 / places.length))
  const answers = new Map<string, DnsRecord>()
  const additionals = new Map<string, DnsRecord>()
  for (const { name: target, address, port } of places) {
    if (port === undefined) continue
    answers.set(`${port} ${target}`, { type: 'SRV', name, data: { priority: 0, weight, port, target } })
    additionals.set(`${address} ${target}`, { type: typeOf(address), name: target, data: address })
  }
  return found([...answers.values()], [...additionals.values()])
}

// Pods, by their addresses: that there is such a pod is not looked for, as kubeadm's configuration has it.

function answerPod(question: Question, labels: readonly string[], names: Names): Answer {
  const [namespace, label, ...more] = labels.toReversed()
  if (namespace === undefined) return found([])
  if (!names.hasNamespace(namespace) || more.length > 0) return missing
  if (label === undefined) return found([])
  const address = /^\d+-\d+-\d+-\d+$/.test(label) ? label.replaceAll('-', '.') : label.replaceAll('-', ':')
  return parseIp(address) === undefined ? missing : found(addressRecords(question.name, [address], question.type))
}

// Names of addresses.

function answerAddress({ name, type }: Question, address: string, zone: string, names: Names): Answer {
  const hosts = hostsAt(address, names).map((host) => `${host}.svc.${zone}`)
  // Whose the others are is not known here.
  if (hosts.length === 0) return { outcome: 'refused' }
  return found(type === 'PTR' ? hosts.map((data) => ({ type, name, data })) : [])
}

function hostsAt(address: string, names: Names): readonly string[] {
  const service = names.serviceAt(address)
  if (service !== undefined) return [`${service.metadata.name}.${service.metadata.namespace}`]
  const hosts = new Set<string>()
  for (const { metadata, endpoints = [] } of names.slicesAt(address))
    for (const endpoint of endpoints)
      if (endpoint.addresses[0] === address && endpoint.conditions.ready !== false)
        hosts.add(`${labelOf(endpoint, address)}.${metadata.labels?.[serviceLabel]}.${metadata.namespace}`)
  return [...hosts]
}

/** The address that a name below `in-addr.arpa` or `ip6.arpa` stands for (RFC 1035, 3.5; RFC 3596, 2.5). */
function addressOf(name: string): string | undefined {
  const [, four] = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(name) ?? []
  if (four !== undefined) return four.slice(0, -1).split('.').toReversed().join('.')
  const [, six] = /^((?:[\da-f]\.){32})ip6\.arpa$/.exec(name) ?? []
  if (six === undefined) return undefined
  const digits = six.replaceAll('.', '').split('').toReversed().join('')
  return formatIp({ family: 6, bits: BigInt(`0x${digits}`) })
}
