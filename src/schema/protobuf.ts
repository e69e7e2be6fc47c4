/**
 * Protobuf for every type of the schema language. A type is compiled to closures the first time it is used.
 *
 * The messages are those of Kubernetes (proto2, written by gogo) and of etcd (proto3):
 * - A field that is absent (or `null`) is not written; one that is there is, zero or not. Readers take both alike.
 * - A quantity is a message with the text as field 1; a time one with seconds and nanoseconds; a duration one with
 *   nanoseconds; an int-or-string one with its kind, the number and the text; any JSON is a message with the JSON as
 *   bytes in field 1; a list as a map's value is a message with the items as field 1.
 * - Fields that `inline` merged into a type are a message of their own, under the numbers in `options.inside`.
 *
 * ```ts
 * const bytes = encodeMessage(Pod, pod)
 * const { object } = decode(Pod, decodeMessage(Pod, bytes))
 * ```
 */
import { formatDuration, parseDuration } from '../base/duration.ts'
import { formatMicroTime, formatTime, parseTime } from '../base/go-time.ts'
import { setOwn } from './freeze.ts'
import { ProtobufError, Reader, Writer, wireType } from './protobuf-wire.ts'
import {
  explicit,
  type Field,
  type Infer,
  int32,
  int64,
  type ListType,
  type MapType,
  type ObjectType,
  object,
  optional,
  rawBytes,
  required,
  type Scalar,
  type ScalarName,
  string,
  type Type,
} from './types.ts'

export { ProtobufError } from './protobuf-wire.ts'

type Values = Record<string, unknown>

/** One for all: encoding never waits, and a message that failed half-way is overwritten. */
const writer = new Writer()

/** Encodes `value`, which is as `decode` made it: of the right types throughout. */
export function encodeMessage<S extends ObjectType>(type: S, value: Infer<S>): Buffer {
  writer.at = 0
  messageOf(type).encode(writer, value as Values)
  return writer.finish()
}

/**
 * Decodes what the message says. Required scalars that it leaves out are zero, optional ones that are zero are absent;
 * lists, maps and objects that it leaves out are absent: for API objects, `decode` makes the rest of it.
 * @throws ProtobufError when `bytes` are not a message of this type
 */
export function decodeMessage<S extends ObjectType>(type: S, bytes: Uint8Array): Infer<S> {
  return messageOf(type).decode(new Reader(bytes)) as Infer<S>
}

// Messages.

interface Message {
  encode(writer: Writer, value: Values): void
  decode(reader: Reader): Values
}

const messages = new WeakMap<ObjectType, Message>()

function messageOf(type: ObjectType): Message {
  let message = messages.get(type)
  if (message === undefined) {
    message = new ObjectMessage(type)
    messages.set(type, message)
  }
  return message
}

type Encode = (writer: Writer, value: Values) => void
type Decode = (reader: Reader, target: Values, wire: number) => void

/** The fields that stand in one message on the wire: those of a type, or those that an `inline` put into one of its own. */
class Part {
  readonly #encoders: [number, Encode][] = []
  readonly #decoders: Decode[] = []
  readonly #parts = new Map<number, Part>()

  add(name: string, field: Field, inside: readonly number[]): void {
    const [outer, ...inner] = inside
    if (outer !== undefined) {
      this.#partAt(outer).add(name, field, inner)
      return
    }
    this.#encoders.push([field.number, encoderOf(name, field)])
    this.#decoders[field.number] = decoderOf(name, field)
  }

  encode(writer: Writer, value: Values): void {
    for (const [, encode] of this.#encoders) encode(writer, value)
  }

  decode(reader: Reader, target: Values): void {
    const decoders = this.#decoders
    while (reader.at < reader.end) {
      const tag = reader.uint32()
      const decode = decoders[tag >>> 3]
      if (decode === undefined) reader.skipField(tag)
      else decode(reader, target, tag & 7)
    }
  }

  #partAt(number: number): Part {
    const known = this.#parts.get(number)
    if (known !== undefined) return known
    const part = new Part()
    this.#parts.set(number, part)
    this.#encoders.push([number, (writer, value) => encodePart(writer, number, part, value)])
    this.#decoders[number] = (reader, target, wire) => {
      requireWire(wire, wireType.bytes)
      const outer = reader.enter()
      part.decode(reader, target)
      reader.leave(outer)
    }
    return part
  }
}

function encodePart(writer: Writer, number: number, part: Part, value: Values): void {
  const before = writer.at
  writer.uint32((number << 3) | wireType.bytes)
  const start = writer.begin()
  part.encode(writer, value)
  if (writer.at === start) writer.at = before
  else writer.end(start)
}

class ObjectMessage implements Message {
  readonly #type: ObjectType
  #part: Part | undefined
  readonly #zero: Values

  constructor(type: ObjectType) {
    this.#type = type
    this.#zero = zeroScalars(type)
  }

  encode(writer: Writer, value: Values): void {
    this.#compiled().encode(writer, value)
  }

  decode(reader: Reader): Values {
    const target = { ...this.#zero }
    this.#compiled().decode(reader, target)
    return target
  }

  /** Late, because a type may contain itself. */
  #compiled(): Part {
    if (this.#part !== undefined) return this.#part
    const part = new Part()
    for (const [name, field] of Object.entries(this.#type.fields)) {
      // Number 0: apiVersion and kind, which stand outside the message.
      if (field.number !== 0) part.add(name, field, field.options.inside ?? [])
    }
    this.#part = part
    return part
  }
}

function zeroScalars(type: ObjectType): Values {
  const zero: Values = {}
  for (const [name, field] of Object.entries(type.fields)) {
    if (field.presence !== 'required' && field.presence !== 'embedded') continue
    const value = field.number === 0 ? undefined : zeroOf(field.type)
    if (value !== undefined) zero[name] = value
  }
  return zero
}

const noBytes = new Uint8Array(0)

function zeroOf(type: Type): unknown {
  switch (type.type) {
    case 'string':
      return ''
    case 'bool':
      return false
    case 'int32':
    case 'double':
      return 0
    case 'int64':
      return type.wire === undefined ? 0 : 0n
    case 'bytes':
      return type.wire === 'raw' ? noBytes : type.wire === 'latin1' ? '' : undefined
    default:
      return undefined
  }
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false || value === 0n
}

// Fields.

function encoderOf(name: string, field: Field): Encode {
  const { type, number } = field
  if (type.type === 'list') return listEncoder(name, number, codecOf(type.items))
  if (type.type === 'map') return mapEncoder(name, number, type)
  const codec = codecOf(type)
  const tag = (number << 3) | codec.wire
  return (writer, value) => {
    const given = value[name]
    if (given === undefined || given === null) return
    writer.uint32(tag)
    codec.write(writer, given)
  }
}

function listEncoder(name: string, number: number, codec: Codec): Encode {
  const tag = (number << 3) | codec.wire
  return (writer, value) => {
    const items = value[name] as readonly unknown[] | undefined | null
    if (items === undefined || items === null) return
    for (const item of items) {
      writer.uint32(tag)
      codec.write(writer, item)
    }
  }
}

function mapEncoder(name: string, number: number, type: MapType): Encode {
  const codec = codecOf(type.values)
  const tag = (number << 3) | wireType.bytes
  const valueTag = (2 << 3) | codec.wire
  return (writer, value) => {
    const entries = value[name] as Values | undefined | null
    if (entries === undefined || entries === null) return
    // Sorted, so that the same object gives the same bytes.
    for (const key of Object.keys(entries).sort()) {
      writer.uint32(tag)
      const start = writer.begin()
      writer.uint32((1 << 3) | wireType.bytes)
      writer.string(key)
      writer.uint32(valueTag)
      codec.write(writer, entries[key])
      writer.end(start)
    }
  }
}

function decoderOf(name: string, field: Field): Decode {
  const { type, presence } = field
  if (type.type === 'list') return listDecoder(name, codecOf(type.items))
  if (type.type === 'map') return mapDecoder(name, type)
  const codec = codecOf(type)
  const dropsZero = presence === 'optional'
  return (reader, target, wire) => {
    requireWire(wire, codec.wire)
    const value = codec.read(reader)
    if (dropsZero && isZero(value)) delete target[name]
    else target[name] = value
  }
}

function listDecoder(name: string, codec: Codec): Decode {
  return (reader, target, wire) => {
    target[name] ??= []
    const items = target[name] as unknown[]
    if (wire === codec.wire) items.push(codec.read(reader))
    else readPacked(reader, codec, wire, items)
  }
}

/** Numbers may also come all in one field (proto3's way). */
function readPacked(reader: Reader, codec: Codec, wire: number, items: unknown[]): void {
  if (codec.wire === wireType.bytes) requireWire(wire, codec.wire)
  requireWire(wire, wireType.bytes)
  const outer = reader.enter()
  while (reader.at < reader.end) items.push(codec.read(reader))
  reader.leave(outer)
}

function mapDecoder(name: string, type: MapType): Decode {
  const codec = codecOf(type.values)
  const emptyValue = () => (codec.wire === wireType.bytes ? codec.read(new Reader(lengthZero)) : zeroOf(type.values))
  return (reader, target, wire) => {
    requireWire(wire, wireType.bytes)
    target[name] ??= {}
    const entries = target[name] as Values
    const outer = reader.enter()
    let key = ''
    let value: unknown
    while (reader.at < reader.end) {
      const tag = reader.uint32()
      if (tag === ((1 << 3) | wireType.bytes)) key = reader.text('utf8')
      else if (tag === ((2 << 3) | codec.wire)) value = codec.read(reader)
      else reader.skipField(tag)
    }
    reader.leave(outer)
    setOwn(entries, key, value ?? emptyValue())
  }
}

const lengthZero = Uint8Array.of(0)

function requireWire(wire: number, expected: number): void {
  if (wire !== expected) throw new ProtobufError(`wire type ${wire} instead of ${expected}`)
}

// Values.

/** One value without its tag; what has the wire type `bytes` comes with its length. */
interface Codec<T = unknown> {
  readonly wire: number
  write(writer: Writer, value: T): void
  read(reader: Reader): T
}

function codecOf(type: Type): Codec {
  if (type.type === 'object') return nested(messageOf(type)) as Codec
  if (type.type === 'list') return wrappedList(type)
  if (type.type === 'map') throw new Error('protobuf: a map can only be a field')
  return (type.wire === undefined ? scalars[type.type] : wireScalars[type.wire]) as Codec
}

function nested(message: Message): Codec<Values> {
  return {
    wire: wireType.bytes,
    write(writer, value) {
      const start = writer.begin()
      message.encode(writer, value)
      writer.end(start)
    },
    read(reader) {
      const outer = reader.enter()
      const value = message.decode(reader)
      reader.leave(outer)
      return value
    },
  }
}

/** A message made of the named fields of `shape`, and how a value becomes one and is made from one. */
function converted<T>(shape: ObjectType, to: (value: T) => Values, from: (message: Values) => T): Codec<T> {
  const { wire, write, read } = nested(messageOf(shape))
  return { wire, write: (writer, value) => write(writer, to(value)), read: (reader) => from(read(reader)) }
}

function wrappedList(type: ListType): Codec {
  const shape = object('', '', { items: optional(1, type, '') })
  return converted<unknown>(
    shape,
    (items) => ({ items }),
    ({ items }) => items ?? [],
  )
}

const timeShape = object('', '', { seconds: explicit(1, int64, ''), nanos: explicit(2, int32, '') })
const quantityShape = object('', '', { string: optional(1, string, '') })
const durationShape = object('', '', { nanoseconds: explicit(1, int64, '') })
const rawShape = object('', '', { raw: explicit(1, rawBytes, '') })
const intOrStringShape = object('', '', {
  type: required(1, int64, ''),
  intVal: required(2, int32, ''),
  strVal: required(3, string, ''),
})
const stringKind = 1

/** Go's zero time is an empty message here and `null` in JSON. */
function timeCodec(format: (milliseconds: number) => string): Codec<string | null> {
  return converted<string | null>(
    timeShape,
    (text) => {
      if (text === null) return {}
      const decimals = /\.(\d{1,9})/.exec(text)?.[1] ?? ''
      return { seconds: Math.floor(parseTime(text) / 1_000), nanos: Number(decimals.padEnd(9, '0')) }
    },
    ({ seconds, nanos }) => {
      if (seconds === undefined && nanos === undefined) return null
      return format(Number(seconds ?? 0) * 1_000 + Number(nanos ?? 0) / 1e6)
    },
  )
}

const rawCodec: Codec = converted<unknown>(
  rawShape,
  (value) => ({ raw: Buffer.from(JSON.stringify(value)) }),
  ({ raw }) => (raw === undefined || (raw as Uint8Array).length === 0 ? null : parseRaw(raw as Buffer)),
)

function parseRaw(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString())
  } catch {
    throw new ProtobufError('embedded JSON that is no JSON')
  }
}

const { varint, fixed64, bytes } = wireType

function codec<T>(wire: number, write: (writer: Writer, value: T) => void, read: (reader: Reader) => T): Codec {
  return { wire, write, read } as Codec
}

const scalars: Readonly<Record<ScalarName, Codec>> = {
  string: codec<string>(
    bytes,
    (writer, value) => writer.string(value),
    (reader) => reader.text('utf8'),
  ),
  bool: codec<boolean>(
    varint,
    (writer, value) => writer.uint32(value ? 1 : 0),
    (reader) => reader.bool(),
  ),
  int32: codec<number>(
    varint,
    (writer, value) => writer.int64(value),
    (reader) => reader.int32(),
  ),
  int64: codec<number>(
    varint,
    (writer, value) => writer.int64(value),
    (reader) => reader.int64(),
  ),
  double: codec<number>(
    fixed64,
    (writer, value) => writer.double(value),
    (reader) => reader.double(),
  ),
  bytes: codec<string>(
    bytes,
    (writer, value) => writer.bytes(Buffer.from(value, 'base64')),
    (reader) => reader.text('base64'),
  ),
  quantity: converted<string>(
    quantityShape,
    (text) => ({ string: text }),
    (message) => (message['string'] ?? '0') as string,
  ) as Codec,
  time: timeCodec(formatTime) as Codec,
  microTime: timeCodec(formatMicroTime) as Codec,
  duration: converted<string>(
    durationShape,
    (text) => ({ nanoseconds: Math.round(parseDuration(text) * 1e6) }),
    ({ nanoseconds }) => formatDuration(Number(nanoseconds ?? 0) / 1e6),
  ) as Codec,
  intOrString: converted<number | string>(
    intOrStringShape,
    (value) =>
      typeof value === 'string'
        ? { type: stringKind, intVal: 0, strVal: value }
        : { type: 0, intVal: value, strVal: '' },
    ({ type, intVal, strVal }) => (type === stringKind ? strVal : intVal) as number | string,
  ) as Codec,
  json: rawCodec,
  rawObject: rawCodec,
}

const wireScalars: Readonly<Record<NonNullable<Scalar['wire']>, Codec>> = {
  signed: codec<bigint>(
    varint,
    (writer, value) => writer.bigint(value),
    (reader) => reader.signed(),
  ),
  unsigned: codec<bigint>(
    varint,
    (writer, value) => writer.bigint(value),
    (reader) => reader.unsigned(),
  ),
  raw: codec<Uint8Array>(
    bytes,
    (writer, value) => writer.bytes(value),
    (reader) => reader.bytes(),
  ),
  latin1: codec<string>(
    bytes,
    (writer, value) => writer.latin1(value),
    (reader) => reader.text('latin1'),
  ),
}
