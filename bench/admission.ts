/**
 * What every gate on the way of a request costs in processor time: `node bench/admission.ts [--rounds N] [--only TEXT]`
 * prints two tables in Markdown.
 *
 * The first is about what is on by default: a profile of creations and GETs of pods is taken, and every sample counts for
 * the gate in whose file it is, or for which a file works. Shares hold on a busy machine, too. What a plugin adds to a pod
 * (a volume, tolerations) and then has to be decoded, checked and written costs besides; the row `All admission plugins` of
 * the second table has it in it.
 *
 * In the second, servers with and without a gate run in this process, on stores in memory, and take turns every few
 * hundred requests, so that both see the same machine; the figures are of the quicker rounds. Where a difference is smaller
 * than what the two halves of the rounds differ by, the table says only that.
 */
import { createServer } from 'node:https'
import { type Profiler, Session } from 'node:inspector/promises'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { type AccessSettings, usualSettings } from '../src/apiserver/access/settings.ts'
import { pluginEntries } from '../src/apiserver/admission/plugins.ts'
import { readAuditPolicy } from '../src/apiserver/audit/policy.ts'
import { parseTokenFile } from '../src/apiserver/authn/static-token.ts'
import type { ApiRequest } from '../src/apiserver/request.ts'
import { type Cluster, startCluster } from '../src/cluster/cluster.ts'
import { createAuthority, issueCertificate } from '../src/lifecycle/pki.ts'
import { realNetwork } from '../src/world/network.ts'
import { realWorld } from '../src/world/real.ts'
import { VirtualHost } from '../src/world/virtual-host.ts'

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '30' }, only: { type: 'string', default: '' } },
})
const rounds = Number(flags.rounds)
const batch = 200
const width = 20
const registration = '/apis/admissionregistration.k8s.io/v1'
const collection = '/api/v1/namespaces/default/pods'
const token = 'bench-token'

interface Gate {
  readonly what: string
  /** Absent: as `coracle up` has it. */
  readonly with?: Partial<AccessSettings>
  readonly without?: Partial<AccessSettings>
  /** What the server with the gate gets besides. */
  readonly prepare?: (call: Call) => Promise<void>
  /** Shown for GET as well: it concerns every request. */
  readonly concernsAll?: boolean
}

type Call = (method: string, url: string, body?: object) => Promise<void>

const defaults = pluginEntries.filter(({ name, isDefault }) => isDefault && name !== 'NodeDeclaredFeatureValidator')
const none: Partial<AccessSettings> = {
  admission: { disable: defaults.map(({ name }) => name) },
  authorization: { authorizers: [{ type: 'AlwaysAllow', name: 'all' }] },
  flow: { reading: 0, writing: 0, isFair: false },
}
const auditAt = (level: string): Partial<AccessSettings> => ({
  audit: {
    policy: readAuditPolicy(`{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: ${level}}]}`),
    log: { path: '/audit.log', format: 'json', bytesMax: 1e12, backupsMax: 0, ageMaxMs: 0 },
  },
})

const gates: readonly Gate[] = [
  { what: 'All that is on by default, together', without: none, concernsAll: true },
  { what: 'All admission plugins, together', without: { admission: none.admission! } },
  { what: 'Audit at the level Metadata', with: auditAt('Metadata'), concernsAll: true },
  { what: 'Audit at the level RequestResponse', with: auditAt('RequestResponse'), concernsAll: true },
  {
    what: 'A ValidatingAdmissionPolicy for pods, two expressions and a variable',
    prepare: (call) => policies(call, 1, 'pods'),
  },
  { what: 'Ten of them', prepare: (call) => policies(call, 10, 'pods') },
  { what: 'Ten that are for something else', prepare: (call) => policies(call, 10, 'services') },
  { what: 'A MutatingAdmissionPolicy that adds a label', prepare: mutatingPolicy },
  { what: 'A validating webhook in this process, over TLS, its own work included', prepare: webhook },
]

const world = realWorld(() => {})
const neverAborted = new AbortController().signal
const running: AsyncDisposable[] = []

if ('Own work'.includes(flags.only)) await showOwnWork()
console.log(`\n| Gate | A creation (µs) | A GET (µs) |\n| --- | ---: | ---: |`)
for (const gate of gates.filter(({ what }) => what.includes(flags.only))) console.log(await rowOf(gate))
for (const each of running) await each[Symbol.asyncDispose]()
process.exit()

/** Whose work a file does. */
function gateOf(path: string): string | undefined {
  const [, folder, rest = ''] =
    /\/src\/apiserver\/(authn|authz|flow-control|admission|audit)\/(.*)\.ts$/.exec(path) ?? []
  if (folder === undefined) return undefined
  if (folder !== 'admission')
    return { authn: 'Authentication', authz: 'Authorization', audit: 'Audit' }[folder] ?? 'Priority and fairness'
  const plugin = rest.split('/')[0]!
  return (
    {
      'node-taint': 'TaintNodesByCondition',
      policy: 'Policies, of which there are none',
      webhook: 'Webhooks, of which there are none',
      dynamic: 'Policies, of which there are none',
    }[plugin] ??
    plugin
      .split('-')
      .map((word) => word[0]!.toUpperCase() + word.slice(1))
      .join('')
  )
}

async function showOwnWork(): Promise<void> {
  const { cluster, create, read } = await open()
  const creations = await ownWork(create, 20_000)
  const reads = await ownWork(read, 60_000)
  await cluster[Symbol.asyncDispose]()
  console.log(
    `| Gate, own work | Of a creation of ${creations.each.toFixed(0)} µs | Of a GET of ${reads.each.toFixed(1)} µs |\n| --- | ---: | ---: |`,
  )
  const shown = (work: OwnWork, gate: string) => {
    const share = work.shares.get(gate) ?? 0
    return share < 0.0005 ? '' : `${(work.each * share).toFixed(2)} µs, ${(100 * share).toFixed(1)} %`
  }
  const known = new Set([...creations.shares.keys(), ...reads.shares.keys()])
  const order = (gate: string) => creations.shares.get(gate) ?? 0
  for (const gate of [...known].sort((left, right) => order(right) - order(left))) {
    const cells = [shown(creations, gate), shown(reads, gate)]
    if (cells.some((cell) => cell !== '')) console.log(`| ${gate} | ${cells.join(' | ')} |`)
  }
}

interface OwnWork {
  /** Microseconds for one. */
  readonly each: number
  readonly shares: ReadonlyMap<string, number>
}

async function ownWork(task: () => Promise<void>, count: number): Promise<OwnWork> {
  const run = async (times: number) => {
    for (let at = 0; at < times; at += width) await Promise.all(Array.from({ length: width }, task))
  }
  await run(count / 4)
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
  const before = process.cpuUsage()
  await run(count)
  const each = process.cpuUsage(before).user / count
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  return { each, shares: sharesOf(profile) }
}

/** A sample counts for every gate on its stack, once. */
function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): ReadonlyMap<string, number> {
  const gatesAt = new Map<number, ReadonlySet<string>>()
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const visit = (id: number, above: ReadonlySet<string>) => {
    const { callFrame, children = [] } = byId.get(id)!
    const gate = gateOf(callFrame.url)
    const here = gate === undefined ? above : new Set([...above, gate])
    gatesAt.set(id, here)
    for (const child of children) visit(child, here)
  }
  visit(nodes[0]!.id, new Set())
  const times = new Map<string, number>()
  let total = 0
  for (const [at, id] of samples.entries()) {
    const { functionName } = byId.get(id)!.callFrame
    if (functionName === '(idle)' || functionName === '(program)') continue
    const spent = timeDeltas[at] ?? 0
    total += spent
    for (const gate of gatesAt.get(id)!) times.set(gate, (times.get(gate) ?? 0) + spent)
  }
  return new Map([...times].map(([gate, time]) => [gate, time / total]))
}

async function rowOf(gate: Gate): Promise<string> {
  const [on, off] = [await open(gate.with), await open(gate.without)]
  await gate.prepare?.(on.call)
  const creations = await compare(on.create, off.create)
  const reads = gate.concernsAll ? await compare(on.read, off.read) : undefined
  await Promise.all([on, off].map(({ cluster }) => cluster[Symbol.asyncDispose]()))
  return `| ${gate.what} | ${creations} | ${reads ?? ''} |`
}

/** By how much one is dearer than the other, and how much that is of it. */
async function compare(on: () => Promise<void>, off: () => Promise<void>): Promise<string> {
  for (const task of [on, off, on, off]) await microseconds(task)
  const times: { readonly on: number; readonly off: number }[] = []
  for (let round = 0; round < rounds; round++) {
    // By turns, because whoever comes second finds the caches of the machine warm.
    const first = await microseconds(round % 2 === 0 ? on : off)
    const second = await microseconds(round % 2 === 0 ? off : on)
    times.push(round % 2 === 0 ? { on: first, off: second } : { on: second, off: first })
  }
  const base = quick(times.map(({ off }) => off))
  const difference = quick(times.map(({ on }) => on)) - base
  const halves = [0, 1].map((half) => {
    const part = times.filter((_, round) => (round >> 1) % 2 === half)
    return quick(part.map(({ on }) => on)) - quick(part.map(({ off }) => off))
  })
  const noise = Math.max(...halves.map((each) => Math.abs(each - difference)))
  if (difference < noise) return `< ${Math.max(noise, 0.1).toFixed(1)}`
  return `${difference.toFixed(1)} ± ${noise.toFixed(1)} (${((100 * difference) / base).toFixed(1)} % of ${base.toFixed(0)})`
}

/** What it takes when little else happens on the machine. */
function quick(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 5)]!
}

async function microseconds(task: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  for (let at = 0; at < batch; at += width) await Promise.all(Array.from({ length: width }, task))
  return process.cpuUsage(before).user / batch
}

interface Opened {
  readonly cluster: Cluster
  readonly call: Call
  readonly create: () => Promise<void>
  readonly read: () => Promise<void>
}

/** A server, and somebody who may do everything there and is no master, of whom nothing would be asked. */
async function open(settings: Partial<AccessSettings> = {}): Promise<Opened> {
  const { disk } = new VirtualHost()
  // What is audited goes nowhere: to write it costs what the disk costs.
  Object.assign(disk, { size: async () => 0, append: async () => {} })
  const cluster = await startCluster({
    apiOnly: true,
    tokens: parseTokenFile(`${token},jane,jane,crew`),
    network: realNetwork,
    disk,
    access: { ...usualSettings, ...settings },
  })
  const ask = async (method: string, url: string, body: object | undefined, who: object) => {
    const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body))
    const response = await cluster.handler({
      ...{
        method,
        url,
        rawHeaders: undefined,
        remoteAddress: '127.0.0.1',
        signal: neverAborted,
        body: async () => bytes,
      },
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'user-agent': 'bench' },
      ...who,
    } as unknown as ApiRequest)
    if (response.status >= 300) throw new Error(`${method} ${url}: ${response.status} ${String(response.body)}`)
  }
  const master = { user: { name: 'admin', groups: ['system:masters', 'system:authenticated'] } }
  const call: Call = (method, url, body) => ask(method, url, body, master)
  await call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'crew' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'Group', name: 'crew', apiGroup: 'rbac.authorization.k8s.io' }],
  })
  await call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
  let made = 0
  const containers = [{ name: 'main', image: 'registry.example/app:1', resources: { requests: { cpu: '100m' } } }]
  const create = () => {
    const metadata = { name: `pod-${made++}`, labels: { app: 'bench' } }
    return ask('POST', collection, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers } }, {})
  }
  await create()
  return { cluster, call, create, read: () => ask('GET', `${collection}/pod-0`, undefined, {}) }
}

function rules(resource: string): object[] {
  return [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: [resource] }]
}

async function policies(call: Call, count: number, resource: string): Promise<void> {
  for (let at = 0; at < count; at++) {
    await call('POST', `${registration}/validatingadmissionpolicies`, {
      metadata: { name: `bench-${at}` },
      spec: {
        matchConstraints: { resourceRules: rules(resource) },
        variables: [{ name: 'containers', expression: 'object.spec.containers' }],
        validations: [
          { expression: 'variables.containers.all(each, each.image.startsWith("registry.example/"))' },
          { expression: 'object.metadata.labels.all(key, key.size() < 64)' },
        ],
      },
    })
    await call('POST', `${registration}/validatingadmissionpolicybindings`, {
      metadata: { name: `bench-${at}` },
      spec: { policyName: `bench-${at}`, validationActions: ['Deny'] },
    })
  }
}

async function mutatingPolicy(call: Call): Promise<void> {
  const expression = 'Object{metadata: Object.metadata{labels: {"added": "yes"}}}'
  await call('POST', `${registration}/mutatingadmissionpolicies`, {
    metadata: { name: 'bench' },
    spec: {
      matchConstraints: { resourceRules: rules('pods') },
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
    },
  })
  await call('POST', `${registration}/mutatingadmissionpolicybindings`, {
    metadata: { name: 'bench' },
    spec: { policyName: 'bench' },
  })
}

async function webhook(call: Call): Promise<void> {
  const authority = createAuthority('bench-ca', world)
  const pair = issueCertificate(authority, { commonName: 'bench', hosts: ['127.0.0.1'], usages: ['server'] }, world)
  const server = createServer({ cert: pair.certificate, key: pair.key }, async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { uid } = (JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string } }).request
    const answer = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response: { uid, allowed: true } }
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  running.push({
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/validate`
  await call('POST', `${registration}/validatingwebhookconfigurations`, {
    metadata: { name: 'bench' },
    webhooks: [
      {
        name: 'bench.example.com',
        clientConfig: { url, caBundle: Buffer.from(authority.certificate).toString('base64') },
        rules: rules('pods'),
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  })
}
