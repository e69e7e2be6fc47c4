import { BodyError, parseYaml } from '../../schema/json.ts'
import { badRequest } from '../../schema/status.ts'
import { bodyLimit } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { negotiate, objectOffer } from '../negotiate.ts'
import { flagOf, writeContext } from '../options.ts'
import type { ApiResponse } from '../request.ts'
import type { Resource } from '../resource.ts'
import { answerEntry } from './read.ts'
import type { ObjectServices, Target } from './services.ts'

/** PATCH with `application/apply-patch+yaml`: server-side apply (KEP-555). */
export async function applyObject(exchange: Exchange, services: ObjectServices, target: Target): Promise<ApiResponse> {
  const accepted = negotiate(exchange.request.headers['accept'], objectOffer)
  const { entry, created } = await applyBody(exchange, target.resource)
  return answerEntry(exchange, services, target, created ? 201 : 200, entry, accepted)
}

/** Applies what the body says to the object that the path names. */
export async function applyBody(exchange: Exchange, resource: Resource): ReturnType<Resource['apply']> {
  const { info, request } = exchange
  const bytes = await request.body(bodyLimit)
  const context = writeContext(exchange, 'PatchOptions', true)
  const { value, problems } = parseConfiguration(bytes, context.fieldValidation !== 'Ignore')
  const options = { force: flagOf(info.query, 'force') ?? false, problems }
  return resource.apply(info.namespace, info.name, info.subresource, value, options, context)
}

/** Throws BadRequest for what is no YAML. */
function parseConfiguration(bytes: Buffer, findDuplicates: boolean) {
  try {
    const body = parseYaml(bytes, { findDuplicates })
    if (
      body.value !== null &&
      body.value !== undefined &&
      (typeof body.value !== 'object' || Array.isArray(body.value))
    ) {
      throw badRequest('error decoding YAML: json: cannot unmarshal into Go value of type map[string]interface {}')
    }
    return body
  } catch (error) {
    if (!(error instanceof BodyError)) throw error
    throw badRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`)
  }
}
