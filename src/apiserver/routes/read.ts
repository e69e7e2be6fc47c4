import { apiVersionOf } from '../../schema/kind.ts'
import { contentCoding, gzipped } from '../compress.ts'
import type { Exchange } from '../exchange.ts'
import { type Accepted, negotiate, objectOffer } from '../negotiate.ts'
import { readOptions } from '../options.ts'
import type { ApiResponse, Sink } from '../request.ts'
import type { Entry, Page } from '../resource.ts'
import { answerJson, answerObject, headersOf } from '../respond.ts'
import { Shape } from '../shapes.ts'
import type { ObjectServices, Target } from './services.ts'

/** GET of one object. */
export async function getObject(exchange: Exchange, services: ObjectServices, target: Target): Promise<ApiResponse> {
  const { info } = exchange
  const accepted = negotiate(exchange.request.headers['accept'], objectOffer)
  const options = info.query.isEmpty ? undefined : { resourceVersion: info.query.get('resourceVersion') ?? '' }
  const entry = await target.resource.get(info.namespace, info.name, options)
  return answerEntry(exchange, services, target, 200, entry, accepted)
}

/** An answer with a stored object, in the shape that was asked for. */
export function answerEntry(
  exchange: Exchange,
  services: ObjectServices,
  target: Target,
  status: number,
  entry: Entry,
  accepted: Accepted,
): ApiResponse {
  if (accepted.as === '') return answerJson(exchange, status, entry.json(), accepted)
  const shape = new Shape(target.kind, accepted, exchange.info.query)
  return answerObject(exchange, status, shape.object(entry.object, { now: services.clock.now() }), accepted)
}

/** GET of a collection. */
export async function listObjects(exchange: Exchange, services: ObjectServices, target: Target): Promise<ApiResponse> {
  const { info, request } = exchange
  const accepted = negotiate(request.headers['accept'], objectOffer)
  const page = await target.resource.list(info.namespace, readOptions(exchange, false))
  return answerPage(exchange, services, target, page, accepted)
}

/** An answer with a list, in the shape that was asked for. */
export function answerPage(
  exchange: Exchange,
  services: ObjectServices,
  target: Target,
  page: Page,
  accepted: Accepted,
): ApiResponse {
  const metadata = {
    resourceVersion: page.resourceVersion,
    ...(page.continue !== '' && { continue: page.continue }),
    ...(page.remainingItemCount !== undefined && { remainingItemCount: page.remainingItemCount }),
  }
  if (accepted.as !== '') {
    const shape = new Shape(target.kind, accepted, exchange.info.query)
    const objects = page.entries.map((entry) => entry.object)
    return answerObject(exchange, 200, shape.list(metadata, objects, { now: services.clock.now() }), accepted)
  }
  const { kind } = target
  const start = Buffer.from(
    `{"kind":${JSON.stringify(`${kind.kind}List`)},"apiVersion":${JSON.stringify(apiVersionOf(kind))},` +
      `"metadata":${JSON.stringify(metadata)},"items":[`,
  )
  return answerList(exchange, start, page.entries, accepted)
}

/** Lists beyond this many bytes are sent piece by piece. */
const streamedFrom = 1024 * 1024
const pieceSize = 256 * 1024
const comma = Buffer.from(',')
const end = Buffer.from(']}\n')

/** The items are sent as they are stored: put together, never encoded again. */
function answerList(exchange: Exchange, start: Buffer, entries: readonly Entry[], accepted: Accepted): ApiResponse {
  const pieces: Buffer[] = []
  let piece: Buffer[] = [start]
  let size = start.length
  let total = 0
  for (const [at, entry] of entries.entries()) {
    const item = entry.itemJson()
    if (at > 0) piece.push(comma)
    piece.push(item)
    size += item.length + 1
    if (size < pieceSize) continue
    pieces.push(Buffer.concat(piece))
    total += size
    piece = []
    size = 0
  }
  piece.push(end)
  pieces.push(Buffer.concat(piece))
  total += size
  if (total < streamedFrom || accepted.format === 'yaml' || exchange.info.query.has('pretty')) {
    return answerJson(exchange, 200, pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), accepted)
  }
  const headers = headersOf(accepted.contentType, exchange.warnings)
  if (contentCoding(exchange.request) === 'gzip')
    return gzipped({ status: 200, headers, body: Buffer.alloc(0) }, pieces)
  return { status: 200, headers, body: (sink) => sendPieces(pieces, sink) }
}

async function sendPieces(pieces: Buffer[], sink: Sink): Promise<void> {
  for (const [at, piece] of pieces.entries()) {
    sink.write(piece)
    // What is sent may go, whoever holds the answer.
    pieces[at] = end
    if (sink.backlog > streamedFrom) await sink.drained()
  }
}
