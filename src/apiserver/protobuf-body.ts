import { ListMeta } from '../kinds/meta/list-meta.ts'
import { ObjectMeta } from '../kinds/meta/object-meta.ts'
import { typeMeta as typeMetaFields } from '../kinds/meta/type-meta.ts'
import { type Body, BodyError } from '../schema/json.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import { decodeMessage, encodeMessage, ProtobufError } from '../schema/protobuf.ts'
import { Writer, wireType } from '../schema/protobuf-wire.ts'
import { embedded, type Infer, list, type ObjectType, object, optional, rawBytes, string } from '../schema/types.ts'
import type { Entry } from './resource.ts'

/**
 * Objects in protobuf, as typed clients of Kubernetes send them: four magic bytes, then an envelope (`runtime.Unknown`)
 * that names the kind and holds the object's own message.
 */
const magic = Buffer.from('k8s\0')

const typeMeta = object('k8s.io.apimachinery.pkg.runtime.TypeMeta', 'What an envelope holds.', {
  apiVersion: optional(1, string, 'Group and version.'),
  kind: optional(2, string, 'Kind.'),
})

const envelope = object('k8s.io.apimachinery.pkg.runtime.Unknown', 'An object of any kind.', {
  typeMeta: optional(1, typeMeta, 'What it is.'),
  raw: optional(2, rawBytes, 'Its own message.'),
  contentEncoding: optional(3, string, 'How raw is encoded; empty: not at all.'),
  contentType: optional(4, string, 'What raw is; empty: protobuf.'),
})
type Envelope = Infer<typeof envelope>

/** Whether bytes begin as an object in protobuf does. */
export const isProtobuf = (bytes: Buffer): boolean => bytes.subarray(0, magic.length).equals(magic)

/** The group and version of an object in protobuf, as its envelope says. */
export function versionOfProtobuf(bytes: Buffer): string {
  return (decodeMessage(envelope, bytes.subarray(magic.length)) as Envelope).typeMeta?.apiVersion ?? ''
}

/**
 * Reads a body in protobuf as an object of `schema`; its kind and apiVersion are those of the envelope.
 * Throws `BodyError` when the bytes are no envelope, or hold no such object.
 */
export function parseProtobuf(bytes: Buffer, schema: ObjectType): Body {
  if (!isProtobuf(bytes))
    throw new BodyError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  try {
    const { typeMeta: type, raw } = decodeMessage(envelope, bytes.subarray(magic.length)) as Envelope
    const content = decodeMessage(schema, raw ?? new Uint8Array()) as Record<string, unknown>
    return { value: { ...content, kind: type?.kind ?? '', apiVersion: type?.apiVersion ?? '' }, problems: [] }
  } catch (error) {
    if (error instanceof ProtobufError) throw new BodyError(error.message)
    throw error
  }
}

/** Finds the type of what an envelope says that it holds. */
export type FindType = (apiVersion: string, kind: string) => ObjectType | undefined

/**
 * Reads whatever an envelope holds, an object or a list of objects; undefined when nobody knows its type.
 * Throws `ProtobufError` when the bytes are no message of it.
 */
export function readProtobuf(bytes: Buffer, findType: FindType): object | undefined {
  const { typeMeta: type, raw = new Uint8Array() } = decodeMessage(envelope, bytes.subarray(magic.length)) as Envelope
  const { apiVersion = '', kind = '' } = type ?? {}
  const known = findType(apiVersion, kind)
  if (known !== undefined) return { kind, apiVersion, ...(decodeMessage(known, raw) as object) }
  const item = kind.endsWith('List') ? findType(apiVersion, kind.slice(0, -'List'.length)) : undefined
  if (item === undefined) return undefined
  const { metadata, items = [] } = decodeMessage(anyList, raw) as Infer<typeof anyList>
  return { kind, apiVersion, metadata, items: items.map((each) => decodeMessage(item, each)) }
}

/** The same the other way round. */
export function toProtobuf(
  value: { readonly kind?: string; readonly apiVersion?: string },
  schema: ObjectType,
): Buffer {
  const { kind = '', apiVersion = '' } = value
  return enveloped(apiVersion, kind, encodeMessage(schema, value as never))
}

function enveloped(apiVersion: string, kind: string, raw: Uint8Array): Buffer {
  return Buffer.concat([magic, encodeMessage(envelope, { typeMeta: { apiVersion, kind }, raw } as Envelope)])
}

/** A list of objects of a kind. */
export function listToProtobuf(kind: Kind, metadata: object, objects: readonly ApiObject[]): Buffer {
  const items = objects.map((object) => encodeMessage(kind.schema, object as never))
  return enveloped(apiVersionOf(kind), `${kind.kind}List`, encodeMessage(anyList, { metadata, items } as never))
}

/** So many bytes of messages are kept until their turn to be sent comes; those beyond are made twice. */
const keptBytes = 16 * 1024 * 1024
const pieceBytes = 128 * 1024

/** What lists that are made item by item are lists of. */
export interface ListType {
  readonly apiVersion: string
  /** That of the list. */
  readonly kind: string
  readonly item: ObjectType
}

/**
 * The same in parts, each item made from its entry when it is its turn. A message says first how long it is, so all
 * objects are gone through before the first part is there: until then the parts are empty, for whoever wants to do
 * something else in between.
 */
export function* listPiecesToProtobuf(
  type: ListType,
  metadata: object,
  entries: readonly Entry[],
  itemOf: (entry: Entry) => object,
): Generator<Buffer> {
  const messageOf = (entry: Entry) =>
    encodeMessage(anyList, { items: [encodeMessage(type.item, itemOf(entry) as never)] } as never)
  const start = encodeMessage(anyList, { metadata } as never)
  const kept: Buffer[] = []
  let length = start.length
  for (const [index, entry] of entries.entries()) {
    const message = messageOf(entry)
    if (length < keptBytes) kept.push(message)
    length += message.length
    if (index % 100 === 99) yield nothing
  }
  const head = beforeRaw(type.apiVersion, type.kind, length)
  let parts = [head, start]
  let size = head.length + start.length
  for (const [index, entry] of entries.entries()) {
    const message = kept[index] ?? messageOf(entry)
    parts.push(message)
    size += message.length
    if (size < pieceBytes) continue
    yield Buffer.concat(parts)
    parts = []
    size = 0
  }
  yield Buffer.concat(parts)
}

/** An envelope up to the message in it, which is `length` bytes long. */
function beforeRaw(apiVersion: string, kind: string, length: number): Buffer {
  const writer = new Writer()
  writer.uint32((envelope.fields.raw.number << 3) | wireType.bytes)
  writer.uint32(length)
  return Buffer.concat([
    magic,
    encodeMessage(envelope, { typeMeta: { apiVersion, kind } } as Envelope),
    writer.finish(),
  ])
}

const nothing = Buffer.alloc(0)

/** Every list has its items in the same place; here each is a message that is written already. */
const anyList = object('k8s.io.apimachinery.pkg.apis.meta.v1.List', 'Objects of one kind.', {
  metadata: embedded(1, ListMeta, 'Facts about the list as a whole.'),
  items: optional(2, list(rawBytes), 'The objects.'),
})

/** What is answered to those who ask for metadata alone. */
export const partialObjectMetadata: ObjectType = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata',
  'An object without anything but its metadata.',
  { ...typeMetaFields, metadata: embedded(1, ObjectMeta, 'The metadata.') },
)

export const partialObjectMetadataList: ObjectType = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList',
  'Objects without anything but their metadata.',
  {
    ...typeMetaFields,
    metadata: embedded(1, ListMeta, 'Facts about the list as a whole.'),
    items: optional(2, list(partialObjectMetadata), 'The objects.'),
  },
)

const watchEvent = object('k8s.io.apimachinery.pkg.apis.meta.v1.WatchEvent', 'One event of a watch.', {
  type: optional(1, string, 'ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.'),
  object: optional(
    2,
    object('k8s.io.apimachinery.pkg.runtime.RawExtension', 'An object of any kind.', {
      raw: optional(1, rawBytes, 'The object, in its envelope.'),
    }),
    'What it happened to.',
  ),
})

/**
 * One event of a watch stream in protobuf: its length in four bytes, then the event, in which the object is in an
 * envelope of its own. The event itself has none.
 */
export function watchEventToProtobuf(
  type: string,
  value: { readonly kind?: string; readonly apiVersion?: string },
  schema: ObjectType,
): Buffer {
  const event = encodeMessage(watchEvent, { type, object: { raw: toProtobuf(value, schema) } } as never)
  const frame = Buffer.alloc(4 + event.length)
  frame.writeUInt32BE(event.length)
  event.copy(frame, 4)
  return frame
}
