/**
 * What every gate on the way of a request costs, in the processor time of a creation of a pod (and of a GET): each plugin
 * that is on by default, policies, a webhook, RBAC, audit, priority and fairness. `node bench/admission.ts [--rounds N]
 * [--only TEXT]` prints a table in Markdown.
 *
 * Servers with and without the gate run in this process, on stores in memory, and take turns every few hundred requests,
 * so that both see the same machine; the figure is the median of the differences. Where the difference is within what is
 * left of noise, the table says so. `--cpu-prof` shows where the time goes.
 */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { type AccessSettings, usualSettings } from '../src/apiserver/access/settings.ts'
import { pluginEntries } from '../src/apiserver/admission/plugins.ts'
import { readAuditPolicy } from '../src/apiserver/audit/policy.ts'
import type { ApiRequest } from '../src/apiserver/request.ts'
import { type Cluster, startCluster } from '../src/cluster/cluster.ts'
import { createAuthority, issueCertificate } from '../src/lifecycle/pki.ts'
import { realNetwork } from '../src/world/network.ts'
import { realWorld } from '../src/world/real.ts'
import { VirtualHost } from '../src/world/virtual-host.ts'
import { median } from './benchmark.ts'

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
  ...defaults.map(({ name }) => ({ what: name, without: { admission: { disable: [name] } } })),
  { what: 'RBAC and the Node authorizer', without: { authorization: none.authorization! }, concernsAll: true },
  { what: 'Priority and fairness', without: { flow: none.flow! }, concernsAll: true },
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

console.log(`| Gate | A creation (µs) | A GET (µs) |\n| --- | ---: | ---: |`)
for (const gate of gates.filter(({ what }) => what.includes(flags.only))) console.log(await rowOf(gate))
for (const each of running) await each[Symbol.asyncDispose]()
process.exit()

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
  const [differences, bases]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    // Whoever comes second finds the caches of the machine warm.
    const order = round % 2 === 0 ? [on, off] : [off, on]
    const times = [await microseconds(order[0]!), await microseconds(order[1]!)] as const
    const [dear, cheap] = round % 2 === 0 ? times : [times[1], times[0]]
    differences.push(dear - cheap)
    bases.push(cheap)
  }
  const [difference, base] = [median(differences), median(bases)]
  const noise = (median(differences.map((each) => Math.abs(each - difference))) / Math.sqrt(rounds)) * 2
  if (Math.abs(difference) < noise) return `< ${noise.toFixed(1)}`
  return `${difference.toFixed(1)} ± ${noise.toFixed(1)} (${((100 * difference) / base).toFixed(1)} % of ${base.toFixed(0)})`
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
  const cluster = await startCluster({
    apiOnly: true,
    tokens: new Map([[token, { name: 'jane', groups: ['crew', 'system:authenticated'] }]]),
    network: realNetwork,
    // What is audited goes nowhere: to write it costs what the disk costs.
    disk: { ...disk, size: async () => 0, append: async () => {} } as typeof disk,
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

const rules = (resource: string) => [
  { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: [resource] },
]

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
