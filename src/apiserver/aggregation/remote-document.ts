import { type IncomingAnswer, NetworkError } from '../../world/world.ts'
import type { UserInfo } from '../context.ts'
import { identityHeaders } from './identity.ts'
import type { RemoteParts, RemoteTarget } from './remote.ts'

/** How long a server may take to say what it serves. */
const patienceMs = 5000
export const documentBytes = 32 * 1024 * 1024

/** Who asks for documents: somebody who may see everything, whatever the roles are. */
const aggregator: UserInfo = { name: 'system:kube-aggregator', groups: ['system:masters'] }

export interface DocumentRequest {
  readonly path: string
  readonly accept?: string
  /** The tag of what is known already. */
  readonly etag?: string | undefined
  readonly signal?: AbortSignal
}

/** Asks an aggregated server for one of its own documents. @throws NetworkError */
export async function askFor(
  { base, tls }: RemoteTarget,
  { network }: RemoteParts,
  { path, accept = 'application/json', etag, signal }: DocumentRequest,
): Promise<IncomingAnswer> {
  if (network === undefined) throw new NetworkError('unreachable', 'this server has no network')
  return network.request({
    url: `${base}${path}`,
    tls,
    headers: { accept, ...identityHeaders(aggregator), ...(etag !== undefined && { 'if-none-match': etag }) },
    timeoutMs: patienceMs,
    ...(signal && { signal }),
  })
}

export interface RemoteDocument {
  readonly etag: string | undefined
  readonly text: string
  readonly content: unknown
}

/** The document as JSON, the known one when it has not changed, or nothing when there is none that makes sense. */
export async function fetchDocument(
  target: RemoteTarget,
  parts: RemoteParts,
  path: string,
  known: RemoteDocument | undefined,
  signal: AbortSignal,
): Promise<RemoteDocument | undefined> {
  const answer = await askFor(target, parts, { path, etag: known?.etag, signal })
  const text = await answer.text(documentBytes)
  if (answer.status === 304) return known
  if (answer.status !== 200) return undefined
  const etag = answer.headers['etag']
  return { etag: typeof etag === 'string' ? etag : undefined, text, content: parseDocument(text) }
}

/** Undefined: it is no JSON. */
export function parseDocument(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
