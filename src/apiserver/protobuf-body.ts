import { ListMeta } from '../kinds/meta/list-meta.ts'
import { ObjectMeta } from '../kinds/meta/object-meta.ts'
import { typeMeta as typeMetaFields } from '../kinds/meta/type-meta.ts'
import { type Body, BodyError } from '../schema/json.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import { decodeMessage, encodeMessage, ProtobufError } from '../schema/protobuf.ts'
import { embedded, type Infer, list, type ObjectType, object, optional, rawBytes, string } from '../schema/types.ts'

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
