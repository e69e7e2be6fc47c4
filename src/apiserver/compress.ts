import { createGzip } from 'node:zlib'
import type { ApiRequest, ApiResponse, Sink } from './request.ts'

/** Answers from this size on are compressed for clients that take it; below, it costs more than it saves. */
export const compressedFrom = 128 * 1024

/** How the client takes its answer. */
export function contentCoding(request: ApiRequest): 'gzip' | 'identity' {
  const accepts = request.headers['accept-encoding']
  if (accepts === undefined || !accepts.includes('gzip')) return 'identity'
  return /(^|,)\s*gzip\s*(;\s*q=(0\.0*[1-9]\d*|1(\.0*)?))?\s*(,|$)/.test(accepts) ? 'gzip' : 'identity'
}

/** Compresses a large answer when the client takes it so. Answers that are written as they go stay as they are. */
export function compress(request: ApiRequest, response: ApiResponse): ApiResponse {
  const { body } = response
  if (typeof body === 'function' || body.length < compressedFrom) return response
  return contentCoding(request) === 'gzip' ? gzipped(response, [body]) : response
}

/**
 * The answer with these pieces as its compressed body. The quickest level: the network is seldom the narrow place.
 * `onWritten` is told when a piece is no longer needed.
 */
export function gzipped<Piece extends Uint8Array | string>(
  response: Omit<ApiResponse, 'body'>,
  pieces: Iterable<Piece>,
  onWritten?: (piece: Piece) => void,
): ApiResponse {
  const headers = { ...response.headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' }
  return { status: response.status, headers, body: (sink) => send(pieces, sink, onWritten) }
}

async function send<Piece extends Uint8Array | string>(
  pieces: Iterable<Piece>,
  sink: Sink,
  onWritten?: (piece: Piece) => void,
): Promise<void> {
  const gzip = createGzip({ level: 1 })
  const writing = (async () => {
    for (const piece of pieces) {
      if (!gzip.write(piece, () => onWritten?.(piece))) await new Promise((resolve) => gzip.once('drain', resolve))
    }
    gzip.end()
  })()
  for await (const chunk of gzip) {
    sink.write(chunk as Buffer)
    if (sink.backlog > 1024 * 1024) await sink.drained()
  }
  await writing
}
