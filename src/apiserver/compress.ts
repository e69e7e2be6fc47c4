import { once } from 'node:events'
import { createGzip, type Gzip } from 'node:zlib'
import type { ApiRequest, ApiResponse, Sink } from './request.ts'

/** Answers from this size on are compressed for clients that take it; below, it costs more than it saves. */
export const compressedFrom = 128 * 1024

/** How the client takes its answer. */
export function contentCoding(request: ApiRequest): 'gzip' | 'identity' {
  const accepts = request.headers['accept-encoding']
  if (accepts === undefined || !accepts.includes('gzip')) return 'identity'
  return accepts.split(',').some(takesGzip) ? 'gzip' : 'identity'
}

/** A clause of the header; `q=0` means that it is not taken. */
function takesGzip(clause: string): boolean {
  const [coding = '', weight = '', ...rest] = clause.split(';', 3).map((part) => part.trim())
  return coding === 'gzip' && rest.length === 0 && (weight === '' || /^q=(0\.0*[1-9]\d*|1(\.0*)?)$/.test(weight))
}

/**
 * Compresses a large answer when the client takes it so: one that is there as a whole, or that says of itself that it
 * may be. Other answers that are written as they go (watches, logs) stay as they are. The quickest level: the network is
 * seldom the narrow place.
 */
export function compress(request: ApiRequest, response: ApiResponse): ApiResponse {
  const { body } = response
  if (!isLarge(response) || contentCoding(request) === 'identity') return response
  const headers = { ...response.headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' }
  return { ...response, headers, body: (sink) => send(typeof body === 'function' ? body : writing(body), sink) }
}

const isLarge = ({ body, isCompressible }: ApiResponse) =>
  typeof body === 'function' ? isCompressible === true : body.length >= compressedFrom

const writing = (body: Uint8Array | string) => (sink: Sink) => {
  sink.write(body)
  return Promise.resolve()
}

const backlogLimit = 1024 * 1024

/** Whoever writes fills the compressor, whose output goes on to the client; each waits for the next. */
async function send(write: (sink: Sink) => Promise<void>, sink: Sink): Promise<void> {
  const gzip = createGzip({ level: 1 })
  const written = write(intoGzip(gzip, sink)).then(
    () => gzip.end(),
    (error: Error) => gzip.destroy(error),
  )
  for await (const chunk of gzip) {
    sink.write(chunk as Buffer)
    if (sink.backlog > backlogLimit) await sink.drained()
  }
  await written
}

function intoGzip(gzip: Gzip, sink: Sink): Sink {
  return {
    get backlog() {
      return gzip.writableLength
    },
    // A client that goes away while the compressor waits for it ends the loop that reads, and with it the compressor.
    drained: () => (gzip.writableNeedDrain ? once(gzip, 'drain', { signal: sink.signal }).then(() => {}) : settled),
    get signal() {
      return sink.signal
    },
    write(chunk, written) {
      gzip.write(chunk, written && ((error) => error ?? written()))
    },
  }
}

const settled = Promise.resolve()
