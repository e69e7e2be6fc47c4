import { own } from '../../base/own.ts'
import { DecodeError, decodeAround, type FieldValidation } from '../../schema/decode.ts'
import { goQuote } from '../../schema/field-errors.ts'
import { type Body, BodyError, parseJson } from '../../schema/json.ts'
import { applyJsonPatch } from '../../schema/json-patch.ts'
import { type ApiObject, apiVersionOf } from '../../schema/kind.ts'
import { applyMergePatch } from '../../schema/merge-patch.ts'
import { ApiError, badRequest, notFound } from '../../schema/status.ts'
import { applyStrategicMergePatch, strategicPatchInvalid } from '../../schema/strategic-merge.ts'
import type { Mutable } from '../../schema/types.ts'
import {
  bodyLimit,
  type Expected,
  identified,
  keepEmpty,
  matchName,
  nameOf,
  notRegistered,
  unsupportedMediaType,
} from '../body.ts'
import { customTypeFault } from '../custom/type-meta.ts'
import type { Exchange } from '../exchange.ts'
import { mediaTypeOf, negotiate, objectOffer } from '../negotiate.ts'
import { writeContext } from '../options.ts'
import type { ApiResponse } from '../request.ts'
import { answerEntry } from './read.ts'
import type { ObjectServices, Target } from './services.ts'

export type PatchType = 'json' | 'merge' | 'strategic'

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
}
export const applyType = 'application/apply-patch+yaml'

/** Server-side apply: takes over an object by what its manager says of it. */
export type Apply = (exchange: Exchange, services: ObjectServices, target: Target) => Promise<ApiResponse>

/** PATCH of an object or of its status. `apply` absent: apply patches are answered as a type that is not known. */
export async function patchObject(
  exchange: Exchange,
  services: ObjectServices,
  target: Target,
  apply?: Apply,
): Promise<ApiResponse> {
  const { request, info, warnings } = exchange
  const mediaType = mediaTypeOf(request.headers['content-type'])
  if (mediaType === applyType && apply !== undefined) return apply(exchange, services, target)
  const type = patchTypeOf(mediaType, target.custom, apply !== undefined)
  const accepted = negotiate(request.headers['accept'], objectOffer)
  const bytes = await request.body(bodyLimit)
  const context = writeContext(exchange, 'PatchOptions')
  const patch = parsePatch(bytes, type, context.fieldValidation)
  const { kind, resource } = target
  const change = (current: ApiObject | undefined) => {
    if (current === undefined) throw notFound({ group: kind.group, resource: kind.plural }, info.name)
    const found: string[] = []
    try {
      const changed = applyPatch(type, kind, current, patch, context.fieldValidation, found)
      matchName(changed.metadata, info.name)
      return changed
    } finally {
      warnings.push(...found)
    }
  }
  const { entry, created } = await resource.update(info.namespace, info.name, info.subresource, change, context, {
    owned: true,
  })
  return answerEntry(exchange, services, target, created ? 201 : 200, entry, accepted)
}

/** Throws UnsupportedMediaType with the types that would have been taken. */
export function patchTypeOf(mediaType: string, custom: boolean, applies: boolean): PatchType {
  const type = own(patchTypes, mediaType)
  if (type !== undefined && !(custom && type === 'strategic')) return type
  const accepted = Object.keys(patchTypes).filter((name) => !(custom && patchTypes[name] === 'strategic'))
  throw unsupportedMediaType(applies || custom ? [...accepted, applyType] : accepted)
}

/** Reads a patch. Throws BadRequest. */
export function parsePatch(bytes: Buffer, type: PatchType, mode: FieldValidation): Body {
  try {
    return parseJson(bytes, { findDuplicates: mode !== 'Ignore' })
  } catch (error) {
    if (!(error instanceof BodyError)) throw error
    throw badRequest(type === 'strategic' ? error.message : `error decoding patch: ${error.message}`)
  }
}

/**
 * The object that a patch makes of another one, decoded again as the type at hand. Unknown fields are warned of
 * (into `warnings`), refused or passed over. Throws Invalid (422) when the result is no such object.
 */
export function applyPatch(
  type: PatchType,
  expected: Expected,
  current: ApiObject,
  patch: Body,
  mode: FieldValidation,
  warnings: string[],
): Mutable<ApiObject> {
  const patched =
    type === 'json'
      ? applyJsonPatch(current, patch.value)
      : type === 'merge'
        ? applyMergePatch(current, patch.value)
        : applyStrategicMergePatch(current, patch.value, expected.schema)
  const invalid = (why: string) =>
    type === 'strategic' ? strategicPatchInvalid(patch.value, why) : patchInvalid(patched, current, why)
  const { apiVersion, kind } = patched as { apiVersion?: unknown; kind?: unknown }
  if (expected.schema.options.decode !== undefined) checkPatchedType(patched, expected, mode, warnings)
  if (apiVersion !== apiVersionOf(expected) || kind !== expected.kind) {
    const sent = sentType(apiVersion, kind, expected)
    if (sent !== undefined) throw invalid(notRegistered(sent, expected))
  }
  try {
    const untouched = untouchedMembers(patched, current, expected)
    const options = { mode, textProblems: patch.problems }
    const { object, problems } = decodeAround(expected.schema, patched as Members, untouched, options)
    warnings.push(...problems)
    return identified(keepEmpty(expected.schema, object as unknown as Mutable<ApiObject>, patched), expected)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw invalid(error.message)
  }
}

/** What the patch leaves as it is has been decoded when it was stored. Only the metadata is taken apart anew. */
function untouchedMembers(patched: object, current: ApiObject, { schema }: Expected): readonly string[] {
  if (schema.options.decode !== undefined) return []
  const [members, stored] = [patched as Members, current as object as Members]
  const isUntouched = (name: string) => typeof members[name] === 'object' && members[name] === stored[name]
  return Object.keys(members).filter((name) => name !== 'metadata' && name in schema.fields && isUntouched(name))
}

/** A custom object that is no longer what it was has no fields that anybody knows. */
function checkPatchedType(patched: unknown, expected: Expected, mode: FieldValidation, warnings: string[]): void {
  const { apiVersion = '', kind = '' } = patched as { apiVersion?: unknown; kind?: unknown }
  const fault = customTypeFault({ apiVersion: String(apiVersion), kind: String(kind) }, expected, nameOf(patched))
  if (fault === undefined) return
  const others = Object.keys(patched as object).filter((name) => !['apiVersion', 'kind', 'metadata'].includes(name))
  if (mode === 'Warn') warnings.push(...others.sort().map((name) => `unknown field "${name}"`))
  throw fault
}

/** What a patched object says that it is, where that is not what it should be; what is absent is taken to be right. */
function sentType(apiVersion: unknown, kind: unknown, expected: Expected) {
  const [, group = '', version = ''] = /^(?:(.*)\/)?(.*)$/.exec(String(apiVersion ?? '')) ?? []
  const sent = {
    group: version === '' || (group === '' && version === expected.version) ? expected.group : group,
    version: version || expected.version,
    kind: String(kind ?? '') || expected.kind,
  }
  const same = sent.group === expected.group && sent.version === expected.version && sent.kind === expected.kind
  return same ? undefined : sent
}

function patchInvalid(patched: unknown, current: unknown, why: string): ApiError {
  const message = `Invalid value: ${goQuote(patchedText(patched, current))}: ${why}`
  return new ApiError('Invalid', ` "" is invalid: patch: ${message}`, {
    details: { causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }] },
  })
}

/** The patched object as the reference's patch library writes it: what was touched has its keys sorted. */
function patchedText(patched: unknown, current: unknown): string {
  if (!isMembers(patched) || !isMembers(current) || patched === current) return JSON.stringify(patched)
  const members = Object.keys(patched).sort()
  return `{${members.map((key) => `${JSON.stringify(key)}:${patchedText(patched[key], current[key])}`).join(',')}}`
}

type Members = Readonly<Record<string, unknown>>

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
