import { DeleteOptions as deleteOptionsType } from '../../kinds/meta/delete-options.ts'
import { DecodeError, decode } from '../../schema/decode.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import { type Body, BodyError, parseJson, parseYaml, typeMetaOf } from '../../schema/json.ts'
import type { Kind } from '../../schema/kind.ts'
import { badRequest } from '../../schema/status.ts'
import { type BodyFormat, bodyFormat, bodyLimit } from '../body.ts'
import type { RequestContext } from '../context.ts'
import type { Exchange } from '../exchange.ts'
import { negotiate, objectOffer } from '../negotiate.ts'
import { checkDryRun, contextOf, flagOf, integerOf, readOptions } from '../options.ts'
import { parseProtobuf } from '../protobuf-body.ts'
import type { ApiResponse } from '../request.ts'
import type { DeleteOptions } from '../resource.ts'
import { answerObject } from '../respond.ts'
import { answerEntry, answerPage } from './read.ts'
import type { ObjectServices, Target } from './services.ts'

/** DELETE of one object. */
export async function deleteObject(exchange: Exchange, services: ObjectServices, target: Target): Promise<ApiResponse> {
  const { info, request } = exchange
  const accepted = negotiate(request.headers['accept'], objectOffer)
  const { options, context } = await readDeleteOptions(exchange)
  const deletion = await target.resource.delete(info.namespace, info.name, options, context)
  if (deletion.answersObject) {
    // The reference says "accepted" only to clients that asked for dependents to go first in the old way.
    const status = !deletion.gone && options.orphanDependents === false ? 202 : 200
    return answerEntry(exchange, services, target, status, deletion.entry, accepted)
  }
  const status = deletedStatus(target.kind, info.name, deletion.entry.object.metadata.uid)
  return answerObject(exchange, 200, status, accepted)
}

function deletedStatus({ group, plural }: Kind, name: string, uid: string | undefined): object {
  const details = { name, ...(group !== '' && { group }), kind: plural, ...(uid !== undefined && { uid }) }
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
}

/** DELETE of a collection: answers with what was deleted. */
export async function deleteObjects(
  exchange: Exchange,
  services: ObjectServices,
  target: Target,
): Promise<ApiResponse> {
  const accepted = negotiate(exchange.request.headers['accept'], objectOffer)
  const list = readOptions(exchange, false)
  const { options, context } = await readDeleteOptions(exchange)
  const page = await target.resource.deleteCollection(exchange.info.namespace, list, options, context)
  return answerPage(exchange, services, target, page, accepted)
}

type SentOptions = Readonly<Record<string, unknown>> & {
  readonly dryRun?: readonly string[]
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: string
  readonly orphanDependents?: boolean
  readonly preconditions?: DeleteOptions['preconditions']
}

/** The options of a delete, from the body or else from the query. Throws BadRequest and Invalid. */
export async function readDeleteOptions(
  exchange: Exchange,
): Promise<{ readonly options: DeleteOptions; readonly context: RequestContext }> {
  const bytes = await exchange.request.body(bodyLimit)
  const sent = bytes.length > 0 ? bodyOptions(exchange, bytes) : queryOptions(exchange)
  const errors = new FieldErrors()
  checkPropagation(sent, errors)
  const dryRun = checkDryRun(sent.dryRun ?? [], errors)
  if (errors.length > 0) throw errors.toError({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '')
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions } = sent
  const options: DeleteOptions = {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagationPolicy !== undefined && {
      propagationPolicy: propagationPolicy as NonNullable<DeleteOptions['propagationPolicy']>,
    }),
    ...(orphanDependents !== undefined && { orphanDependents }),
    ...(preconditions !== undefined && { preconditions }),
  }
  return { options, context: contextOf(exchange, dryRun, '', 'Ignore') }
}

const scheme = 'k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27'

function parseBody(bytes: Buffer, format: BodyFormat): Body {
  if (format === 'protobuf') return parseProtobuf(bytes, deleteOptionsType)
  return format === 'yaml' ? parseYaml(bytes) : parseJson(bytes)
}

function bodyOptions({ request }: Exchange, bytes: Buffer): SentOptions {
  const format = bodyFormat(request, ['json', 'yaml', 'protobuf'])
  try {
    const { value } = parseBody(bytes, format)
    const { apiVersion, kind } = typeMetaOf(value)
    if (kind !== '' && kind !== 'DeleteOptions') {
      throw badRequest(`no kind "${kind}" is registered for version "${apiVersion || 'v1'}" in scheme "${scheme}"`)
    }
    return decode(deleteOptionsType, value).object as SentOptions
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(error.message)
    if (!(error instanceof BodyError)) throw error
    const prefix = "couldn't get version/kind; json parse error: "
    const isWhole = format === 'yaml' || error.message.startsWith(prefix)
    throw badRequest(isWhole ? error.message : prefix + error.message)
  }
}

function queryOptions({ info }: Exchange): SentOptions {
  const { query } = info
  if (query.isEmpty) return {}
  const gracePeriodSeconds = integerOf(query, 'gracePeriodSeconds')
  const propagationPolicy = query.get('propagationPolicy')
  const orphanDependents = flagOf(query, 'orphanDependents')
  return {
    dryRun: query.all('dryRun'),
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagationPolicy !== undefined && { propagationPolicy }),
    ...(orphanDependents !== undefined && { orphanDependents }),
  }
}

const policies = ['Foreground', 'Background', 'Orphan']

function checkPropagation({ propagationPolicy, orphanDependents }: SentOptions, errors: FieldErrors): void {
  if (propagationPolicy === undefined) return
  if (orphanDependents !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set'
    errors.invalid('propagationPolicy', propagationPolicy, why)
  }
  if (!policies.includes(propagationPolicy)) {
    errors.notSupported('propagationPolicy', propagationPolicy, [...policies, 'nil'])
  }
}
