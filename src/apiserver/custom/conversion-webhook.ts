import type { CustomResourceDefinition } from '../../kinds/apiextensions/custom-resource-definition.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { BodyError, parseJson } from '../../schema/json.ts'
import { type ApiObject, apiVersionOf } from '../../schema/kind.ts'
import { validateAnnotations, validateLabels } from '../../schema/meta-validation.ts'
import { ApiError } from '../../schema/status.ts'
import { ask, type OutgoingParts } from '../outgoing.ts'

type Loose = Readonly<Record<string, unknown>>

/** How long a webhook may take for one question. */
const timeoutSeconds = 30

const group = 'apiextensions.k8s.io'

/** Asks the webhook of a definition how objects look in another version, and believes only what can be. */
export class ConversionWebhook {
  readonly #definition: CustomResourceDefinition
  readonly #parts: OutgoingParts

  constructor(definition: CustomResourceDefinition, parts: OutgoingParts) {
    this.#definition = definition
    this.#parts = parts
  }

  /** See `Conversion.convert`. Objects that are of the version already are not sent. */
  async convert(objects: readonly ApiObject[], apiVersion: string): Promise<readonly ApiObject[]> {
    const sent = objects.filter((object) => typeOf(object).apiVersion !== apiVersion)
    if (sent.length === 0) return objects
    const what = typeText(typeOf(sent[0]!))
    const answered = await this.#ask(sent, apiVersion, what)
    if (answered.length !== sent.length) {
      throw failure(`conversion for ${what} returned ${answered.length} objects, expected ${sent.length}`)
    }
    const converted = sent.map((object, index) => accepted(object, answered[index], apiVersion, what, index + 1))
    return objects.map((object) => (typeOf(object).apiVersion === apiVersion ? object : converted.shift()!))
  }

  async #ask(objects: readonly ApiObject[], apiVersion: string, what: string): Promise<readonly unknown[]> {
    const { clientConfig, conversionReviewVersions = [] } = this.#definition.spec.conversion?.webhook ?? {}
    const version = conversionReviewVersions.find((each) => each === 'v1' || each === 'v1beta1')
    if (version === undefined || clientConfig === undefined) throw failure('no supported conversion review versions')
    const uid = this.#parts.random.uuid()
    const body = JSON.stringify({
      kind: 'ConversionReview',
      apiVersion: apiVersionOf({ group, version }),
      request: { uid, desiredAPIVersion: apiVersion, objects },
      response: { uid: '', convertedObjects: null, result: { metadata: {} } },
    })
    try {
      const text = await ask(this.#parts, clientConfig, { body, timeoutSeconds })
      return convertedObjects(readReview(text, version), uid, version)
    } catch (error) {
      throw failure(`conversion webhook for ${what} failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

/** The reference answers this with a 500 that has no reason. */
const failure = (message: string) => new ApiError('', message)

interface TypeText {
  readonly apiVersion: string
  readonly kind: string
}

function typeOf(object: unknown): TypeText {
  const { apiVersion, kind } = (object ?? {}) as Loose
  return { apiVersion: textOf(apiVersion), kind: textOf(kind) }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** How Go shows a group, version and kind. */
const typeText = ({ apiVersion, kind }: TypeText) => `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`

function readReview(text: string, version: string): Loose {
  const review = parsed(text)
  if (typeof review !== 'object' || review === null || Array.isArray(review)) {
    const found = review === null ? 'null' : Array.isArray(review) ? 'array' : typeof review
    const target =
      'Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
    throw new Error(`couldn't get version/kind; json parse error: json: cannot unmarshal ${found} into ${target}`)
  }
  // In v1beta1 nobody looked at it.
  const type = typeOf(review)
  const expected = { apiVersion: apiVersionOf({ group, version }), kind: 'ConversionReview' }
  if (version === 'v1' && !equalJson(type, expected)) {
    throw new Error(`expected webhook response of ${typeText(expected)}, got ${typeText(type)}`)
  }
  return review as Loose
}

/** @throws Error in the words of Go's decoder */
function parsed(text: string): unknown {
  try {
    return parseJson(Buffer.from(text)).value
  } catch (error) {
    if (!(error instanceof BodyError)) throw error
    throw new Error(`couldn't get version/kind; json parse error: ${error.message}`)
  }
}

function convertedObjects(review: Loose, uid: string, version: string): readonly unknown[] {
  const response = review['response'] as Loose | null | undefined
  if (typeof response !== 'object' || response === null) throw new Error('no response provided')
  if (version === 'v1' && response['uid'] !== uid) {
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(textOf(response['uid']))}`)
  }
  const { status, message } = (response['result'] ?? {}) as Loose
  if (status !== 'Success') {
    throw new Error(textOf(message) || `response.result.status was '${textOf(status)}', not 'Success'`)
  }
  const objects = response['convertedObjects']
  return Array.isArray(objects) ? objects : []
}

/** The answer for one object, with the metadata that it had, but for labels and annotations. `at`: from 1 on. */
function accepted(sent: ApiObject, answer: unknown, apiVersion: string, what: string, at: number): ApiObject {
  const invalid = (why: string) =>
    failure(`conversion for ${what} returned invalid converted object at index ${at}: ${why}`)
  const type = typeOf(answer)
  const expected = typeOf(sent)
  if (type.apiVersion !== apiVersion) {
    throw invalid(`invalid groupVersion (expected ${apiVersion}, received ${type.apiVersion})`)
  }
  if (type.kind !== expected.kind) throw invalid(`invalid kind (expected ${expected.kind}, received ${type.kind})`)
  const object = answer as ApiObject & Loose
  const metadata = (typeof object.metadata === 'object' && object.metadata !== null ? object.metadata : {}) as Loose
  for (const [field, label] of identity) {
    const [had, has] = [textOf((sent.metadata as Loose)[field]), textOf(metadata[field])]
    if (had !== has) throw invalid(`must have the same ${label}: ${had} != ${has}`)
  }
  const fault = metadataFault(sent, object)
  if (fault !== undefined) {
    throw failure(`conversion for ${what} returned invalid metadata in object at index ${at}: ${fault}`)
  }
  return { ...object, metadata: restored(sent.metadata as Loose, metadata) } as unknown as ApiObject
}

const identity = [
  ['name', 'name'],
  ['namespace', 'namespace'],
  ['uid', 'UID'],
] as const

const changeable = ['labels', 'annotations'] as const

function metadataFault(sent: ApiObject, { metadata }: { readonly metadata?: unknown }): string | undefined {
  if (metadata === undefined) return 'missing metadata in converted object'
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    return `invalid metadata of type ${goType(metadata)} in converted object`
  }
  for (const field of changeable) {
    const given = (metadata as Loose)[field]
    if (given === undefined || given === null) continue
    if (typeof given !== 'object' || Array.isArray(given)) {
      return `invalid metadata.${field} of type ${goType(given)} in converted object`
    }
    for (const [key, value] of Object.entries(given)) {
      if (typeof value !== 'string') {
        return `metadata.${field}[${key}] must be a string, but is ${goType(value)} in converted object`
      }
    }
    if (equalJson(given, sent.metadata[field] ?? {})) continue
    const errors = new FieldErrors()
    if (field === 'labels') validateLabels(given as Record<string, string>, 'metadata.labels', errors)
    else validateAnnotations(given as Record<string, string>, 'metadata.annotation', errors)
    const faults = errors.causes.map((cause) => `${cause.field}: ${cause.message}`)
    if (faults.length > 0) return faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`
  }
  return undefined
}

function goType(value: unknown): string {
  if (value === null) return '<nil>'
  if (Array.isArray(value)) return '[]interface {}'
  switch (typeof value) {
    case 'object':
      return 'map[string]interface {}'
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64'
    case 'boolean':
      return 'bool'
    default:
      return 'string'
  }
}

function restored(had: Loose, given: Loose): Loose {
  const metadata: Record<string, unknown> = { ...had }
  for (const field of changeable) {
    if (given[field] === undefined || given[field] === null) delete metadata[field]
    else metadata[field] = given[field]
  }
  return metadata
}
