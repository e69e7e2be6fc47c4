import { Node } from '../../kinds/core/node.ts'
import { Pod } from '../../kinds/core/pod.ts'
import { Service } from '../../kinds/core/service.ts'
import { EndpointSlice, serviceLabel } from '../../kinds/discovery/endpoint-slice.ts'
import { nonSpecialIpFaults } from '../../kinds/ip-rules.ts'
import { ApiError, badRequest } from '../../schema/status.ts'
import type { Random } from '../../world/world.ts'
import type { RequestInfo } from '../request-info.ts'
import { readProxiedHost, readProxiedName } from './proxied-name.ts'
import { addressOf, isProcesses } from './real-nodes.ts'
import type { Resources } from './resources.ts'
import { simulatedNode, simulatedPod } from './simulated.ts'

/** Where a request to a proxy goes. */
export interface Backend {
  readonly scheme: 'http' | 'https'
  /** An address. */
  readonly host: string
  /** Empty: the scheme's own. */
  readonly port: string
  /** It is the agent of a node, which is shown who asks. */
  readonly isKubelet?: true
}

/** Finds what is behind a proxy. Throws an `ApiError` in the reference's words, and 501 for what is simulated. */
export type FindBackend = (resources: Resources, info: RequestInfo, random: Random) => Promise<Backend>

const nothingOpen = 'no port of it is open'

/** Without a port the first that one of the containers declares. */
export const backendOfPod: FindBackend = async (resources, { namespace, name: asked }) => {
  const { scheme, name, port } = readProxiedHost(asked, 'pod')
  const { object: pod } = await resources.resource(Pod).get(namespace, name)
  const host = pod.status.podIPs?.[0]?.ip ?? ''
  requireProxyable(host)
  if (!isProcesses(pod)) throw simulatedPod(pod, nothingOpen)
  const declared = pod.spec.containers.find(({ ports = [] }) => ports.length > 0)?.ports?.[0]?.containerPort
  return { scheme, host, port: port || String(declared ?? '') }
}

/**
 * A port of a service is one of the service, by number or name, and leads to that of the pod behind it. As with the
 * reference only addresses of pods of the namespace are asked, for anybody may write others into an EndpointSlice.
 */
export const backendOfService: FindBackend = async (resources, { namespace, name: asked }, random) => {
  const { scheme, name, port } = readProxiedName(asked, 'service')
  const { object: service } = await resources.resource(Service).get(namespace, name)
  const candidates = await candidatesOf(resources, namespace, name, portName(service, port))
  const start = random.int(Math.max(1, candidates.length))
  for (const candidate of [...candidates.slice(start), ...candidates.slice(0, start)]) {
    const pod = await podAt(resources, namespace, candidate)
    if (pod === undefined) continue
    if (!isProcesses(pod)) throw simulatedPod(pod, nothingOpen)
    return { scheme, host: candidate.address, port: String(candidate.port) }
  }
  throw new ApiError('ServiceUnavailable', `no endpoints available for service ${JSON.stringify(asked)}`)
}

/** The agent's own port is asked over TLS, whatever the path says. */
export const backendOfNode: FindBackend = async (resources, { name: asked }) => {
  const { scheme, name, port } = readProxiedHost(asked, 'node')
  const { object: node } = await resources.resource(Node).get('', name)
  if (node.status?.nodeInfo?.containerRuntimeVersion?.startsWith('simulated://')) throw simulatedNode(name, nothingOpen)
  const host = addressOf(node)
  if (host === undefined) throw new ApiError('', noAddress(node))
  const kubeletPort = String(node.status?.daemonEndpoints?.kubeletEndpoint?.Port || 10_250)
  if (port === '' || port === kubeletPort) return { scheme: 'https', host, port: kubeletPort, isKubelet: true }
  requireProxyable(host)
  return { scheme, host, port }
}

/** Nobody is to ask this host, or what only it can reach, in the name of a pod. */
function requireProxyable(address: string): void {
  if (nonSpecialIpFaults(address).length > 0) throw badRequest('address not allowed')
}

function portName({ metadata, spec }: Service, port: string): string {
  if (!/^\d+$/.test(port)) return port
  const found = spec.ports?.find((candidate) => candidate.port === Number(port))
  if (found !== undefined) return found.name ?? ''
  const message = `no service port ${Number(port)} found for service ${JSON.stringify(metadata.name)}`
  throw new ApiError('ServiceUnavailable', message)
}

interface Candidate {
  readonly address: string
  readonly port: number
  readonly pod: string
}

/** Ready endpoints that say to be a pod of the namespace. */
async function candidatesOf(resources: Resources, namespace: string, service: string, port: string) {
  const labelSelector = `${serviceLabel}=${service}`
  const { entries } = await resources.resource(EndpointSlice).list(namespace, { labelSelector })
  return entries.flatMap(({ object: { endpoints, ports } }): readonly Candidate[] => {
    const number = ports?.find(({ name }) => (name ?? '') === port)?.port
    if (number === undefined) return []
    return (endpoints ?? []).flatMap(({ addresses, conditions, targetRef }) => {
      const isReady = conditions?.ready !== false
      const address = addresses?.[0]
      if (!isReady || address === undefined || targetRef?.namespace !== namespace || !targetRef.name) return []
      return { address, port: number, pod: targetRef.name }
    })
  })
}

/** The pod of an endpoint; undefined when there is none, or it has another address. */
async function podAt(
  resources: Resources,
  namespace: string,
  { pod: name, address }: Candidate,
): Promise<Pod | undefined> {
  try {
    const { object: pod } = await resources.resource(Pod).get(namespace, name)
    return pod.status.podIPs?.some(({ ip }) => ip === address) ? pod : undefined
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound') return undefined
    throw error
  }
}

const noAddress = ({ status }: Node) => {
  const known = (status?.addresses ?? []).map(({ type, address }) => `{${type} ${address}}`)
  return `no preferred addresses found; known addresses: [${known.join(' ')}]`
}
