import { parseCidr } from '../../base/cidr.ts'
import type { Service, ServicePort } from '../../kinds/core/service.ts'
import type { EndpointSlice } from '../../kinds/discovery/endpoint-slice.ts'
import { addressesOf, type Backend, type Backends, backendsOf, type Family, type Here } from './backends.ts'

/** How rules are written. */
export interface RuleSettings {
  /** Who of a service's backends is next: any (as iptables and nftables of kube-proxy have it), or each in turn (as its ipvs). */
  readonly spread: 'random' | 'turns'
  /** Whose connections come from pods: `ip saddr` of these ranges, or what comes in at these interfaces (`*` at the end). */
  readonly pods: { readonly cidrs: readonly string[] } | { readonly interfaces: string }
  /** Every connection to a service's own address gets the node's address, not only those from outside the cluster. */
  readonly masqueradesAll: boolean
  /** The bit of a packet's mark that says that it gets the node's address. */
  readonly masqueradeMark: number
  /** Node ports are open on addresses of these ranges; none: on all but loopback. */
  readonly nodePortCidrs: readonly string[]
}

/**
 * What a service adds to the rules of one family. Chains and sets are its own; `elements`, by `MAP KEY`, are of maps that
 * all services share, so that two may want the same one.
 */
export interface Rules {
  readonly chains: ReadonlyMap<string, readonly string[]>
  /** Each with its declaration, which follows from the name: a set cannot become another. */
  readonly sets: ReadonlyMap<string, string>
  /** A verdict each; empty in what is a set. */
  readonly elements: ReadonlyMap<string, string>
  /** Where datagrams go: `ADDRESS PORT` of the service (`PORT` alone on nodes), and the addresses of its backends. */
  readonly datagrams: ReadonlyMap<string, readonly string[]>
  /** What a balancer is told that asks whether it is to send anything here. */
  readonly healthCheck?: { readonly port: number; readonly localEndpoints: number }
}

const word = (family: Family) => (family === 4 ? 'ip' : 'ip6')
const addressType = (family: Family) => (family === 4 ? 'ipv4_addr' : 'ipv6_addr')
const inFamily = (cidrs: readonly string[], family: Family) =>
  cidrs.filter((cidr) => parseCidr(cidr, 'sloppy')?.address.family === family)

/** Of the packets that come from pods, or of those that do not. Undefined: nobody can tell. */
function fromPods({ pods }: RuleSettings, family: Family, isPod: boolean): string | undefined {
  const not = isPod ? '' : '!= '
  if ('interfaces' in pods) return `iifname ${not}"${pods.interfaces}"`
  const cidrs = inFamily(pods.cidrs, family)
  return cidrs.length > 0 ? `${word(family)} saddr ${not}{ ${cidrs.join(', ')} }` : undefined
}

/**
 * What is there before any service: where packets come in, and the maps by which their chains are found. A packet is
 * looked up once, however many services there are.
 */
export function frame(settings: RuleSettings, family: Family): readonly string[] {
  const ip = word(family)
  const at = `${ip} kube-proxy`
  const destination = `${addressType(family)} . inet_proto . inet_service`
  const mark = `0x${settings.masqueradeMark.toString(16)}`
  const ranges = inFamily(settings.nodePortCidrs, family)
  const loopback = family === 4 ? '127.0.0.0/8' : '::1'
  const ofNode = `fib daddr type local ${ip} daddr ${ranges.length > 0 ? `{ ${ranges.join(', ')} }` : `!= ${loopback}`}`
  const byService = `${ip} daddr . meta l4proto . th dport vmap`
  const byPort = `${ofNode} meta l4proto . th dport vmap`
  const chains: Readonly<Record<string, readonly [hook: string, ...rules: string[]]>> = {
    services: ['', `${byService} @service-ips`, `${byPort} @service-nodeports`],
    unanswered: ['', `${byService} @no-endpoint-services`, `${byPort} @no-endpoint-nodeports`],
    'mark-for-masquerade': ['', `meta mark set meta mark or ${mark}`],
    'reject-chain': ['', 'reject'],
    // Before addresses are translated: whom a balancer's address is not meant for goes no further.
    'filter-prerouting': ['filter hook prerouting priority -110', `ct state new ${byService} @firewall-ips`],
    'filter-output-first': ['filter hook output priority -110', `ct state new ${byService} @firewall-ips`],
    'nat-prerouting': ['nat hook prerouting priority -100', 'jump services'],
    'nat-output': ['nat hook output priority -100', 'jump services'],
    'nat-postrouting': [
      'nat hook postrouting priority 100',
      `meta mark & ${mark} == 0 return`,
      // Another program that looks at the mark is not to do the same again.
      `meta mark set meta mark xor ${mark}`,
      'masquerade fully-random',
    ],
    'filter-input': ['filter hook input priority 0', 'ct state new jump unanswered'],
    'filter-forward': [
      'filter hook forward priority 0',
      'ct state new jump unanswered',
      `ct state new ${ip} daddr @cluster-ips reject`,
    ],
    'filter-output': [
      'filter hook output priority 0',
      'ct state new jump unanswered',
      `ct state new ${ip} daddr @cluster-ips reject`,
    ],
  }
  return [
    // Whatever an earlier proxy has left goes in the same transaction.
    `add table ${at}`,
    `delete table ${at}`,
    `add table ${at}`,
    ...['service-ips', 'no-endpoint-services', 'firewall-ips'].map(
      (name) => `add map ${at} ${name} { type ${destination} : verdict ; }`,
    ),
    ...['service-nodeports', 'no-endpoint-nodeports'].map(
      (name) => `add map ${at} ${name} { type inet_proto . inet_service : verdict ; }`,
    ),
    `add set ${at} cluster-ips { type ${addressType(family)} ; }`,
    ...Object.entries(chains).map(([name, [hook]]) => `add chain ${at} ${name}${hook && ` { type ${hook} ; }`}`),
    ...Object.entries(chains).flatMap(([name, [, ...rules]]) => rules.map((rule) => `add rule ${at} ${name} ${rule}`)),
  ]
}

/** Whether connections to a service are anything to the proxy. */
export const isProxied = ({ metadata, spec }: Service): boolean =>
  spec.type !== 'ExternalName' &&
  !!spec.clusterIP &&
  spec.clusterIP !== 'None' &&
  metadata.labels?.['service.kubernetes.io/service-proxy-name'] === undefined

/** What a service adds to the rules of one family: nothing when it has no address of it. */
export function rulesOf(
  service: Service,
  slices: Iterable<EndpointSlice>,
  family: Family,
  here: Here,
  settings: RuleSettings,
): Rules {
  const rules = new ServiceRules(service, family, settings)
  if (rules.addresses.cluster.length > 0) {
    const listed = [...slices]
    for (const port of service.spec.ports ?? []) rules.add(port, backendsOf(port, listed, family, here))
  }
  return rules
}

const usualAffinitySeconds = 10_800

/** Which of a service's backends count. */
type Policy = keyof Backends

/** Keys of the maps by which packets find their chain. */
interface Destinations {
  readonly services: readonly string[]
  readonly nodePorts: readonly string[]
}

/** The rules of a service in the making. */
class ServiceRules implements Rules {
  readonly chains = new Map<string, readonly string[]>()
  readonly sets = new Map<string, string>()
  readonly elements = new Map<string, string>()
  readonly datagrams = new Map<string, readonly string[]>()
  healthCheck?: NonNullable<Rules['healthCheck']>
  readonly addresses: ReturnType<typeof addressesOf>
  readonly #service: Service
  readonly #family: Family
  readonly #settings: RuleSettings
  readonly #affinitySeconds: number | undefined

  constructor(service: Service, family: Family, settings: RuleSettings) {
    this.#service = service
    this.#family = family
    this.#settings = settings
    this.addresses = addressesOf(service, family)
    const { sessionAffinity, sessionAffinityConfig } = service.spec
    if (sessionAffinity === 'ClientIP')
      this.#affinitySeconds = sessionAffinityConfig?.clientIP?.timeoutSeconds ?? usualAffinitySeconds
  }

  add(port: ServicePort, backends: Backends): void {
    const { metadata, spec } = this.#service
    const protocol = (port.protocol ?? 'TCP').toLowerCase()
    const name = `${metadata.namespace}/${metadata.name}/${protocol}/${port.name ?? ''}`
    const internal: Policy = spec.internalTrafficPolicy === 'Local' ? 'local' : 'cluster'
    const external: Policy = spec.externalTrafficPolicy === 'Local' ? 'local' : 'cluster'
    const keysOf = (addresses: readonly string[]) =>
      addresses.map((address) => `${address} . ${protocol} . ${port.port}`)
    const inside = { services: keysOf(this.addresses.cluster), nodePorts: [] }
    const outside = {
      services: keysOf([...this.addresses.external, ...this.addresses.balancers]),
      nodePorts: port.nodePort ? [`${protocol} . ${port.nodePort}`] : [],
    }
    const isSeenOutside = outside.services.length + outside.nodePorts.length > 0

    for (const address of this.addresses.cluster) this.elements.set(`cluster-ips ${address}`, '')
    // Who has no backends at all is refused; who has none here, where only those count, gets no answer.
    const without = backends.cluster.length === 0 ? 'goto reject-chain' : 'drop'
    if (backends[internal].length === 0) this.#refuse(inside, without)
    else this.#lead(inside, `service-${name}`, this.#entry(name, internal))
    if (backends[external].length === 0) this.#refuse(outside, without)
    else if (isSeenOutside) this.#lead(outside, `external-${name}`, this.#outsideEntry(name, external))
    for (const policy of new Set<Policy>([internal, ...(isSeenOutside ? (['cluster', external] as const) : [])])) {
      if (backends[policy].length === 0) continue
      this.chains.set(`${policy}-${name}`, this.#choice(name, backends[policy]))
      for (const backend of backends[policy]) this.#addBackend(name, protocol, backend)
    }
    this.#addFirewall(name, keysOf(this.addresses.balancers))
    if (protocol === 'udp') this.#addDatagrams(port, backends[internal], backends[external])
    if (external === 'local' && spec.healthCheckNodePort) {
      const localEndpoints = Math.max(backends.local.length, this.healthCheck?.localEndpoints ?? 0)
      this.healthCheck = { port: spec.healthCheckNodePort, localEndpoints }
    }
  }

  #lead({ services, nodePorts }: Destinations, chain: string, rules: readonly string[]): void {
    this.chains.set(chain, rules)
    for (const key of services) this.elements.set(`service-ips ${key}`, `goto ${chain}`)
    for (const key of nodePorts) this.elements.set(`service-nodeports ${key}`, `goto ${chain}`)
  }

  #refuse({ services, nodePorts }: Destinations, verdict: string): void {
    for (const key of services) this.elements.set(`no-endpoint-services ${key}`, verdict)
    for (const key of nodePorts) this.elements.set(`no-endpoint-nodeports ${key}`, verdict)
  }

  #addDatagrams({ port, nodePort }: ServicePort, internal: readonly Backend[], external: readonly Backend[]): void {
    const { cluster, external: others, balancers } = this.addresses
    const to = (backends: readonly Backend[]) => backends.map(({ address }) => address)
    for (const address of cluster) this.datagrams.set(`${address} ${port}`, to(internal))
    for (const address of [...others, ...balancers]) this.datagrams.set(`${address} ${port}`, to(external))
    if (nodePort) this.datagrams.set(String(nodePort), to(external))
  }

  /** To a service's own address: who is no pod would not see the answer. */
  #entry(name: string, policy: Policy): string[] {
    const others = this.#settings.masqueradesAll ? '' : fromPods(this.#settings, this.#family, false)
    const mark = others === undefined ? [] : [`${others} jump mark-for-masquerade`.trimStart()]
    return [...mark, `goto ${policy}-${name}`]
  }

  /** From outside: the way back leads through this node, unless the answer comes from here. */
  #outsideEntry(name: string, policy: Policy): string[] {
    if (policy === 'cluster') return ['jump mark-for-masquerade', `goto cluster-${name}`]
    const own = fromPods(this.#settings, this.#family, true)
    return [
      // Who is in the cluster need not go through the door for others.
      ...(own === undefined ? [] : [`${own} goto cluster-${name}`]),
      'fib saddr type local jump mark-for-masquerade',
      `fib saddr type local goto cluster-${name}`,
      `goto local-${name}`,
    ]
  }

  /** One of the backends: the one that a client had, if it is to stay with it. */
  #choice(name: string, backends: readonly Backend[]): string[] {
    const chains = backends.map((backend) => endpointName(name, backend))
    const stays =
      this.#affinitySeconds === undefined
        ? []
        : chains.map((chain) => `${word(this.#family)} saddr @${this.#affinityOf(chain)} goto endpoint-${chain}`)
    const generator = this.#settings.spread === 'turns' ? 'inc' : 'random'
    // Each of those that are left is as likely. One map of verdicts would be shorter, but the kernel takes seconds for thousands
    // of maps without a name.
    const choice = chains.map((chain, at) => {
      const left = chains.length - at
      return left === 1 ? `goto endpoint-${chain}` : `numgen ${generator} mod ${left} == 0 goto endpoint-${chain}`
    })
    return chains.length === 1 ? choice : [...stays, ...choice]
  }

  #addBackend(name: string, protocol: string, backend: Backend): void {
    const ip = word(this.#family)
    const chain = endpointName(name, backend)
    const stays = this.#affinitySeconds !== undefined
    const target = this.#family === 4 ? backend.address : `[${backend.address}]`
    this.chains.set(`endpoint-${chain}`, [
      // A backend that asks for its own service would get the answer past us.
      `${ip} saddr ${backend.address} jump mark-for-masquerade`,
      ...(stays ? [`update @${this.#affinityOf(chain)} { ${ip} saddr }`] : []),
      `meta l4proto ${protocol} dnat to ${target}:${backend.port}`,
    ])
    if (stays)
      this.sets.set(
        this.#affinityOf(chain),
        `type ${addressType(this.#family)} ; flags dynamic,timeout ; timeout ${this.#affinitySeconds}s ;`,
      )
  }

  /** The clients that stay with a backend. */
  #affinityOf(chain: string): string {
    return `affinity-${this.#affinitySeconds}s-${chain}`
  }

  /** Whom a balancer's address is meant for, where the service says so. */
  #addFirewall(name: string, keys: readonly string[]): void {
    const { loadBalancerSourceRanges = [] } = this.#service.spec
    if (loadBalancerSourceRanges.length === 0 || keys.length === 0) return
    const ranges = inFamily(
      loadBalancerSourceRanges.map((range) => range.trim()),
      this.#family,
    )
    const ip = word(this.#family)
    this.chains.set(`firewall-${name}`, [
      ...(ranges.length > 0 ? [`${ip} saddr { ${ranges.join(', ')} } return`] : []),
      'drop',
    ])
    for (const key of keys) this.elements.set(`firewall-ips ${key}`, `goto firewall-${name}`)
  }
}

/** Names have no colons. */
const endpointName = (name: string, { address, port }: Backend) => `${name}/${address.replaceAll(':', '.')}/${port}`
