import type { FieldValidation } from '../schema/decode.ts'
import { FieldErrors } from '../schema/field-errors.ts'
import { badRequest } from '../schema/status.ts'
import type { RequestContext, UserInfo } from './context.ts'
import type { Exchange } from './exchange.ts'
import type { Query } from './query.ts'
import type { ApiRequest } from './request.ts'
import type { ListOptions } from './resource.ts'

/** What the query of a write may say, checked in the reference's order and words (`CreateOptions` and its sisters). */
export type WriteOptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions'

/** The context of a write. Throws Invalid (422) when the query says something that it may not. */
export function writeContext(exchange: Exchange, kind: WriteOptionsKind, applies = false): RequestContext {
  const { query } = exchange.info
  if (query.isEmpty && !applies) return contextOf(exchange, false, '', 'Warn')
  const errors = new FieldErrors()
  const manager = query.get('fieldManager') ?? ''
  const validation = query.get('fieldValidation') ?? ''
  if (kind === 'PatchOptions') checkForce(query, applies, errors)
  checkFieldManager(manager, errors)
  const dryRun = checkDryRun(query.all('dryRun'), errors)
  if (!isFieldValidation(validation)) {
    errors.notSupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn'])
  }
  if (errors.length > 0) throw errors.toError({ group: 'meta.k8s.io', kind }, '')
  return contextOf(exchange, dryRun, manager, (validation || 'Warn') as FieldValidation)
}

/** The context of a request whose query has nothing of the sort: a delete, a connection. */
export function contextOf(
  exchange: Exchange,
  dryRun: boolean,
  fieldManager: string,
  fieldValidation: FieldValidation,
): RequestContext {
  return new ClientContext(exchange, dryRun, fieldManager, fieldValidation)
}

class ClientContext implements RequestContext {
  readonly user: UserInfo
  readonly dryRun: boolean
  readonly fieldManager: string
  readonly userAgent: string
  readonly fieldValidation: FieldValidation
  readonly warn: (message: string) => void
  readonly annotate: ((key: string, value: string) => void) | undefined
  readonly #request: ApiRequest

  constructor(
    { request, info, user, warnings, audit }: Exchange,
    dryRun: boolean,
    fieldManager: string,
    fieldValidation: FieldValidation,
  ) {
    this.user = user
    this.dryRun = dryRun
    this.userAgent = request.headers['user-agent'] ?? ''
    this.fieldManager = fieldManager || info.query.get('fieldManager') || managerOf(this.userAgent)
    this.fieldValidation = fieldValidation
    this.warn = (message) => void warnings.push(message)
    this.annotate = audit && ((key, value) => audit.annotate(key, value))
    this.#request = request
  }

  get signal(): AbortSignal {
    return this.#request.signal
  }
}

/** The program's name in a user agent, as far as it can be shown. */
function managerOf(userAgent: string): string {
  const slash = userAgent.indexOf('/')
  const name = slash < 0 ? userAgent : userAgent.slice(0, slash)
  return /^[\x20-\x7e]*$/.test(name) && name.length <= 128 ? name : name.replace(/\P{L}/gu, '').slice(0, 128)
}

function checkForce(query: Query, applies: boolean, errors: FieldErrors): void {
  if (applies && (query.get('fieldManager') ?? '') === '') {
    errors.required('fieldManager', 'is required for apply patch')
  }
  if (!applies && query.has('force')) errors.forbidden('force', 'may not be specified for non-apply patch')
}

function checkFieldManager(manager: string, errors: FieldErrors): void {
  if (Buffer.byteLength(manager) > 128) errors.tooLong('fieldManager', 128)
  let at = 0
  for (const char of manager) {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char)) {
      const code = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
      errors.invalid('fieldManager', manager, `invalid character U+${code} (at position ${at})`)
    }
    at += Buffer.byteLength(char)
  }
}

/** Gives whether it is a dry run. */
export function checkDryRun(values: readonly string[], errors: FieldErrors): boolean {
  if (values.some((value) => value !== 'All')) errors.notSupported('dryRun', [...new Set(values)].sort(), ['All'])
  return values.length > 0
}

const isFieldValidation = (value: string) =>
  value === '' || value === 'Ignore' || value === 'Strict' || value === 'Warn'

/** `force` of an apply patch, and other flags: everything but `false` and `0` sets them. */
export function flagOf(query: Query, name: string): boolean | undefined {
  const value = query.get(name)
  return value === undefined ? undefined : value !== '0' && value.toLowerCase() !== 'false'
}

/** A whole number of 64 bits in the query, as `strconv.ParseInt` reads it. Throws BadRequest. */
export function integerOf(query: Query, name: string): number | undefined {
  const text = query.get(name)
  if (text === undefined) return undefined
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  const value = BigInt(text)
  if (value > 0x7fff_ffff_ffff_ffffn || value < -0x8000_0000_0000_0000n) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`)
  }
  return Number(value)
}

export interface ReadOptions extends ListOptions {
  readonly timeoutSeconds?: number
  readonly allowWatchBookmarks?: boolean
  readonly sendInitialEvents?: boolean
}

const noOptions: ReadOptions = {}

/** What the query of a list, watch or deletecollection says. Throws BadRequest and Invalid in the reference's words. */
export function readOptions({ info }: Exchange, watch: boolean): ReadOptions {
  const { query } = info
  if (query.isEmpty && !info.named) return noOptions
  const options: ReadOptions = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: info.named
      ? selectName(query.get('fieldSelector') ?? '', info.name)
      : (query.get('fieldSelector') ?? ''),
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    timeoutSeconds: integerOf(query, 'timeoutSeconds'),
    limit: integerOf(query, 'limit') ?? 0,
    continue: query.get('continue') ?? '',
    allowWatchBookmarks: flagOf(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: flagOf(query, 'sendInitialEvents'),
  }
  const errors = new FieldErrors()
  if (watch) checkWatch(options, errors)
  else checkList(options, errors)
  if (errors.length > 0) throw errors.toError({ group: 'meta.k8s.io', kind: 'ListOptions' }, '')
  return options
}

/** The old watch paths name one object; a selector beside the name must mean the same. */
function selectName(selector: string, name: string): string {
  const wanted = `metadata.name=${name}`
  if (selector === '' || selector.split(',').includes(wanted)) return selector === '' ? wanted : selector
  throw badRequest("fieldSelector metadata.name doesn't match requested name")
}

const matchField = 'resourceVersionMatch'

function checkList(options: ReadOptions, errors: FieldErrors): void {
  const match = options.resourceVersionMatch ?? ''
  if (match !== '') {
    if (options.resourceVersion === '') {
      errors.forbidden(matchField, 'resourceVersionMatch is forbidden unless resourceVersion is provided')
    }
    if (options.continue !== '') {
      errors.forbidden(matchField, 'resourceVersionMatch is forbidden when continue is provided')
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.notSupported(matchField, match, ['Exact', 'NotOlderThan', ''])
    }
    if (match === 'Exact' && options.resourceVersion === '0') {
      errors.forbidden(matchField, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list')
  }
}

function checkWatch(options: ReadOptions, errors: FieldErrors): void {
  const match = options.resourceVersionMatch ?? ''
  if (options.sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    errors.forbidden(matchField, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
  }
  if (match === '') return
  if (options.sendInitialEvents === undefined) {
    errors.forbidden(matchField, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')
  }
  if (match !== 'NotOlderThan') errors.notSupported(matchField, match, ['NotOlderThan'])
  if (options.continue !== '') {
    errors.forbidden(matchField, 'resourceVersionMatch is forbidden when continue is provided')
  }
}
