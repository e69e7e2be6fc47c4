import type { APIService, APIServiceCondition } from '../../kinds/apiregistration/api-service.ts'
import { Service } from '../../kinds/core/service.ts'
import { EndpointSlice, serviceLabel } from '../../kinds/discovery/endpoint-slice.ts'
import { NetworkError } from '../../world/world.ts'
import type { ClusterReader } from '../admission.ts'
import { type RemoteParts, targetOf } from './remote.ts'
import { askFor, documentBytes, parseDocument } from './remote-document.ts'

/** Whether the server of an APIService can be asked, and why not. */
export type Verdict = Pick<APIServiceCondition, 'status' | 'reason' | 'message'>

export const localVerdict: Verdict = {
  status: 'True',
  reason: 'Local',
  message: 'Local APIServices are always available',
}

const passed: Verdict = { status: 'True', reason: 'Passed', message: 'all checks passed' }

export interface Checked {
  readonly verdict: Verdict
  /** What the server says that it serves, when it could be asked and it made sense. */
  readonly resources?: unknown
}

/** Looks whether the service of an APIService is there, and asks it what it serves. */
export async function checkAvailability(
  service: APIService,
  parts: RemoteParts,
  signal: AbortSignal,
): Promise<Checked> {
  const fault = serviceFault(service, parts.reader)
  if (fault !== undefined) return { verdict: fault }
  try {
    return { verdict: passed, resources: await discover(service, parts, signal) }
  } catch (error) {
    if (signal.aborted) throw error
    const message = error instanceof Error ? error.message : String(error)
    return { verdict: { status: 'False', reason: 'FailedDiscoveryCheck', message } }
  }
}

/** What is missing in the cluster itself. Only services with addresses of their own are looked into. */
function serviceFault({ spec }: APIService, reader: ClusterReader): Verdict | undefined {
  const { namespace = '', name = '', port = 443 } = spec.service ?? {}
  const where = `service/${name} in ${JSON.stringify(namespace)}`
  const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message })
  const service = reader.get(Service, namespace, name)
  if (service === undefined) return no('ServiceNotFound', `${where} is not present`)
  if ((service.spec.type ?? 'ClusterIP') !== 'ClusterIP') return undefined
  const found = (service.spec.ports ?? []).find((candidate) => candidate.port === port)
  if (found === undefined) return no('ServicePortError', `${where} is not listening on port ${port}`)
  const slices = reader
    .list(EndpointSlice, namespace)
    .filter(({ metadata }) => metadata.labels?.[serviceLabel] === name)
  if (slices.length === 0) return no('EndpointsNotFound', `cannot find endpointslices for ${where}`)
  const portName = found.name ?? ''
  if (slices.some((slice) => isReady(slice, portName))) return undefined
  const what = `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`
  return no('MissingEndpoints', what)
}

const isReady = ({ endpoints, ports }: EndpointSlice, portName: string) =>
  (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false) &&
  (ports ?? []).some(({ name, port }) => (name ?? '') === portName && port !== undefined)

async function discover(service: APIService, parts: RemoteParts, signal: AbortSignal): Promise<unknown> {
  const target = targetOf(service, parts)
  const { group = '', version = '' } = service.spec
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const url = `${target.base}${path}`
  const failed = (why: string) => new Error(`failing or missing response from ${url}: ${why}`)
  try {
    const answer = await askFor(target, parts, { path, signal })
    const text = await answer.text(documentBytes)
    if (answer.status < 200 || answer.status > 299) throw failed(`bad status from ${url}: ${answer.status}`)
    // An answer that is no document counts as an answer: the server is there.
    return parseDocument(text)
  } catch (error) {
    if (error instanceof NetworkError) throw failed(`Get ${JSON.stringify(url)}: ${error.message}`)
    throw error
  }
}
