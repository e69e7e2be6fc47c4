import {
  CelCompileError,
  type CelType,
  celTypes,
  compile,
  formatType,
  type Program,
  toJson,
} from '../../../cel/index.ts'
import type { FieldErrors } from '../../../schema/field-errors.ts'
import type { UserInfo } from '../../context.ts'
import type { ClaimOrExpression, JwtConfiguration, PrefixedClaim } from './configuration.ts'

/** A token whose claims are not what they must be. The message is for `TokenReview`; nobody else sees it. */
export class ClaimsError extends Error {}

export type Claims = Readonly<Record<string, unknown>>

/** Finds the user in the claims of a verified token. */
export interface CompiledClaims {
  /** Throws `ClaimsError` when a rule refuses them. */
  userOf(claims: Claims): UserInfo
}

const { bool, dyn, field, listOf, mapOf, objectType, string } = celTypes

const claimsScope = { claims: mapOf(string, dyn) }
const userScope = {
  user: objectType('kubernetes.UserInfo', {
    username: field(string),
    uid: field(string),
    groups: field(listOf(string)),
    extra: field(mapOf(string, listOf(string))),
  }),
}

/** All expressions over claims, that of the name apart. */
export function expressionsOf({ claimMappings, claimValidationRules = [] }: JwtConfiguration): {
  readonly username: string
  readonly others: readonly string[]
} {
  const { username, extra = [] } = claimMappings ?? {}
  const others = [
    ...extra.map(({ valueExpression }) => valueExpression),
    ...claimValidationRules.map(({ expression }) => expression ?? ''),
  ]
  return { username: username?.expression ?? '', others }
}

/** Compiles every expression; what does not compile goes into `errors`. */
export function compileClaims(configuration: JwtConfiguration, path: string, errors: FieldErrors): CompiledClaims {
  const { claimMappings, claimValidationRules = [], userValidationRules = [] } = configuration
  const { username = {}, groups = {}, uid = {}, extra = [] } = claimMappings ?? {}
  const over = (expression: string | undefined, at: string, wanted: Wanted): Program | undefined =>
    expression ? compiled(expression, claimsScope, wanted, `${path}.${at}`, errors) : undefined

  const usernameProgram = over(username.expression, 'claimMappings.username.expression', 'string')
  const groupsProgram = over(groups.expression, 'claimMappings.groups.expression', 'strings')
  const uidProgram = over(uid.expression, 'claimMappings.uid.expression', 'string')
  const extraPrograms = extra.map(({ key, valueExpression }, index) => ({
    key,
    program: over(valueExpression, `claimMappings.extra[${index}].valueExpression`, 'strings'),
  }))
  const rules = claimValidationRules.map((rule, index) => ({
    rule,
    program: over(rule.expression, `claimValidationRules[${index}].expression`, 'bool'),
  }))
  const userRules = userValidationRules.map((rule, index) => ({
    rule,
    program: rule.expression
      ? compiled(rule.expression, userScope, 'bool', `${path}.userValidationRules[${index}].expression`, errors)
      : undefined,
  }))

  function checkClaims(claims: Claims): void {
    for (const { rule, program } of rules) {
      if (program) requireTrue(program, { claims }, rule)
      else requireClaim(claims, rule.claim ?? '', rule.requiredValue ?? '')
    }
  }

  return {
    userOf(claims) {
      const name = usernameProgram
        ? textOf(evaluated(usernameProgram, { claims }), 'claimMappings.username.expression')
        : nameOfClaim(claims, username)
      if (name === '') throw new ClaimsError('oidc: empty username')
      const groupNames = groupsProgram
        ? textsOf(evaluated(groupsProgram, { claims }), 'claimMappings.groups.expression')
        : groupsOfClaim(claims, groups)
      const uidText = uidProgram
        ? textOf(evaluated(uidProgram, { claims }), 'claimMappings.uid.expression')
        : uidOfClaim(claims, uid)
      const extraValues: Record<string, readonly string[]> = {}
      for (const { key, program } of extraPrograms) {
        const values = program ? textsOf(evaluated(program, { claims }), 'claimMappings.extra') : []
        if (values.length > 0) extraValues[key] = values
      }
      checkClaims(claims)
      const user = { name, uid: uidText, groups: groupNames, extra: extraValues }
      const shown = { username: name, uid: uidText, groups: groupNames, extra: extraValues }
      for (const { rule, program } of userRules) if (program) requireTrue(program, { user: shown }, rule)
      return user
    },
  }
}

type Wanted = 'string' | 'strings' | 'bool'

function compiled(
  expression: string,
  variables: Readonly<Record<string, CelType>>,
  wanted: Wanted,
  path: string,
  errors: FieldErrors,
): Program | undefined {
  try {
    const program = compile(expression, { variables })
    if (gives(program.resultType, wanted)) return program
    const words = { string: 'string', strings: 'string or list of string', bool: 'bool' }[wanted]
    errors.invalid(path, expression, `compilation failed: must evaluate to ${words}`)
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error
    errors.invalid(path, expression, `compilation failed: ${error.message}`)
  }
  return undefined
}

function gives(type: CelType, wanted: Wanted): boolean {
  if (type.kind === 'dyn') return true
  const shown = formatType(type)
  if (wanted === 'bool') return shown === formatType(bool)
  if (shown === 'string') return true
  return (
    wanted === 'strings' &&
    (type.kind === 'null' || (type.kind === 'list' && ['string', 'dyn'].includes(formatType(type.element))))
  )
}

function evaluated(program: Program, bindings: Readonly<Record<string, unknown>>): unknown {
  try {
    return toJson(program.evaluate(bindings).value)
  } catch (error) {
    throw new ClaimsError(`oidc: expression '${program.source}' resulted in error: ${(error as Error).message}`)
  }
}

function requireTrue(
  program: Program,
  bindings: Readonly<Record<string, unknown>>,
  { expression = '', message = '' }: { readonly expression?: string; readonly message?: string },
): void {
  if (evaluated(program, bindings) === true) return
  const why = message === '' ? '' : `: ${message}`
  throw new ClaimsError(
    `oidc: error evaluating claim validation expression: validation expression '${expression}' failed${why}`,
  )
}

function requireClaim(claims: Claims, claim: string, requiredValue: string): void {
  if (!Object.hasOwn(claims, claim)) throw new ClaimsError(`oidc: required claim ${claim} not present in ID token`)
  const value = claims[claim]
  if (typeof value !== 'string') throw new ClaimsError(`oidc: parse claim ${claim}: it is no string`)
  if (value === requiredValue) return
  throw new ClaimsError(`oidc: required claim ${claim} value does not match. Got = ${value}, want = ${requiredValue}`)
}

function nameOfClaim(claims: Claims, { claim = '', prefix = '' }: PrefixedClaim): string {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  if (typeof value !== 'string')
    throw new ClaimsError(`oidc: parse username claims ${JSON.stringify(claim)}: claim not present`)
  if (claim === 'email') {
    const verified = claims['email_verified']
    // Where it is not said, it is taken to be checked.
    if (verified !== undefined && verified !== true) throw new ClaimsError('oidc: email not verified')
  }
  return value === '' ? '' : `${prefix}${value}`
}

function groupsOfClaim(claims: Claims, { claim, prefix = '' }: PrefixedClaim): readonly string[] {
  if (!claim || !Object.hasOwn(claims, claim) || claims[claim] === null) return []
  return textsOf(claims[claim], `groups claim ${JSON.stringify(claim)}`).map((group) => `${prefix}${group}`)
}

function uidOfClaim(claims: Claims, { claim }: ClaimOrExpression): string {
  if (!claim) return ''
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  if (typeof value !== 'string')
    throw new ClaimsError(`oidc: parse uid claims ${JSON.stringify(claim)}: claim not present`)
  return value
}

function textOf(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  throw new ClaimsError(`oidc: error evaluating ${what}: it gives no string`)
}

/** A text, a list of texts, or nothing at all. */
function textsOf(value: unknown, what: string): readonly string[] {
  if (value === null || value === undefined || value === '') return []
  if (typeof value === 'string') return [value]
  if (Array.isArray(value) && value.every((item) => typeof item === 'string'))
    return value.filter((item) => item !== '')
  throw new ClaimsError(`oidc: error evaluating ${what}: it gives neither a string nor a list of strings`)
}
