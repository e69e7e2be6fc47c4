/**
 * What admission that is stored in the cluster costs in processor time: a creation with no, one and ten policies, and with
 * a webhook that answers at once. Runs the server in this process, and the webhook as well. `node bench/admission.ts`
 */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { ApiRequest, ApiResponse } from '../src/apiserver/request.ts'
import { startCluster } from '../src/cluster/cluster.ts'
import { createAuthority, issueCertificate } from '../src/lifecycle/pki.ts'
import { realNetwork } from '../src/world/network.ts'
import { realWorld } from '../src/world/real.ts'

const objects = 5_000
const rounds = 3
const width = 32
const registration = '/apis/admissionregistration.k8s.io/v1'

const certificate = { commonName: 'admin', organizations: ['system:masters'], fingerprint: '' }

await using cluster = await startCluster({ apiOnly: true, tokens: new Map(), network: realNetwork })

async function call(method: string, url: string, body?: object): Promise<ApiResponse> {
  const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body))
  const request = {
    method,
    url,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: async () => bytes,
    certificate,
    signal: new AbortController().signal,
  } as unknown as ApiRequest
  const response = await cluster.handler(request)
  if (response.status >= 300) throw new Error(`${method} ${url}: ${response.status} ${String(response.body)}`)
  return response
}

let made = 0

async function create(): Promise<void> {
  const name = `object-${made++}`
  const data = { image: 'registry.example/app:1', mode: 'safe' }
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { app: 'bench' } }, data }
  await call('POST', '/api/v1/namespaces/default/configmaps', configMap)
}

async function microsecondsPerCreation(count: number): Promise<number> {
  const before = process.cpuUsage()
  for (let at = 0; at < count; at += width) await Promise.all(Array.from({ length: width }, create))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

/** The best of some rounds, because the machine has other work. */
async function row(what: string, count = objects): Promise<void> {
  await microsecondsPerCreation(count / 5)
  const times: number[] = []
  for (let round = 0; round < rounds; round++) times.push(await microsecondsPerCreation(count))
  console.log(
    `${what.padEnd(52)} ${Math.min(...times)
      .toFixed(1)
      .padStart(8)} µs`,
  )
}

const rules = (resource: string) => [
  { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: [resource] },
]

async function withPolicies(count: number, resource: string, what: string): Promise<void> {
  const names = Array.from({ length: count }, (_, at) => `bench-${at}`)
  for (const name of names) {
    await call('POST', `${registration}/validatingadmissionpolicies`, {
      metadata: { name },
      spec: {
        matchConstraints: { resourceRules: rules(resource) },
        variables: [{ name: 'image', expression: 'object.data.image' }],
        validations: [
          { expression: 'variables.image.startsWith("registry.example/")' },
          { expression: 'object.metadata.labels.all(key, key.size() < 64)' },
        ],
      },
    })
    const spec = { policyName: name, validationActions: ['Deny'] }
    await call('POST', `${registration}/validatingadmissionpolicybindings`, { metadata: { name }, spec })
  }
  await row(what)
  for (const name of names) {
    await call('DELETE', `${registration}/validatingadmissionpolicies/${name}`)
    await call('DELETE', `${registration}/validatingadmissionpolicybindings/${name}`)
  }
}

async function withMutatingPolicy(): Promise<void> {
  const expression = 'Object{metadata: Object.metadata{labels: {"added": "yes"}}}'
  await call('POST', `${registration}/mutatingadmissionpolicies`, {
    metadata: { name: 'bench' },
    spec: {
      matchConstraints: { resourceRules: rules('configmaps') },
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
    },
  })
  const binding = { metadata: { name: 'bench' }, spec: { policyName: 'bench' } }
  await call('POST', `${registration}/mutatingadmissionpolicybindings`, binding)
  await row('a creation that a mutating policy changes')
  await call('DELETE', `${registration}/mutatingadmissionpolicies/bench`)
  await call('DELETE', `${registration}/mutatingadmissionpolicybindings/bench`)
}

async function withWebhook(): Promise<void> {
  const tools = realWorld(() => {})
  const authority = createAuthority('bench-ca', tools)
  const pair = issueCertificate(authority, { commonName: 'bench', hosts: ['127.0.0.1'], usages: ['server'] }, tools)
  const server = createServer({ cert: pair.certificate, key: pair.key }, async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { uid } = (JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string } }).request
    const answer = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response: { uid, allowed: true } }
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/validate`
  const caBundle = Buffer.from(authority.certificate).toString('base64')
  const clientConfig = { url, caBundle }
  const webhook = {
    name: 'bench.example.com',
    clientConfig,
    rules: rules('configmaps'),
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  }
  await call('POST', `${registration}/validatingwebhookconfigurations`, {
    metadata: { name: 'b' },
    webhooks: [webhook],
  })
  await row('a creation about which a webhook is asked (its own cost too)', 1000)
  server.close()
  server.closeAllConnections()
}

await microsecondsPerCreation(2 * objects)
await row('a creation')
await withPolicies(10, 'pods', 'a creation with 10 policies that are not for it')
await withPolicies(1, 'configmaps', 'a creation with 1 policy')
await withPolicies(10, 'configmaps', 'a creation with 10 policies')
await withMutatingPolicy()
await withWebhook()
