import { secondsTime } from '../../base/seconds-time.ts'
import type { TokenReviewSpec } from '../../kinds/authentication/token-review.ts'
import type { SubjectAccessReviewSpec } from '../../kinds/authorization/shared.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { ApiError, badRequest } from '../../schema/status.ts'
import type { Authenticator } from '../authn/authn.ts'
import type { Authorizer } from '../authz/authz.ts'
import type { ResolvedRules, RuleResolver } from '../authz/rules.ts'
import { readObject } from '../body.ts'
import type { UserInfo } from '../context.ts'
import type { Exchange } from '../exchange.ts'
import { negotiate, typedOffer } from '../negotiate.ts'
import { writeContext } from '../options.ts'
import type { ApiRequest, ApiResponse } from '../request.ts'
import { answerObject } from '../respond.ts'
import { managersOfNew } from '../storage/managers.ts'
import {
  type AccessSpec,
  attributesOf,
  checkAccess,
  checkLocalSubjectAccess,
  checkSubjectAccess,
} from './access-spec.ts'
import type { ObjectServices } from './services.ts'

/** What reviews ask. */
export interface ReviewServices extends ObjectServices {
  readonly authenticators: readonly Authenticator[]
  readonly authorizer: Authorizer
  /** Judges tokens with regard to whom they are meant for. Absent: the authenticators alone are asked. */
  readonly tokenReviewer?: TokenReviewer
  /** Lists what somebody may do in a namespace; absent: the authorizer cannot tell. */
  readonly rules?: RuleResolver
}

/** What knows service account tokens. */
export interface TokenReviewer {
  readonly issuer: string
  /** Undefined: not a token of this issuer. */
  review(
    token: string,
    audiences: readonly string[],
  ): { readonly user: UserInfo; readonly audiences: readonly string[] } | { readonly error: string } | undefined
}

type Review = (exchange: Exchange, services: ReviewServices, object: ApiObject) => object | Promise<object>

/** Kinds that are questions: they are answered and never stored. */
const reviews: Readonly<Record<string, Review>> = {
  SelfSubjectReview: selfSubjectReview,
  TokenReview: tokenReview,
  SelfSubjectAccessReview: selfSubjectAccessReview,
  SubjectAccessReview: subjectAccessReview,
  LocalSubjectAccessReview: localSubjectAccessReview,
  SelfSubjectRulesReview: selfSubjectRulesReview,
}

export function isReview({ group, kind }: Kind): boolean {
  return (group === 'authentication.k8s.io' || group === 'authorization.k8s.io') && Object.hasOwn(reviews, kind)
}

/** POST of a review. */
export async function createReview(exchange: Exchange, services: ReviewServices, kind: Kind): Promise<ApiResponse> {
  const accepted = negotiate(exchange.request.headers['accept'], typedOffer)
  const context = writeContext(exchange, 'CreateOptions')
  const object = await readObject(exchange, kind, services, context.fieldValidation)
  if (kind.namespaced && (object.metadata.namespace ?? '') === '') object.metadata.namespace = exchange.info.namespace
  const write = { manager: context.fieldManager, now: secondsTime(services.clock.now()) }
  const managedFields = managersOfNew(kind, object, write)
  const answer = await reviews[kind.kind]!(exchange, services, object)
  if (managedFields !== undefined) object.metadata.managedFields = managedFields as unknown[]
  return answerObject(exchange, 201, { ...object, ...answer }, accepted, kind.schema)
}

const userFields = (user: UserInfo) => ({
  username: user.name,
  ...(user.uid && { uid: user.uid }),
  ...(user.groups.length > 0 && { groups: user.groups }),
  ...(user.extra && Object.keys(user.extra).length > 0 && { extra: user.extra }),
})

function selfSubjectReview({ user }: Exchange, { clock }: ReviewServices): object {
  const metadata = { creationTimestamp: secondsTime(clock.now()) }
  return { metadata, status: { userInfo: userFields(user) } }
}

async function tokenReview(
  { request }: Exchange,
  { authenticators, tokenReviewer }: ReviewServices,
  object: ApiObject,
): Promise<object> {
  const { spec } = object as ApiObject & { readonly spec: TokenReviewSpec }
  if (spec.token === '') throw badRequest('token is required for TokenReview in authentication')
  const wanted = spec.audiences ?? []
  const verdict = tokenReviewer?.review(spec.token, wanted.length > 0 ? wanted : [tokenReviewer.issuer])
  if (verdict !== undefined) {
    // The reference asks two authenticators, one for its own loopback token, and lists what each of them says.
    if ('error' in verdict) return { status: { user: {}, error: `[invalid bearer token, ${verdict.error}]` } }
    const { user, audiences } = verdict
    return { status: { authenticated: true, user: userFields(user), audiences } }
  }
  // Who knows of no audiences knows tokens for this server alone.
  const own = tokenReviewer === undefined ? [] : [tokenReviewer.issuer]
  const audiences = wanted.length > 0 ? wanted.filter((audience) => own.includes(audience)) : own
  const refusal = (why = 'invalid bearer token') => ({ status: { user: {}, error: why } })
  if (wanted.length > 0 && audiences.length === 0) return refusal()
  const asked: ApiRequest = {
    method: request.method,
    url: request.url,
    headers: { authorization: `Bearer ${spec.token}` },
    body: () => Promise.resolve(Buffer.alloc(0)),
    signal: request.signal,
    remoteAddress: request.remoteAddress,
  }
  try {
    for (const authenticator of authenticators) {
      const user = await authenticator.authenticate(asked)
      if (user === undefined) continue
      return { status: { authenticated: true, user: userFields(user), ...(audiences.length > 0 && { audiences }) } }
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.cause instanceof Error) return refusal(`[invalid bearer token, ${error.cause.message}]`)
  }
  return refusal()
}

function selfSubjectAccessReview({ user }: Exchange, services: ReviewServices, object: ApiObject): Promise<object> {
  const { spec } = object as ApiObject & { readonly spec: AccessSpec }
  throwIfWrong(checkAccess(spec))
  return decide(services, user, spec)
}

function subjectAccessReview(_exchange: Exchange, services: ReviewServices, object: ApiObject): Promise<object> {
  const { spec } = object as ApiObject & { readonly spec: SubjectAccessReviewSpec }
  throwIfWrong(checkSubjectAccess(spec))
  return decide(services, userOf(spec), spec)
}

function localSubjectAccessReview({ info }: Exchange, services: ReviewServices, object: ApiObject): Promise<object> {
  const { spec, metadata } = object as ApiObject & { readonly spec: SubjectAccessReviewSpec }
  throwIfWrong(checkLocalSubjectAccess(spec, metadata.namespace ?? ''))
  if (metadata.namespace !== info.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  return decide(services, userOf(spec), spec)
}

/** The reference names no kind here. */
function throwIfWrong(errors: FieldErrors): void {
  if (errors.length === 0) return
  const { message, details } = errors.toError({ group: 'authorization.k8s.io', kind: '' }, '')
  const { kind: _kind, ...rest } = details ?? {}
  throw new ApiError('Invalid', message, { details: rest })
}

const userOf = (spec: SubjectAccessReviewSpec): UserInfo => ({
  name: spec.user ?? '',
  groups: spec.groups ?? [],
  ...(spec.uid && { uid: spec.uid }),
  ...(spec.extra && { extra: spec.extra }),
})

async function decide({ authorizer }: ReviewServices, user: UserInfo, spec: AccessSpec): Promise<object> {
  const { attributes, faults } = attributesOf(user, spec)
  const { allowed, denied, reason, evaluationError } = await authorizer.authorize(attributes)
  const errors = [...(evaluationError === undefined ? [] : [evaluationError]), ...faults]
  return {
    status: {
      allowed,
      ...(denied && { denied }),
      ...(reason !== '' && { reason }),
      ...(errors.length > 0 && { evaluationError: errors.join('; ') }),
    },
  }
}

function selfSubjectRulesReview({ user }: Exchange, { rules: resolver }: ReviewServices, object: ApiObject): object {
  const { spec } = object as ApiObject & { readonly spec: { readonly namespace?: string } }
  const namespace = spec.namespace ?? ''
  if (namespace === '') throw badRequest('no namespace on request')
  const { rules, incomplete, error } = resolver?.resolveRules(user, namespace) ?? unresolved
  const resourceRules = rules
    .filter((rule) => (rule.resources ?? []).length > 0)
    .map(({ verbs, apiGroups, resources, resourceNames }) => ({
      verbs,
      apiGroups,
      resources,
      ...((resourceNames ?? []).length > 0 && { resourceNames }),
    }))
  const nonResourceRules = rules
    .filter((rule) => (rule.nonResourceURLs ?? []).length > 0)
    .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }))
  return { status: { resourceRules, nonResourceRules, incomplete, ...(error && { evaluationError: error }) } }
}

const unresolved: ResolvedRules = {
  rules: [],
  incomplete: true,
  error: 'the authorizer of this server does not support rule resolution',
}
