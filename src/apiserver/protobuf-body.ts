import { type Body, BodyError } from '../schema/json.ts'
import { decodeMessage, encodeMessage, ProtobufError } from '../schema/protobuf.ts'
import { type Infer, type ObjectType, object, optional, rawBytes, string } from '../schema/types.ts'

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

/**
 * Reads a body in protobuf as an object of `schema`; its kind and apiVersion are those of the envelope.
 * Throws `BodyError` when the bytes are no envelope, or hold no such object.
 */
export function parseProtobuf(bytes: Buffer, schema: ObjectType): Body {
  if (!bytes.subarray(0, magic.length).equals(magic))
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
  const raw = encodeMessage(schema, value as never)
  return Buffer.concat([magic, encodeMessage(envelope, { typeMeta: { apiVersion, kind }, raw } as Envelope)])
}
