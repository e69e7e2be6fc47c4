import type { ApiRequest, ApiResponse } from '../../apiserver/request.ts'
import { type Certificates, startServer } from '../../apiserver/server.ts'
import type { Client } from '../../client/client.ts'
import { SubjectAccessReview } from '../../kinds/authorization/subject-access-review.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { readLog } from '../../kubelet/process/log-file.ts'
import type { ProcessRuntime } from '../../kubelet/process/runtime.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../../lifecycle/pki.ts'
import type { HostWorld } from '../../world/world.ts'
import { followFiles } from './certificate-files.ts'
import type { KubeletSettings } from './kubelet-configuration.ts'

export interface KubeletServerOptions {
  readonly settings: KubeletSettings
  readonly world: HostWorld
  /** Where its own certificate is kept. */
  readonly folder: string
  readonly client: Client
  readonly findProcesses: (
    namespace: string,
    name: string,
  ) => { readonly pod: Pod; readonly runtime: ProcessRuntime } | undefined
  readonly signal: AbortSignal
}

/** Where the API server asks the node for what only it knows. */
export interface KubeletServer {
  useCertificate(pair: KeyPair): void
  close(): Promise<void>
}

/** Serves logs of pods that are processes to those whom the API server lets. Nothing when the port is 0. */
export async function startKubeletServer(options: KubeletServerOptions): Promise<KubeletServer | undefined> {
  const { settings, world, signal } = options
  const { host, port } = settings.server
  if (port === 0) return undefined
  let own = await ownCertificate(options)
  let current: Certificates = own
  const files = {
    certificate: settings.tlsFiles.certificate,
    key: settings.tlsFiles.key,
    clientCa: settings.clientCaFile,
  }
  const use = (contents: { readonly certificate?: string; readonly key?: string; readonly clientCa?: string }) => {
    const { certificate = own.certificate, key = own.key, clientCa } = contents
    current = { certificate, key, ...(clientCa !== undefined && { clientCa }) }
  }
  const first = await followFiles(
    files,
    (contents) => {
      use(contents)
      server.setCertificates(current)
    },
    { ...world, signal },
  )
  use(first)
  const server = await startServer({
    handler: (request) => answer(request, options),
    host,
    port,
    certificates: current,
  })
  return {
    useCertificate(pair) {
      own = pair
      current = { ...current, ...pair }
      server.setCertificates(current)
    },
    close: () => server.close(0),
  }
}

/** As the reference's kubelet makes one when nobody gives it any. */
async function ownCertificate({ settings, world, folder }: KubeletServerOptions): Promise<KeyPair> {
  const { disk } = world
  const [certificateFile, keyFile] = [`${folder}/kubelet.crt`, `${folder}/kubelet.key`]
  const [certificate, key] = [await disk.read(certificateFile), await disk.read(keyFile)]
  if (certificate !== undefined && key !== undefined) return { certificate, key }
  const { nodeName, addresses } = settings
  const authority = createAuthority(`${nodeName}-ca@${Math.floor(world.clock.now() / 1000)}`, world)
  const made = issueCertificate(
    authority,
    { commonName: nodeName, hosts: [nodeName, ...addresses], usages: ['server'] },
    world,
  )
  await disk.write(keyFile, made.key)
  await disk.write(certificateFile, made.certificate, 0o644)
  return made
}

const plain = { 'content-type': 'text/plain' }
const refuse = (status: number, body: string): ApiResponse => ({ status, headers: plain, body })

async function answer(request: ApiRequest, options: KubeletServerOptions): Promise<ApiResponse> {
  const { pathname, searchParams } = new URL(request.url, 'https://node')
  if (pathname === '/healthz') return refuse(200, 'ok')
  const refusal = await refusalOf(request, options)
  if (refusal) return refusal
  const [, namespace, name, container] = /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(pathname) ?? []
  if (!namespace || !name || !container) return refuse(404, '404 page not found\n')
  return logsOf({ namespace, name, container }, searchParams, options, request.signal)
}

/** Whoever asks shows a certificate; whether he may is the API server's to say. */
async function refusalOf(
  { certificate }: ApiRequest,
  { client, settings }: KubeletServerOptions,
): Promise<ApiResponse | undefined> {
  if (!certificate) return refuse(401, 'Unauthorized')
  const { commonName: user, organizations: groups } = certificate
  const resourceAttributes = {
    verb: 'get',
    resource: 'nodes',
    subresource: 'proxy',
    name: settings.nodeName,
    version: 'v1',
  }
  const spec = { user, groups: [...groups, 'system:authenticated'], resourceAttributes }
  const review = await client.create<SubjectAccessReview>(SubjectAccessReview, { metadata: {}, spec })
  if (review.status?.allowed) return undefined
  return refuse(403, `Forbidden (user=${user}, verb=get, resource=nodes, subresource(s)=[proxy])`)
}

interface Wanted {
  readonly namespace: string
  readonly name: string
  readonly container: string
}

async function logsOf(
  { namespace, name, container }: Wanted,
  query: URLSearchParams,
  { findProcesses, world }: KubeletServerOptions,
  signal: AbortSignal,
): Promise<ApiResponse> {
  const found = findProcesses(decodeURIComponent(namespace), decodeURIComponent(name))
  if (!found) return refuse(404, `pod does not exist\n`)
  const { containers, initContainers = [] } = found.pod.spec
  if (![...initContainers, ...containers].some((each) => each.name === container))
    return refuse(404, `container not found in pod ${name}\n`)
  const isPrevious = query.get('previous') === 'true'
  const path = await found.runtime.newestLog(found.pod, container, isPrevious)
  if (path === undefined)
    return refuse(400, `previous terminated container "${container}" in pod "${name}" not found\n`)
  const follow = query.get('follow') === 'true' && !isPrevious
  const ended = found.runtime.ended(found.pod, container)
  const wish = { follow, ended, tailLines: numberOf(query, 'tailLines'), limitBytes: numberOf(query, 'limitBytes') }
  return {
    status: 200,
    headers: plain,
    async body(sink) {
      const until = AbortSignal.any([signal, sink.signal])
      for await (const piece of readLog(world, path, { ...wish, signal: until })) {
        sink.write(piece)
        await sink.drained()
      }
    },
  }
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  return text === null ? undefined : Number(text)
}
