import { isAbsolute } from 'node:path'
import { DurationError, parseDuration } from '../../base/duration.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import { type Fields, fieldsOf } from '../admission/configuration.ts'
import { fields as anyIn, type Shape, strictFault } from '../strict-fields.ts'
import { compileMatchConditions, type MatchConditions } from './match-conditions.ts'

/** A configuration of authorization that cannot be used. */
export class AuthorizationConfigError extends Error {}

export const plainModes = ['ABAC', 'AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC'] as const
export type PlainMode = (typeof plainModes)[number]

/** One authorizer, in the order in which they are asked. */
export type AuthorizerSettings =
  | { readonly type: PlainMode; readonly name: string }
  | { readonly type: 'Webhook'; readonly name: string; readonly webhook: WebhookSettings }

export interface WebhookSettings {
  readonly kubeConfigFile: string
  readonly version: string
  readonly timeoutMs: number
  readonly allowedForMs: number
  readonly refusedForMs: number
  readonly failurePolicy: 'Deny' | 'NoOpinion'
  readonly conditions?: MatchConditions
}

/**
 * Reads `--authorization-config`: an `AuthorizationConfiguration` of `apiserver.config.k8s.io`. Throws
 * `AuthorizationConfigError` with all faults.
 */
export function readAuthorizationConfiguration(text: string): readonly AuthorizerSettings[] {
  const file = fieldsOf(text)
  const { kind, apiVersion, authorizers } = file
  if (kind !== 'AuthorizationConfiguration' || !versions.has(apiVersion as string)) {
    throw new AuthorizationConfigError(`no kind "${kind ?? ''}" is registered for version "${apiVersion ?? ''}"`)
  }
  const fault = strictFault(file, shape)
  if (fault !== undefined) throw new AuthorizationConfigError(fault)
  const errors = new FieldErrors()
  const list = Array.isArray(authorizers) ? (authorizers as readonly Fields[]) : []
  if (list.length === 0) errors.required('authorizers', 'at least one authorization mode must be defined')
  const names = new Set<string>()
  const types = new Set<string>()
  const settings = list.flatMap((fields, index): AuthorizerSettings[] => {
    const path = `authorizers[${index}]`
    const type = textOf(fields, 'type')
    const name = textOf(fields, 'name')
    checkName(name, names, `${path}.name`, errors)
    if (type === '') errors.required(`${path}.type`, '')
    else if (type !== 'Webhook' && !isPlain(type))
      errors.notSupported(`${path}.type`, type, [...plainModes, 'Webhook'].sort())
    if (type !== 'Webhook' && types.has(type)) errors.duplicate(`${path}.type`, type)
    types.add(type)
    const webhook = fields['webhook'] as Fields | undefined
    if (type === 'Webhook') {
      if (webhook) return [{ type, name, webhook: webhookSettings(webhook, `${path}.webhook`, errors) }]
      errors.required(`${path}.webhook`, 'required when type=Webhook')
      return []
    }
    if (webhook) errors.invalid(`${path}.webhook`, 'non-null', 'may only be specified when type=Webhook')
    return isPlain(type) ? [{ type, name }] : []
  })
  throwFaults(errors)
  return settings
}

const versions: ReadonlySet<string> = new Set([
  'apiserver.config.k8s.io/v1',
  'apiserver.config.k8s.io/v1beta1',
  'apiserver.config.k8s.io/v1alpha1',
])

const shape: Shape = {
  ...anyIn('kind apiVersion'),
  authorizers: [
    {
      ...anyIn('type name'),
      webhook: {
        ...anyIn('authorizedTTL cacheAuthorizedRequests unauthorizedTTL cacheUnauthorizedRequests timeout'),
        ...anyIn('subjectAccessReviewVersion matchConditionSubjectAccessReviewVersion failurePolicy'),
        connectionInfo: anyIn('type kubeConfigFile'),
        matchConditions: [anyIn('expression')],
      },
    },
  ],
}

export const isPlain = (type: string): type is PlainMode => (plainModes as readonly string[]).includes(type)

const textOf = (fields: Fields, name: string): string => {
  const value = fields[name]
  return typeof value === 'string' ? value : ''
}

function checkName(name: string, seen: Set<string>, path: string, errors: FieldErrors): void {
  if (name === '') return errors.required(path, '')
  if (seen.has(name)) errors.duplicate(path, name)
  seen.add(name)
  for (const fault of dnsSubdomainFaults(name)) errors.invalid(path, name, fault)
}

const longestTimeoutMs = 30_000

function webhookSettings(fields: Fields, path: string, errors: FieldErrors): WebhookSettings {
  const duration = (name: string, usual?: string) => durationOf(fields, name, usual, `${path}.${name}`, errors)
  const oneOf = (name: string, supported: readonly string[]) => {
    const value = textOf(fields, name)
    if (value === '') errors.required(`${path}.${name}`, '')
    else if (!supported.includes(value)) errors.notSupported(`${path}.${name}`, value, supported)
    return value
  }
  const timeoutMs = duration('timeout')
  if (timeoutMs > longestTimeoutMs || timeoutMs < 0) {
    errors.invalid(`${path}.timeout`, textOf(fields, 'timeout'), 'must be > 0s and <= 30s')
  }
  const conditions = (fields['matchConditions'] ?? []) as readonly Fields[]
  if (conditions.length > 0 && textOf(fields, 'matchConditionSubjectAccessReviewVersion') === '') {
    const why = 'required if match conditions are specified'
    errors.required(`${path}.matchConditionSubjectAccessReviewVersion`, why)
  }
  const compiled = compileMatchConditions(conditions, `${path}.matchConditions`, errors)
  const keeps = (name: string) => fields[name] !== false
  return {
    kubeConfigFile: kubeConfigFile((fields['connectionInfo'] ?? {}) as Fields, `${path}.connectionInfo`, errors),
    version: oneOf('subjectAccessReviewVersion', ['v1', 'v1beta1']),
    timeoutMs,
    allowedForMs: keeps('cacheAuthorizedRequests') ? duration('authorizedTTL', '5m') : 0,
    refusedForMs: keeps('cacheUnauthorizedRequests') ? duration('unauthorizedTTL', '30s') : 0,
    failurePolicy: oneOf('failurePolicy', ['Deny', 'NoOpinion']) as 'Deny' | 'NoOpinion',
    ...(compiled && { conditions: compiled }),
  }
}

function kubeConfigFile(fields: Fields, path: string, errors: FieldErrors): string {
  const type = textOf(fields, 'type')
  if (type === '') errors.required(`${path}.type`, '')
  else if (type !== 'KubeConfigFile') errors.notSupported(`${path}.type`, type, ['KubeConfigFile'])
  const file = textOf(fields, 'kubeConfigFile')
  if (file === '') errors.required(`${path}.kubeConfigFile`, '')
  else if (!isAbsolute(file)) errors.invalid(`${path}.kubeConfigFile`, file, 'must be an absolute path')
  return file
}

function durationOf(
  fields: Fields,
  name: string,
  usual: string | undefined,
  path: string,
  errors: FieldErrors,
): number {
  const text = textOf(fields, name) || usual
  if (text === undefined) {
    errors.required(path, '')
    return 0
  }
  try {
    const ms = parseDuration(text)
    if (ms <= 0) errors.invalid(path, text, 'must be > 0s')
    return ms
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    errors.invalid(path, text, error.message)
    return 0
  }
}

/** Throws what was found, one fault a line as the reference lists them. */
export function throwFaults(errors: FieldErrors): void {
  if (errors.length === 0) return
  const lines = errors.causes.map(({ field, message }) => `${field}: ${message}`)
  throw new AuthorizationConfigError(lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`)
}
