import { X509Certificate } from 'node:crypto'
import type { FieldErrors } from '../../../schema/field-errors.ts'
import { domainPrefixedPathFaults } from '../../../schema/names.ts'
import { type CompiledClaims, compileClaims, expressionsOf } from './claims.ts'

/** One issuer of tokens, and what its claims mean here (`JWTAuthenticator` of `apiserver.config.k8s.io/v1`). */
export interface JwtConfiguration {
  readonly issuer: {
    readonly url: string
    readonly discoveryURL?: string
    readonly certificateAuthority?: string
    readonly audiences: readonly string[]
    readonly audienceMatchPolicy?: string
  }
  readonly claimValidationRules?: readonly ClaimRule[]
  readonly claimMappings: {
    readonly username: PrefixedClaim
    readonly groups?: PrefixedClaim
    readonly uid?: ClaimOrExpression
    readonly extra?: readonly { readonly key: string; readonly valueExpression: string }[]
  }
  readonly userValidationRules?: readonly { readonly expression: string; readonly message?: string }[]
}

export interface ClaimRule {
  readonly claim?: string
  readonly requiredValue?: string
  readonly expression?: string
  readonly message?: string
}

export interface ClaimOrExpression {
  readonly claim?: string
  readonly expression?: string
}

export interface PrefixedClaim extends ClaimOrExpression {
  readonly prefix?: string
}

/** An issuer whose configuration holds, with its expressions compiled. */
export interface JwtIssuer {
  readonly configuration: JwtConfiguration
  readonly claims: CompiledClaims
  /** By which its tokens may be signed. Absent: by any that is known. */
  readonly algorithms?: readonly string[]
}

/**
 * Checks and compiles all issuers; what is wrong goes into `errors`. Issuers in `ownIssuers` are the server's own: their
 * tokens are service accounts', and nobody else may say what they mean.
 */
export function compileIssuers(
  jwt: readonly JwtConfiguration[],
  ownIssuers: readonly string[],
  errors: FieldErrors,
): readonly JwtIssuer[] {
  if (jwt.length > 64) errors.tooMany('jwt', jwt.length, 64)
  const urls = new Set<string>()
  return jwt.map((configuration, index) => {
    const path = `jwt[${index}]`
    checkIssuer(configuration.issuer ?? {}, `${path}.issuer`, ownIssuers, errors)
    const { url } = configuration.issuer ?? {}
    if (url && urls.has(url)) errors.duplicate(`${path}.issuer.url`, url)
    if (url) urls.add(url)
    checkRules(configuration, path, errors)
    checkMappings(configuration, `${path}.claimMappings`, errors)
    return { configuration, claims: compileClaims(configuration, path, errors) }
  })
}

function checkIssuer(
  issuer: Partial<JwtConfiguration['issuer']>,
  path: string,
  ownIssuers: readonly string[],
  errors: FieldErrors,
): void {
  const { url = '', discoveryURL, audiences = [], audienceMatchPolicy = '', certificateAuthority } = issuer
  if (url === '') errors.required(`${path}.url`, 'URL is required')
  else checkUrl(url, `${path}.url`, errors)
  if (ownIssuers.includes(url)) {
    errors.invalid(`${path}.url`, url, `URL must not overlap with disallowed issuers: [${ownIssuers.join(' ')}]`)
  }
  if (discoveryURL) {
    if (trimmed(discoveryURL) === trimmed(url)) {
      errors.invalid(`${path}.discoveryURL`, discoveryURL, 'discoveryURL must be different from URL')
    }
    checkUrl(discoveryURL, `${path}.discoveryURL`, errors)
  }
  if (audiences.length === 0) errors.required(`${path}.audiences`, `at least one ${path}.audiences is required`)
  const seen = new Set<string>()
  audiences.forEach((audience, index) => {
    if (audience === '') errors.required(`${path}.audiences[${index}]`, "audience can't be empty")
    if (seen.has(audience)) errors.duplicate(`${path}.audiences[${index}]`, audience)
    seen.add(audience)
  })
  if (audiences.length > 1 && audienceMatchPolicy !== 'MatchAny') {
    const why = 'audienceMatchPolicy must be MatchAny for multiple audiences'
    errors.invalid(`${path}.audienceMatchPolicy`, audienceMatchPolicy, why)
  }
  if (audiences.length === 1 && audienceMatchPolicy !== '' && audienceMatchPolicy !== 'MatchAny') {
    const why = 'audienceMatchPolicy must be empty or MatchAny for single audience'
    errors.invalid(`${path}.audienceMatchPolicy`, audienceMatchPolicy, why)
  }
  if (certificateAuthority && !isCertificate(certificateAuthority)) {
    const why = 'data does not contain any valid RSA or ECDSA certificates'
    errors.invalid(`${path}.certificateAuthority`, '<omitted>', why)
  }
}

const trimmed = (url: string) => url.replace(/\/$/, '')

function checkUrl(text: string, path: string, errors: FieldErrors): void {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    errors.invalid(path, text, `parse ${JSON.stringify(text)}: invalid URI for request`)
    return
  }
  if (url.protocol !== 'https:') errors.invalid(path, text, 'URL scheme must be https')
  if (url.username !== '' || url.password !== '') {
    errors.invalid(path, text, 'URL must not contain a username or password')
  }
  if (url.search !== '') errors.invalid(path, text, 'URL must not contain a query')
  if (url.hash !== '') errors.invalid(path, text, 'URL must not contain a fragment')
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

function checkRules(
  { claimValidationRules = [], userValidationRules = [] }: JwtConfiguration,
  path: string,
  errors: FieldErrors,
): void {
  const seenClaims = new Set<string>()
  claimValidationRules.forEach(({ claim = '', requiredValue = '', expression = '', message = '' }, index) => {
    const at = `${path}.claimValidationRules[${index}]`
    if (claim !== '' && expression !== '') errors.invalid(at, claim, "claim and expression can't both be set")
    else if (claim === '' && expression === '') errors.required(at, 'claim or expression is required')
    else if (claim !== '') {
      if (message !== '') errors.invalid(`${at}.message`, message, "message can't be set when claim is set")
      if (seenClaims.has(claim)) errors.duplicate(`${at}.claim`, claim)
      seenClaims.add(claim)
    } else if (requiredValue !== '') {
      errors.invalid(`${at}.requiredValue`, requiredValue, "requiredValue can't be set when expression is set")
    }
  })
  const seen = new Set<string>()
  userValidationRules.forEach(({ expression = '' }, index) => {
    const at = `${path}.userValidationRules[${index}].expression`
    if (expression === '') errors.required(at, 'expression is required')
    else if (seen.has(expression)) errors.duplicate(at, expression)
    seen.add(expression)
  })
}

function checkMappings(configuration: JwtConfiguration, path: string, errors: FieldErrors): void {
  const { username = {}, groups = {}, uid = {}, extra = [] } = configuration.claimMappings ?? {}
  if (!username.claim && !username.expression) errors.required(`${path}.username`, 'claim or expression is required')
  checkPrefixed(username, `${path}.username`, errors)
  checkPrefixed(groups, `${path}.groups`, errors)
  if (uid.claim && uid.expression) errors.invalid(`${path}.uid`, '', "claim and expression can't both be set")
  const keys = new Set<string>()
  extra.forEach(({ key = '', valueExpression = '' }, index) => {
    const at = `${path}.extra[${index}]`
    checkExtraKey(key, `${at}.key`, errors)
    if (keys.has(key)) errors.duplicate(`${at}.key`, key)
    keys.add(key)
    if (valueExpression === '') errors.required(`${at}.valueExpression`, 'valueExpression is required')
  })
  checkEmailVerified(configuration, path, errors)
}

function checkPrefixed({ claim, expression, prefix }: PrefixedClaim, path: string, errors: FieldErrors): void {
  if (claim && expression) errors.invalid(path, '', "claim and expression can't both be set")
  if (claim && prefix === undefined) {
    const why = 'prefix is required when claim is set. It can be set to an empty string to disable prefixing'
    errors.required(`${path}.prefix`, why)
  }
  if (expression && prefix !== undefined) {
    errors.invalid(`${path}.prefix`, prefix, "prefix can't be set when expression is set")
  }
}

function checkExtraKey(key: string, path: string, errors: FieldErrors): void {
  if (key === '') return errors.required(path, 'key is required')
  for (const { part, fault } of domainPrefixedPathFaults(key)) errors.invalid(path, part, fault)
  if (key !== key.toLowerCase()) errors.invalid(path, key, 'key must be lowercase')
  const domain = key.split('/')[0]!
  for (const reserved of ['k8s.io', 'kubernetes.io']) {
    if (domain === reserved || domain.endsWith(`.${reserved}`)) {
      errors.invalid(path, key, `${reserved} domain is reserved for Kubernetes use`)
    }
  }
}

/** Whoever takes an address for a name must see whether it is the user's own. */
function checkEmailVerified(configuration: JwtConfiguration, path: string, errors: FieldErrors): void {
  const { username, others } = expressionsOf(configuration)
  if (!/\bclaims\.email\b(?!_)/.test(username)) return
  if ([username, ...others].some((expression) => expression.includes('claims.email_verified'))) return
  errors.invalid(
    `${path}.username.expression`,
    username,
    'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
  )
}
