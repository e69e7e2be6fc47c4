import { apiVersionOf } from '../../schema/kind.ts'
import { contentCoding, gzipped } from '../compress.ts'
import type { Exchange } from '../exchange.ts'
import { type Accepted, negotiate, objectOffer } from '../negotiate.ts'
import { readOptions } from '../options.ts'
import { listToProtobuf, partialObjectMetadata, partialObjectMetadataList, toProtobuf } from '../protobuf-body.ts'
import type { ApiResponse, Sink } from '../request.ts'
import type { Entry, Page } from '../resource.ts'
import { answerBytes, answerJson, answerObject, headersOf } from '../respond.ts'
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
  if (accepted.as === '' && accepted.format === 'protobuf') {
    return answerBytes(exchange, status, toProtobuf(entry.object, target.kind.schema), accepted)
  }
  if (accepted.as === '') return answerJson(exchange, status, entry.json(), accepted)
  const shape = new Shape(target.kind, accepted, exchange.info.query)
  const shaped = shape.object(entry.object, { now: services.clock.now() })
  return answerObject(exchange, status, shaped, accepted, partialObjectMetadata)
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
  // Lists of custom resources say it even when there is nothing to continue.
  const saysContinue = target.custom && accepted.as === ''
  const metadata = {
    resourceVersion: page.resourceVersion,
    ...((page.continue !== '' || saysContinue) && { continue: page.continue }),
    ...(page.remainingItemCount !== undefined && { remainingItemCount: page.remainingItemCount }),
  }
  if (accepted.as !== '') {
    const shape = new Shape(target.kind, accepted, exchange.info.query)
    const objects = page.entries.map((entry) => entry.object)
    const shaped = shape.list(metadata, objects, { now: services.clock.now() })
    return answerObject(exchange, 200, shaped, accepted, partialObjectMetadataList)
  }
  const { kind } = target
  if (accepted.format === 'protobuf') {
    const objects = page.entries.map((entry) => entry.object)
    return answerBytes(exchange, 200, listToProtobuf(kind, metadata, objects), accepted)
  }
  const start = Buffer.from(
    `{"kind":${JSON.stringify(kind.listKind ?? `${kind.kind}List`)},"apiVersion":${JSON.stringify(apiVersionOf(kind))},` +
      `"metadata":${JSON.stringify(metadata)},"items":[`,
  )
  return answerList(exchange, start, target.custom ? page.entries.map(whole) : page.entries, accepted)
}

type Item = Pick<Entry, 'itemJson'>

/** Custom resources say what they are also in lists. */
const whole = (entry: Entry): Item => ({ itemJson: () => entry.json() })

/** Lists beyond this many bytes are sent piece by piece. */
const streamedFrom = 1024 * 1024
const pieceSize = 256 * 1024
const comma = Buffer.from(',')
const end = Buffer.from(']}\n')

/** The items are sent as they are stored: put together, never encoded again. */
function answerList(exchange: Exchange, start: Buffer, entries: readonly Item[], accepted: Accepted): ApiResponse {
  const pieces = piecesOf(start, entries)
  const first: Buffer[] = []
  let size = 0
  const mustBeWhole = accepted.format === 'yaml' || exchange.info.query.has('pretty')
  while (size < streamedFrom || mustBeWhole) {
    const next = pieces.next()
    if (next.done) return answerJson(exchange, 200, first.length === 1 ? first[0]! : Buffer.concat(first), accepted)
    first.push(next.value)
    size += next.value.length
  }
  const headers = headersOf(accepted.contentType, exchange.warnings)
  if (contentCoding(exchange.request) === 'gzip')
    return gzipped({ status: 200, headers, body: Buffer.alloc(0) }, [...first, ...pieces])
  return { status: 200, headers, body: (sink) => sendPieces(first, pieces, sink) }
}

/** The list in parts of a handy size, each made when it is asked for, so that the client reads while we go on. */
function* piecesOf(start: Buffer, entries: readonly Item[]): Generator<Buffer> {
  let piece: Buffer[] = [start]
  let size = start.length
  for (const [at, entry] of entries.entries()) {
    const item = entry.itemJson()
    if (at > 0) piece.push(comma)
    piece.push(item)
    size += item.length + 1
    if (size < pieceSize) continue
    yield Buffer.concat(piece)
    piece = []
    size = 0
  }
  piece.push(end)
  yield Buffer.concat(piece)
}

async function sendPieces(first: Buffer[], rest: Iterable<Buffer>, sink: Sink): Promise<void> {
  // What is sent may go, whoever holds the answer.
  for (const piece of first.splice(0)) sink.write(piece)
  for (const piece of rest) {
    if (sink.backlog > streamedFrom) await sink.drained()
    sink.write(piece)
  }
}
