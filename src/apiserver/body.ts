import { cannotBeHandled, DecodeError, decode, type FieldValidation } from '../schema/decode.ts'
import {
  type Body,
  BodyError,
  parseJson,
  parseYaml,
  type TypeMeta,
  typeMetaOf,
  unrecognizedJson,
  unrecognizedYaml,
} from '../schema/json.ts'
import { type ApiObject, apiVersionOf } from '../schema/kind.ts'
import { keepEmptyLists } from '../schema/managed-fields/empty-lists.ts'
import { ApiError, badRequest } from '../schema/status.ts'
import type { Mutable, ObjectType } from '../schema/types.ts'
import { checkCustomType } from './custom/type-meta.ts'
import type { Exchange } from './exchange.ts'
import { mediaTypeOf } from './negotiate.ts'
import { parseProtobuf } from './protobuf-body.ts'
import type { ApiRequest } from './request.ts'

/** As many bytes as a body may have: 3 MiB. */
export const bodyLimit = 3 * 1024 * 1024

/** The error of a body that is longer; the socket side throws it, too. */
export const bodyTooLarge = (limit: number): ApiError =>
  new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${limit}`)

/** What an object that is sent may be: a kind, or a type that only sub-resources know (`Scale`, `Eviction`). */
export interface Expected {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly schema: ObjectType
  /** Versions that are not served any more, but in which this one may still be sent. */
  readonly formerVersions?: readonly string[]
}

/** Which kinds there are, to tell a wrong one from an unknown one. */
export interface KnownKinds {
  isKnown(group: string, version: string, kind: string): boolean
}

/**
 * Reads the body as an object of the expected type, its kind and apiVersion set. Unknown and repeated fields are
 * warned of, refused or passed over, as `mode` says. Throws ApiErrors in the reference's words.
 */
export async function readObject(
  exchange: Exchange,
  expected: Expected,
  known: KnownKinds,
  mode: FieldValidation,
): Promise<Mutable<ApiObject>> {
  const { request, warnings } = exchange
  const isCustom = expected.schema.options.decode !== undefined
  const format = bodyFormat(request, isCustom ? ['json', 'yaml'] : ['json', 'yaml', 'protobuf'])
  const bytes = await request.body(bodyLimit)
  const { body, sent } = parse(bytes, format, expected, mode)
  if (isCustom) checkCustomType(typeMetaOf(body.value), expected, nameOf(body.value))
  else checkType(sent, expected, known)
  return decodeAs(expected, body, mode, warnings)
}

function parse(bytes: Buffer, format: BodyFormat, expected: Expected, mode: FieldValidation) {
  try {
    const options = { findDuplicates: mode !== 'Ignore' }
    const body = parsers[format](bytes, options, expected)
    return { body, sent: withDefaults(typeMetaOf(body.value), expected) }
  } catch (error) {
    if (!(error instanceof BodyError)) throw error
    throw format === 'yaml'
      ? unrecognizedYaml(expected.kind, error, bytes)
      : unrecognizedJson(expected.kind, error, bytes)
  }
}

const parsers: Readonly<
  Record<BodyFormat, (bytes: Buffer, options: { findDuplicates: boolean }, expected: Expected) => Body>
> = {
  json: parseJson,
  yaml: parseYaml,
  protobuf: (bytes, _options, expected) => parseProtobuf(bytes, expected.schema),
}

interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** What the body leaves out is taken from the path; so is the group when only the version stands there. */
function withDefaults({ apiVersion, kind }: TypeMeta, expected: Expected): GroupVersionKind {
  const slash = apiVersion.lastIndexOf('/')
  const group = slash < 0 ? '' : apiVersion.slice(0, slash)
  const version = apiVersion.slice(slash + 1)
  const isBare = group === '' && (version === '' || version === expected.version)
  return {
    group: isBare ? expected.group : group,
    version: isBare ? expected.version : version,
    kind: kind === '' ? expected.kind : kind,
  }
}

function checkType(sent: GroupVersionKind, expected: Expected, known: KnownKinds): void {
  const isRightKind = sent.kind === expected.kind && sent.group === expected.group
  if (isRightKind && [expected.version, ...(expected.formerVersions ?? [])].includes(sent.version)) return
  const isList = sent.kind.endsWith('List') && known.isKnown(sent.group, sent.version, sent.kind.slice(0, -4))
  if (!isList && !known.isKnown(sent.group, sent.version, sent.kind)) {
    throw cannotBeHandled(sent, expected.kind, new Error(notRegistered(sent, expected)))
  }
  if (isRightKind) {
    const versions = `(${apiVersionOf(sent)}) does not match the expected API version (${apiVersionOf(expected)})`
    throw badRequest(`the API version in the data ${versions}`)
  }
  const from = `${sent.version}.${sent.kind}`
  const to = `${packageOf(expected.group)}.${expected.kind}`
  throw cannotBeHandled(sent, expected.kind, new Error(`converting (${from}) to (${to}): unknown conversion`))
}

/** The words for a kind that nobody knows. Clients show them; the place in the reference's source is part of them. */
export function notRegistered(sent: GroupVersionKind, expected: GroupVersionKind): string {
  const scheme = expected.group === 'apiregistration.k8s.io' ? aggregatorScheme : legacyScheme
  return `no kind "${sent.kind}" is registered for version "${apiVersionOf(sent)}" in scheme "${scheme}"`
}

const legacyScheme = 'pkg/api/legacyscheme/scheme.go:30'
const aggregatorScheme = 'k8s.io/kube-aggregator/pkg/apiserver/scheme/scheme.go:28'
const packageOf = (group: string) => (group === '' ? 'core' : group.split('.')[0]!)

/** The name in a body that is not decoded yet. */
export function nameOf(value: unknown): string {
  const name = (value as { readonly metadata?: { readonly name?: unknown } } | null)?.metadata?.name
  return typeof name === 'string' ? name : ''
}

/** Decodes a parsed body; also what a patch has made. Throws BadRequest. */
export function decodeAs(
  expected: Expected,
  body: Body,
  mode: FieldValidation,
  warnings: string[],
): Mutable<ApiObject> {
  try {
    const { object, problems } = decode(expected.schema, body.value, { mode, textProblems: body.problems })
    if (problems.length > 0) warnings.push(...problems)
    return identified(keepEmpty(expected.schema, object as unknown as Mutable<ApiObject>, body.value), expected)
  } catch (error) {
    if (error instanceof DecodeError) throw cannotBeHandled(expected, expected.kind, error)
    throw error
  }
}

/**
 * Gives a decoded object back what decoding does not keep, because to the API at large it means nothing, and what yet
 * says something of managed fields (`sent`: what the object was decoded from): required lists that are empty are owned,
 * and an empty list of managed fields ends everybody's ownership.
 */
export function keepEmpty(type: ObjectType, object: Mutable<ApiObject>, sent: unknown): Mutable<ApiObject> {
  keepEmptyLists(type, object, sent)
  const stated = (sent as { metadata?: { managedFields?: unknown } | null } | null)?.metadata?.managedFields
  if (Array.isArray(stated) && stated.length === 0) object.metadata.managedFields = []
  return object
}

/** Sets kind and apiVersion, which the reference writes first. */
export function identified(object: Mutable<ApiObject>, expected: GroupVersionKind): Mutable<ApiObject> {
  const apiVersion = apiVersionOf(expected)
  if (object.kind === expected.kind && object.apiVersion === apiVersion) return object
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object
  return { kind: expected.kind, apiVersion, ...rest } as Mutable<ApiObject>
}

export type BodyFormat = 'json' | 'yaml' | 'protobuf'

const mediaTypes: Readonly<Record<string, BodyFormat>> = {
  '': 'json',
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
}

/** Throws UnsupportedMediaType (415). */
export function bodyFormat(request: ApiRequest, allowed: readonly BodyFormat[]): BodyFormat {
  const format = mediaTypes[mediaTypeOf(request.headers['content-type'])]
  if (format !== undefined && allowed.includes(format)) return format
  throw unsupportedMediaType(
    Object.keys(mediaTypes).filter((type) => type !== '' && allowed.includes(mediaTypes[type]!)),
  )
}

export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  const words = 'the body of the request was in an unknown format - accepted media types include: '
  return new ApiError('UnsupportedMediaType', words + accepted.join(', '))
}

/** The name in the body must be that of the path. Throws BadRequest. */
export function matchName(metadata: { readonly name?: string }, name: string): void {
  const sent = metadata.name ?? ''
  if (sent === name) return
  if (sent === '') {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  }
  throw badRequest(`the name of the object (${sent}) does not match the name on the URL (${name})`)
}
