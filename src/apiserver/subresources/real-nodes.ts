import { Node } from '../../kinds/core/node.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { ApiError } from '../../schema/status.ts'
import { type Network, NetworkError } from '../../world/world.ts'
import type { ClusterReader } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import type { ApiResponse } from '../request.ts'

/** What nodes are shown, in PEM, as it is at the time. */
export interface NodeCredential {
  readonly certificate: string
  readonly key: string
}

/** Asks the pod's node for the output of a container; nothing when that node is simulated. */
export type AskForLogs = (pod: Pod, exchange: Exchange) => Promise<ApiResponse> | undefined

/** The way to nodes that are hosts, and to what runs on them as processes. */
export interface RealNodes {
  readonly logs: AskForLogs
  readonly network: Network
  readonly credential: NodeCredential
}

/** What of the query nodes understand. */
const passedOn = ['follow', 'previous', 'tailLines', 'limitBytes', 'sinceSeconds', 'sinceTime', 'timestamps'] as const
/** Only for the head: what follows comes as it comes. */
const timeoutMs = 30_000
const textMax = 64 * 1024

/**
 * Has nodes say what those of their pods have written that are processes, and lets proxies through to both. As with the
 * reference, which checks a node's certificate only when it is told who signs those, nodes are taken at their address.
 */
export function realNodes(network: Network, reader: ClusterReader, credential: NodeCredential): RealNodes {
  const logs: AskForLogs = (pod, { info, request }) => {
    if (!isProcesses(pod)) return undefined
    const node = reader.get(Node, '', pod.spec.nodeName ?? '')
    const address = node && addressOf(node)
    const port = node?.status?.daemonEndpoints?.kubeletEndpoint?.Port
    if (!address || !port) return undefined
    const container = containerOf(pod, info.query.get('container'))
    const query = new URLSearchParams()
    for (const name of passedOn) {
      const value = info.query.get(name)
      if (value !== undefined) query.set(name, value)
    }
    const host = address.includes(':') ? `[${address}]` : address
    const path = ['containerLogs', info.namespace, info.name, container].map(encodeURIComponent).join('/')
    return ask(
      network,
      `https://${host}:${port}/${path}${query.size > 0 ? `?${query}` : ''}`,
      credential,
      request.signal,
    )
  }
  return { logs, network, credential }
}

/** Where the API server reaches a node. */
export const addressOf = ({ status }: Node): string | undefined =>
  status?.addresses?.find(({ type }) => type === 'InternalIP')?.address

/** A static pod, or one of which something runs, or has run, as a process. */
export function isProcesses({ metadata, status }: Pod): boolean {
  if (metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return true
  const isProcess = (id: string | undefined) => id?.startsWith('process://')
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].some(
    ({ containerID, lastState }) => isProcess(containerID) || isProcess(lastState?.terminated?.containerID),
  )
}

function containerOf({ metadata, spec }: Pod, asked: string | undefined): string {
  const names = [...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name)
  if (asked) {
    if (names.includes(asked)) return asked
    throw new ApiError('BadRequest', `container ${asked} is not valid for pod ${metadata.name}`)
  }
  if (spec.containers.length === 1) return spec.containers[0]!.name
  throw new ApiError(
    'BadRequest',
    `a container name must be specified for pod ${metadata.name}, choose one of: [${names.join(' ')}]`,
  )
}

async function ask(network: Network, url: string, { certificate, key }: NodeCredential, signal: AbortSignal) {
  const tls = { clientCertificate: certificate, clientKey: key, skipServerVerification: true }
  const answer = await network.request({ url, tls, timeoutMs, signal }).catch((error: unknown) => {
    if (!(error instanceof NetworkError)) throw error
    throw new ApiError('InternalError', `Get ${JSON.stringify(url)}: ${error.message}`, { cause: error })
  })
  if (answer.status !== 200) {
    const text = (await answer.text(textMax)).trim()
    throw new ApiError(
      answer.status === 404 ? 'NotFound' : answer.status === 400 ? 'BadRequest' : 'InternalError',
      text,
    )
  }
  return {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    async body(sink: { write(chunk: Uint8Array): void; drained(): Promise<void> }) {
      for await (const chunk of answer.body) {
        sink.write(chunk)
        await sink.drained()
      }
    },
  }
}
