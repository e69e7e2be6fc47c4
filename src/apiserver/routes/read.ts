import { apiVersionOf } from '../../schema/kind.ts'
import type { Exchange } from '../exchange.ts'
import { type JsonList, listItems, listPieces, Pieces, sizeUpTo } from '../list-pieces.ts'
import { type Accepted, negotiate, objectOffer } from '../negotiate.ts'
import { readOptions } from '../options.ts'
import {
  type ListType,
  listPiecesToProtobuf,
  listToProtobuf,
  partialObjectMetadata,
  partialObjectMetadataList,
  toProtobuf,
} from '../protobuf-body.ts'
import type { ApiResponse, Sink } from '../request.ts'
import type { Entry, Page } from '../resource.ts'
import { answerBytes, answerJson, answerObject, headersOf, isPretty } from '../respond.ts'
import { Shape } from '../shapes.ts'
import { type TextFormat, textPieces } from '../text-pieces.ts'
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
  const isLong = page.entries.length > wholeUpTo
  // Lists of custom resources say it even when there is nothing to continue.
  const saysContinue = target.custom && accepted.as === ''
  const metadata = {
    ...(page.resourceVersion !== '' && { resourceVersion: page.resourceVersion }),
    ...((page.continue !== '' || saysContinue) && { continue: page.continue }),
    ...(page.remainingItemCount !== undefined && { remainingItemCount: page.remainingItemCount }),
  }
  if (accepted.as !== '') {
    const shape = new Shape(target.kind, accepted, exchange.info.query)
    const context = { now: services.clock.now() }
    if (isLong) {
      const { head, member } = shape.head(metadata, context)
      const itemOf = (entry: Entry) => shape.item(entry.peek(), context)
      const pieces =
        accepted.format === 'protobuf'
          ? listPiecesToProtobuf(partialObjectMetadataLists(accepted), metadata, page.entries, itemOf)
          : textPieces({ head, member, items: page.entries.values().map(itemOf) }, textFormatOf(exchange, accepted))
      return answerPieces(exchange, pieces, accepted)
    }
    const objects = page.entries.map((entry) => entry.peek())
    return answerObject(exchange, 200, shape.list(metadata, objects, context), accepted, partialObjectMetadataList)
  }
  const { kind } = target
  if (accepted.format === 'protobuf') {
    if (isLong) {
      const type = { apiVersion: apiVersionOf(kind), kind: `${kind.kind}List`, item: kind.schema }
      const pieces = listPiecesToProtobuf(type, metadata, page.entries, (entry) => entry.peek())
      return answerPieces(exchange, pieces, accepted)
    }
    const objects = page.entries.map((entry) => entry.object)
    return answerBytes(exchange, 200, listToProtobuf(kind, metadata, objects), accepted)
  }
  const head = { kind: kind.listKind ?? `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata }
  // Custom resources say what they are also in lists.
  return answerList(exchange, { head, entries: page.entries, whole: target.custom }, accepted)
}

const partialObjectMetadataLists = ({ asVersion }: Accepted): ListType => ({
  apiVersion: asVersion,
  kind: 'PartialObjectMetadataList',
  item: partialObjectMetadata,
})

function textFormatOf(exchange: Exchange, { format }: Accepted): TextFormat {
  if (format === 'yaml') return 'yaml'
  return isPretty(exchange) ? 'pretty' : 'json'
}

/** Lists of more objects than this, in forms that are made for the request, are made and sent piece by piece. */
const wholeUpTo = 500

function answerPieces(exchange: Exchange, pieces: Iterable<Buffer | string>, accepted: Accepted): ApiResponse {
  const headers = headersOf(accepted.contentType, exchange.warnings)
  const body = async (sink: Sink) => {
    for (const piece of pieces) {
      if (piece.length > 0) sink.write(piece)
      // Making a piece takes a while: others want to be answered meanwhile.
      await sink.drained()
    }
  }
  return { status: 200, headers, isCompressible: true, body }
}

/** Lists beyond this many bytes are sent piece by piece. */
const streamedFrom = 1024 * 1024
/** What is put together is still at hand for the processor when it is encrypted. */
const pieceSize = 64 * 1024
/** Of all lists that are on their way; 4 MiB of it stay. */
const memory = new Pieces(pieceSize, 64)

interface EntryList extends Omit<JsonList, 'start'> {
  readonly head: Readonly<Record<string, unknown>>
}

function answerList(exchange: Exchange, { head, ...rest }: EntryList, accepted: Accepted): ApiResponse {
  const list: JsonList = { ...rest, start: Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`) }
  const size = sizeUpTo(streamedFrom, list)
  if (size !== undefined) return answerJson(exchange, 200, [...listPieces(list, new Pieces(size))][0]!, accepted)
  const format = textFormatOf(exchange, accepted)
  if (format !== 'json') {
    return answerPieces(exchange, textPieces({ head, member: 'items', items: listItems(list) }, format), accepted)
  }
  const headers = headersOf(accepted.contentType, exchange.warnings)
  return { status: 200, headers, isCompressible: true, body: (sink) => sendPieces(listPieces(list, memory), sink) }
}

async function sendPieces(pieces: Iterable<Buffer>, sink: Sink): Promise<void> {
  for (const piece of pieces) {
    sink.write(piece, () => memory.giveBack(piece))
    if (sink.backlog > streamedFrom) await sink.drained()
  }
}
