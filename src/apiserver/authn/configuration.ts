import { FieldErrors } from '../../schema/field-errors.ts'
import { type Fields, fieldsOf } from '../admission/configuration.ts'
import { fields, type Shape, strictFault } from '../strict-fields.ts'
import { compileIssuers, type JwtConfiguration, type JwtIssuer } from './jwt/configuration.ts'

/** A configuration of authentication that cannot be used. */
export class AuthenticationConfigError extends Error {}

/** Who may come without any credential (KEP-4633). */
export interface AnonymousSettings {
  readonly enabled: boolean
  /** Paths on which alone it holds; empty: on all. */
  readonly paths: readonly string[]
}

export interface AuthenticationSettings {
  readonly issuers: readonly JwtIssuer[]
  /** Absent: what `--anonymous-auth` says holds. */
  readonly anonymous?: AnonymousSettings
}

/**
 * Reads `--authentication-config`: an `AuthenticationConfiguration` of `apiserver.config.k8s.io`.
 * @param ownIssuers of whose tokens nobody else may say what they mean
 * @throws AuthenticationConfigError with all faults
 */
export function readAuthenticationConfiguration(text: string, ownIssuers: readonly string[]): AuthenticationSettings {
  const file = fieldsOf(text)
  const { kind, apiVersion, jwt, anonymous } = file
  if (kind !== 'AuthenticationConfiguration' || !versions.has(apiVersion as string)) {
    throw new AuthenticationConfigError(`no kind "${kind ?? ''}" is registered for version "${apiVersion ?? ''}"`)
  }
  const fault = strictFault(file, shape)
  if (fault !== undefined) throw new AuthenticationConfigError(fault)
  const errors = new FieldErrors()
  const issuers = compileIssuers((jwt ?? []) as readonly JwtConfiguration[], ownIssuers, errors)
  const settings = anonymous === undefined ? undefined : anonymousSettings(anonymous as Fields, errors)
  throwFaults(errors)
  return { issuers, ...(settings && { anonymous: settings }) }
}

const versions: ReadonlySet<string> = new Set([
  'apiserver.config.k8s.io/v1',
  'apiserver.config.k8s.io/v1beta1',
  'apiserver.config.k8s.io/v1alpha1',
])

const shape: Shape = {
  ...fields('kind apiVersion'),
  jwt: [
    {
      issuer: fields('url discoveryURL certificateAuthority audiences audienceMatchPolicy egressSelectorType'),
      claimValidationRules: [fields('claim requiredValue expression message')],
      claimMappings: {
        username: fields('claim prefix expression'),
        groups: fields('claim prefix expression'),
        uid: fields('claim expression'),
        extra: [fields('key valueExpression')],
      },
      userValidationRules: [fields('expression message')],
    },
  ],
  anonymous: { enabled: true, conditions: [fields('path')] },
}

function anonymousSettings({ enabled, conditions }: Fields, errors: FieldErrors): AnonymousSettings {
  const paths = ((conditions ?? []) as readonly Fields[]).map(({ path }) => String(path ?? ''))
  if (enabled !== true && paths.length > 0) {
    errors.invalid('anonymous.conditions', '', 'enabled should be set to true when conditions are defined')
  }
  return { enabled: enabled === true, paths }
}

function throwFaults(errors: FieldErrors): void {
  if (errors.length === 0) return
  const faults = errors.causes.map(({ field, message }) => `${field}: ${message}`)
  throw new AuthenticationConfigError(faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`)
}

/** What the flags `--oidc-*` say, which are the older way to configure one issuer. */
export interface OidcFlags {
  readonly issuerUrl: string
  readonly clientId: string
  readonly certificateAuthority?: string
  readonly usernameClaim: string
  readonly usernamePrefix: string
  readonly groupsClaim: string
  readonly groupsPrefix: string
  /** `claim=value`, each. */
  readonly requiredClaims: readonly string[]
  /** By which tokens may be signed. */
  readonly algorithms: readonly string[]
}

/** Throws `AuthenticationConfigError`. */
export function issuerOfFlags(flags: OidcFlags, ownIssuers: readonly string[]): readonly JwtIssuer[] {
  const errors = new FieldErrors()
  const issuers = compileIssuers([jwtOf(flags)], ownIssuers, errors)
  throwFaults(errors)
  return issuers.map((issuer) => ({ ...issuer, algorithms: flags.algorithms }))
}

function jwtOf(flags: OidcFlags): JwtConfiguration {
  const { issuerUrl, clientId, certificateAuthority, usernameClaim, groupsClaim, groupsPrefix, requiredClaims } = flags
  return {
    issuer: { url: issuerUrl, audiences: [clientId], ...(certificateAuthority && { certificateAuthority }) },
    claimMappings: {
      username: { claim: usernameClaim, prefix: usernamePrefix(flags) },
      ...(groupsClaim !== '' && { groups: { claim: groupsClaim, prefix: groupsPrefix } }),
    },
    claimValidationRules: requiredClaims.map((pair) => {
      const equals = pair.indexOf('=')
      return { claim: pair.slice(0, equals), requiredValue: pair.slice(equals + 1) }
    }),
  }
}

/** Names of an issuer begin with it, so that nobody can pass for another's user; mail addresses are unique anyway. */
function usernamePrefix({ usernamePrefix, usernameClaim, issuerUrl }: OidcFlags): string {
  if (usernamePrefix === '-') return ''
  if (usernamePrefix !== '' || usernameClaim === 'email') return usernamePrefix
  return `${issuerUrl}#`
}
