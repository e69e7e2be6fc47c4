import type { JsonObject } from './openapi.ts'
import { Writer, wireType } from './protobuf-wire.ts'

/**
 * OpenAPI documents in protobuf, in the messages of gnostic (`openapi.v2.Document`, `openapi.v3.Document`): what
 * kubectl before 1.27 and Helm ask for. Takes documents in their JSON form.
 */

export const encodeOpenApiV2 = (document: JsonObject): Buffer => encode(documentV2, document)
export const encodeOpenApiV3 = (document: JsonObject): Buffer => encode(documentV3, document)

function encode(content: Message, document: JsonObject): Buffer {
  const writer = new Writer()
  content(writer, document)
  return writer.finish()
}

/** Writes the content of a message. */
type Message = (writer: Writer, value: JsonObject) => void

/** Writes a field, number and all; nothing for a value that is not there. */
type FieldWriter = (writer: Writer, value: unknown) => void

/** Writes fields by the name that they have in JSON. Extensions (`x-…`) all go into one field of named values. */
function message(fields: () => Readonly<Record<string, FieldWriter>>, extensions?: number): Message {
  let writers: Readonly<Record<string, FieldWriter>> | undefined
  const extension = extensions === undefined ? undefined : entry(extensions, anyField(2))
  return (writer, value) => {
    // Not before it is needed: messages hold one another.
    writers ??= fields()
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue
      if (Object.hasOwn(writers, key)) writers[key]!(writer, item)
      else if (key.startsWith('x-')) extension?.(writer, key, item)
    }
  }
}

const tag = (writer: Writer, number: number, type: number) => writer.uint32(number * 8 + type)

function delimited(writer: Writer, number: number, write: () => void): void {
  tag(writer, number, wireType.bytes)
  const start = writer.begin()
  write()
  writer.end(start)
}

const text =
  (number: number): FieldWriter =>
  (writer, value) => {
    tag(writer, number, wireType.bytes)
    writer.string(String(value))
  }

const flag =
  (number: number): FieldWriter =>
  (writer, value) => {
    if (value) boolean(writer, number, true)
  }

function boolean(writer: Writer, number: number, value: boolean): void {
  tag(writer, number, wireType.varint)
  writer.uint32(value ? 1 : 0)
}

const integer =
  (number: number): FieldWriter =>
  (writer, value) => {
    tag(writer, number, wireType.varint)
    writer.int64(Number(value))
  }

const double =
  (number: number): FieldWriter =>
  (writer, value) => {
    tag(writer, number, wireType.fixed64)
    writer.double(Number(value))
  }

const inside =
  (number: number, content: Message): FieldWriter =>
  (writer, value) =>
    delimited(writer, number, () => content(writer, value as JsonObject))

const repeated =
  (field: FieldWriter): FieldWriter =>
  (writer, value) => {
    for (const item of value as readonly unknown[]) field(writer, item)
  }

/** `Any`: the value as YAML, of which JSON is a part. */
const anyField =
  (number: number): FieldWriter =>
  (writer, value) =>
    delimited(writer, number, () => text(2)(writer, `${JSON.stringify(value)}\n`))

/** One entry of a map: a message of name and value. */
const entry = (number: number, write: FieldWriter) => (writer: Writer, name: string, value: unknown) =>
  delimited(writer, number, () => {
    text(1)(writer, name)
    write(writer, value)
  })

/** A map, as the entries of a message of its own. */
function namedInside(number: number, write: FieldWriter, entryNumber = 1): FieldWriter {
  const one = entry(entryNumber, write)
  return (writer, value) =>
    delimited(writer, number, () => {
      for (const [name, item] of Object.entries(value as JsonObject)) one(writer, name, item)
    })
}

/** A message that holds one of several things. */
const wrapped =
  (number: number, field: FieldWriter): FieldWriter =>
  (writer, value) =>
    delimited(writer, number, () => field(writer, value))

const additional =
  (schema: FieldWriter): FieldWriter =>
  (writer, value) =>
    typeof value === 'boolean' ? boolean(writer, 2, value) : schema(writer, value)

// Version 2.

const infoV2 = message(() => ({ title: text(1), version: text(2), description: text(3) }), 7)

const schemaV2: Message = message(
  () => ({
    $ref: text(1),
    format: text(2),
    title: text(3),
    description: text(4),
    default: anyField(5),
    multipleOf: double(6),
    maximum: double(7),
    exclusiveMaximum: flag(8),
    minimum: double(9),
    exclusiveMinimum: flag(10),
    maxLength: integer(11),
    minLength: integer(12),
    pattern: text(13),
    maxItems: integer(14),
    minItems: integer(15),
    uniqueItems: flag(16),
    maxProperties: integer(17),
    minProperties: integer(18),
    required: repeated(text(19)),
    enum: repeated(anyField(20)),
    additionalProperties: wrapped(21, additional(inside(1, schemaV2))),
    type: (writer, value) => wrapped(22, repeated(text(1)))(writer, Array.isArray(value) ? value : [value]),
    items: wrapped(23, inside(1, schemaV2)),
    allOf: repeated(inside(24, schemaV2)),
    properties: namedInside(25, inside(2, schemaV2)),
    example: anyField(30),
  }),
  31,
)

const bodyParameterV2 = message(
  () => ({ description: text(1), name: text(2), in: text(3), required: flag(4), schema: inside(5, schemaV2) }),
  6,
)
const queryParameterV2 = message(
  () => ({
    required: flag(1),
    in: text(2),
    description: text(3),
    name: text(4),
    type: text(6),
    format: text(7),
    uniqueItems: flag(20),
  }),
  23,
)
const pathParameterV2 = message(
  () => ({
    required: flag(1),
    in: text(2),
    description: text(3),
    name: text(4),
    type: text(5),
    format: text(6),
    uniqueItems: flag(19),
  }),
  22,
)

const parameterV2: Message = (writer, value) => {
  if (value['in'] === 'body') inside(1, bodyParameterV2)(writer, value)
  else wrapped(2, value['in'] === 'path' ? inside(4, pathParameterV2) : inside(3, queryParameterV2))(writer, value)
}

const referenceMessage = message(() => ({ $ref: text(1), description: text(2) }))

const parameterItemV2: Message = (writer, value) =>
  ('$ref' in value ? inside(2, referenceMessage) : inside(1, parameterV2))(writer, value)

const responseV2 = message(() => ({ description: text(1), schema: wrapped(2, inside(1, schemaV2)) }), 5)

const operationV2 = message(
  () => ({
    tags: repeated(text(1)),
    summary: text(2),
    description: text(3),
    operationId: text(5),
    produces: repeated(text(6)),
    consumes: repeated(text(7)),
    parameters: repeated(inside(8, parameterItemV2)),
    responses: namedInside(9, wrapped(2, inside(1, responseV2))),
    schemes: repeated(text(10)),
    deprecated: flag(11),
  }),
  13,
)

const pathItemV2 = message(
  () => ({
    get: inside(2, operationV2),
    put: inside(3, operationV2),
    post: inside(4, operationV2),
    delete: inside(5, operationV2),
    options: inside(6, operationV2),
    head: inside(7, operationV2),
    patch: inside(8, operationV2),
    parameters: repeated(inside(9, parameterItemV2)),
  }),
  10,
)

const apiKeyV2 = message(() => ({ type: text(1), name: text(2), in: text(3), description: text(4) }), 5)

const documentV2 = message(
  () => ({
    swagger: text(1),
    info: inside(2, infoV2),
    paths: namedInside(8, inside(2, pathItemV2), 2),
    definitions: namedInside(9, inside(2, schemaV2)),
    parameters: namedInside(10, inside(2, parameterV2)),
    security: repeated(namedInside(12, wrapped(2, repeated(text(1))))),
    securityDefinitions: namedInside(13, wrapped(2, inside(2, apiKeyV2))),
  }),
  16,
)

// Version 3.

const infoV3 = message(() => ({ title: text(1), description: text(2), version: text(6) }), 7)

const schemaOrReferenceV3: Message = (writer, value) =>
  ('$ref' in value ? inside(2, referenceMessage) : inside(1, schemaV3))(writer, value)

const schemaV3: Message = message(
  () => ({
    nullable: flag(1),
    example: anyField(7),
    title: text(9),
    multipleOf: double(10),
    maximum: double(11),
    exclusiveMaximum: flag(12),
    minimum: double(13),
    exclusiveMinimum: flag(14),
    maxLength: integer(15),
    minLength: integer(16),
    pattern: text(17),
    maxItems: integer(18),
    minItems: integer(19),
    uniqueItems: flag(20),
    maxProperties: integer(21),
    minProperties: integer(22),
    required: repeated(text(23)),
    enum: repeated(anyField(24)),
    type: text(25),
    allOf: repeated(inside(26, schemaOrReferenceV3)),
    oneOf: repeated(inside(27, schemaOrReferenceV3)),
    anyOf: repeated(inside(28, schemaOrReferenceV3)),
    not: inside(29, schemaV3),
    items: wrapped(30, inside(1, schemaOrReferenceV3)),
    properties: namedInside(31, inside(2, schemaOrReferenceV3)),
    additionalProperties: wrapped(32, additional(inside(1, schemaOrReferenceV3))),
    default: defaultV3,
    description: text(34),
    format: text(35),
  }),
  36,
)

/** Only scalars can be defaults in this message; others are left out. */
function defaultV3(writer: Writer, value: unknown): void {
  if (typeof value === 'number') wrapped(33, double(1))(writer, value)
  if (typeof value === 'boolean') delimited(writer, 33, () => boolean(writer, 2, value))
  if (typeof value === 'string') wrapped(33, text(3))(writer, value)
}

const mediaTypeV3 = message(() => ({ schema: inside(1, schemaOrReferenceV3) }), 5)

const parameterV3 = message(
  () => ({
    name: text(1),
    in: text(2),
    description: text(3),
    required: flag(4),
    schema: inside(10, schemaOrReferenceV3),
  }),
  14,
)

const responseV3 = message(() => ({ description: text(1), content: namedInside(3, inside(2, mediaTypeV3)) }), 5)

const requestBodyV3 = message(
  () => ({ description: text(1), content: namedInside(2, inside(2, mediaTypeV3)), required: flag(3) }),
  4,
)

const operationV3 = message(
  () => ({
    tags: repeated(text(1)),
    summary: text(2),
    description: text(3),
    operationId: text(5),
    parameters: repeated(wrapped(6, inside(1, parameterV3))),
    requestBody: wrapped(7, inside(1, requestBodyV3)),
    responses: namedInside(8, wrapped(2, inside(1, responseV3)), 2),
    deprecated: flag(10),
  }),
  13,
)

const pathItemV3 = message(
  () => ({
    get: inside(4, operationV3),
    put: inside(5, operationV3),
    post: inside(6, operationV3),
    delete: inside(7, operationV3),
    options: inside(8, operationV3),
    head: inside(9, operationV3),
    patch: inside(10, operationV3),
    parameters: repeated(wrapped(13, inside(1, parameterV3))),
  }),
  14,
)

const apiKeyV3 = message(() => ({ type: text(1), description: text(2), name: text(3), in: text(4) }), 9)

const componentsV3 = message(
  () => ({
    schemas: namedInside(1, inside(2, schemaOrReferenceV3)),
    securitySchemes: namedInside(7, wrapped(2, inside(1, apiKeyV3))),
  }),
  10,
)

const documentV3 = message(
  () => ({
    openapi: text(1),
    info: inside(2, infoV3),
    paths: namedInside(4, inside(2, pathItemV3)),
    components: inside(5, componentsV3),
    security: repeated(namedInside(6, wrapped(2, repeated(text(1))))),
  }),
  9,
)
