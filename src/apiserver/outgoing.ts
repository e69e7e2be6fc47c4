import { Service } from '../kinds/core/service.ts'
import { EndpointSlice, serviceLabel } from '../kinds/discovery/endpoint-slice.ts'
import { ApiError, notFound } from '../schema/status.ts'
import { type Network, NetworkError, type OutgoingRequest, type Random } from '../world/world.ts'
import type { ClusterReader } from './admission.ts'

/** Where a program of somebody else's is: `clientConfig` of webhooks of admission and of conversion. */
export interface ClientConfig {
  readonly url?: string
  readonly service?: ServiceReference
  /** PEM in base64; absent: the authorities of the host. */
  readonly caBundle?: string
}

export interface ServiceReference {
  readonly namespace: string
  readonly name: string
  readonly path?: string
  /** 443 unless said otherwise. */
  readonly port?: number
}

export interface Question {
  /** JSON. */
  readonly body: string
  /** For the whole answer; whole seconds, and told to the one who is asked (`?timeout=10s`). */
  readonly timeoutSeconds: number
  readonly signal?: AbortSignal
}

/** What asking others needs. Without a network nobody can be asked. */
export interface OutgoingParts {
  readonly network: Network | undefined
  readonly reader: ClusterReader
  readonly random: Random
}

/** A program that could not be asked, or did not answer with success. The message is that of Go's client. */
export class OutgoingError extends Error {}

/** As much of an answer as is read: a list of custom resources may be converted in one. */
const answerBytes = 64 * 1024 * 1024

/**
 * Posts a question in JSON to what a `clientConfig` names, and gives the text of the answer. Redirects are not followed
 * and only https is spoken, so that nobody can be made to ask for something else (CVE-2020-8561).
 * @throws OutgoingError, or the signal's reason
 *
 * ```ts
 * const text = await ask(parts, webhook.clientConfig, { body, timeoutSeconds: 10 })
 * ```
 */
export async function ask(parts: OutgoingParts, client: ClientConfig, question: Question): Promise<string> {
  const url = `${baseUrl(client)}?timeout=${question.timeoutSeconds}s`
  try {
    return await post(parts, client, url, question)
  } catch (error) {
    if (question.signal?.aborted) throw question.signal.reason
    if (!(error instanceof NetworkError || error instanceof ApiError)) throw error
    throw new OutgoingError(`Post ${JSON.stringify(url)}: ${error.message}`, { cause: error })
  }
}

async function post(parts: OutgoingParts, client: ClientConfig, url: string, question: Question): Promise<string> {
  const { network, reader, random } = parts
  if (!url.startsWith('https://')) throw new NetworkError('unreachable', 'only https is supported')
  const target = client.service && resolveService(reader, random, client.service)
  if (network === undefined) throw new NetworkError('unreachable', 'this server has no network')
  const answer = await network.request({
    url,
    method: 'POST',
    headers: jsonHeaders,
    body: question.body,
    timeoutMs: question.timeoutSeconds * 1000,
    ...(target && { connectTo: target }),
    ...tlsOf(client),
    ...(question.signal && { signal: question.signal }),
  })
  const text = await answer.text(answerBytes)
  if (answer.status < 200 || answer.status > 206) throw new OutgoingError(refusal(answer.status, text))
  return text
}

const jsonHeaders = {
  accept: 'application/json, */*',
  'content-type': 'application/json',
  'user-agent': 'kube-apiserver-admission',
}

/** Without the query. A service has the name that its certificate is expected to hold for. */
function baseUrl({ url, service }: ClientConfig): string {
  if (service === undefined) return withPath(new URL(url ?? ''))
  const path = service.path ?? '/'
  return `https://${service.name}.${service.namespace}.svc:${service.port ?? 443}${path.startsWith('/') ? path : `/${path}`}`
}

const withPath = ({ protocol, host, pathname }: URL) => `${protocol}//${host}${pathname}`

function tlsOf({ service, caBundle }: ClientConfig): Pick<OutgoingRequest, 'tls'> {
  return {
    tls: {
      ...(caBundle && { ca: Buffer.from(caBundle, 'base64').toString('utf8') }),
      ...(service && { serverName: `${service.name}.${service.namespace}.svc` }),
    },
  }
}

/**
 * Where a service can be reached: one of its ready endpoints, because nobody promises that the host of the API server
 * knows cluster addresses (`--enable-aggregator-routing` of the reference).
 * @throws ApiError NotFound, ServiceUnavailable
 */
export function resolveService(
  reader: ClusterReader,
  random: Random,
  { namespace, name, port = 443 }: ServiceReference,
): { readonly host: string; readonly port: number } {
  const service = reader.get(Service, namespace, name)
  if (service === undefined) throw notFound({ group: '', resource: 'service' }, name)
  const { type, externalName = '', ports = [] } = service.spec
  if (type === 'ExternalName') return { host: externalName, port }
  const found = ports.find((candidate) => candidate.port === port)
  if (found === undefined) throw unavailable(`no service port ${port} found for service ${JSON.stringify(name)}`)
  const endpoints = readyEndpoints(reader, namespace, name, found.name ?? '')
  if (endpoints.length === 0) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`)
  return endpoints[random.int(endpoints.length)]!
}

const unavailable = (message: string) => new ApiError('ServiceUnavailable', message)

function readyEndpoints(reader: ClusterReader, namespace: string, service: string, portName: string) {
  return reader
    .list(EndpointSlice, namespace)
    .filter(({ metadata }) => metadata.labels?.[serviceLabel] === service)
    .flatMap(({ endpoints, ports }) => {
      // Of a service without pods both are null.
      const port = ports?.find(({ name }) => (name ?? '') === portName)?.port
      if (port === undefined) return []
      return (endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready !== false)
        .map(({ addresses }) => ({ host: addresses?.[0] ?? '', port }))
    })
}

/** How Go's client tells of an answer that is no success. */
function refusal(status: number, text: string): string {
  const known = refusals[status]
  if (known !== undefined) return known
  // The server's own words count here, cut as the reference cuts them.
  const said = text.trim().slice(0, 2048) || 'unknown'
  if (status === 403 || status === 406 || status === 415) return said
  if (status >= 500) return `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding`
  return `the server responded with the status code ${status} but did not return more information`
}

const refusals: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
}
