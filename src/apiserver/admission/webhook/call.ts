import type { Kind } from '../../../schema/kind.ts'
import { ApiError, badRequest, forbidden, type Status } from '../../../schema/status.ts'
import type { Log, Random } from '../../../world/world.ts'
import type { AdmissionAttributes, ClusterReader } from '../../admission.ts'
import type { Authorizer } from '../../authz/authz.ts'
import { ask, OutgoingError, type OutgoingParts } from '../../outgoing.ts'
import { RequestAuthorizer } from '../dynamic/authorizer.ts'
import { BudgetError, ExpressionError } from '../dynamic/evaluation.ts'
import type { Candidate } from '../dynamic/hook-index.ts'
import { meets } from '../dynamic/match-conditions.ts'
import type { Plan } from '../dynamic/matching.ts'
import { patiently } from '../dynamic/pending.ts'
import type { Subject } from '../dynamic/subject.ts'
import type { Webhook, WebhookHook } from './hooks.ts'
import { ReviewError, type ReviewResponse, readReview, reviewOf, reviewVersionOf, UnreadableReview } from './review.ts'

/** What calling webhooks needs. */
export interface WebhookParts {
  readonly outgoing: OutgoingParts
  readonly reader: ClusterReader
  readonly authorizer: Authorizer
  readonly random: Random
  readonly log: Log
}

/** A webhook that could not be asked, or whose answer is none: what follows is said by its failure policy. */
export class CallError extends Error {
  constructor(webhook: string, why: string) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${why}`)
  }
}

/**
 * The version of the resource as which a webhook is to see the request; undefined: it is not for this request.
 * @throws ApiError when nobody can say
 */
export async function versionFor<W extends Webhook>(
  { hook, plan }: Candidate<WebhookHook<W>, Plan>,
  subject: Subject,
  parts: WebhookParts,
): Promise<Kind | undefined> {
  const { attributes } = subject
  const version = hook.matcher.match(plan, attributes, parts.reader)
  if (version === undefined || hook.conditions.length === 0) return version
  const authorizer = new RequestAuthorizer(parts.authorizer, attributes.context.user)
  try {
    const isMet = await patiently(() => meets(hook.conditions, hook.ignoresFailure, { subject, version, authorizer }))
    return isMet ? version : undefined
  } catch (error) {
    if (!(error instanceof ExpressionError || error instanceof BudgetError)) throw error
    const { kind, name } = attributes
    throw forbidden({ group: kind.group, resource: kind.plural }, name, error.message)
  }
}

/**
 * Asks a webhook, and tells the client and the audit log what it says besides.
 * @throws CallError, or ApiError when it refuses the request
 */
export async function call<W extends Webhook>(
  { webhook }: WebhookHook<W>,
  subject: Subject,
  version: Kind,
  parts: WebhookParts,
  mutates: boolean,
): Promise<ReviewResponse> {
  const { context } = subject.attributes
  checkDryRun(webhook, subject.attributes)
  const response = await review(webhook, subject, version, parts, mutates)
  for (const [key, value] of Object.entries(response.auditAnnotations)) {
    context.annotate?.(`${webhook.name}/${key}`, value)
  }
  for (const warning of response.warnings) context.warn(warning)
  if (!response.allowed) throw rejection(webhook.name, response.result)
  return response
}

async function review(
  webhook: Webhook,
  subject: Subject,
  version: Kind,
  { outgoing, random }: WebhookParts,
  mutates: boolean,
): Promise<ReviewResponse> {
  const reviewVersion = reviewVersionOf(webhook.admissionReviewVersions ?? [])
  const fail = (why: string) => new CallError(webhook.name, why)
  if (reviewVersion === undefined) {
    const why = 'webhook does not accept known AdmissionReview versions (v1, v1beta1)'
    throw fail(`could not create admission objects: ${why}`)
  }
  await patiently(() => subject.view(version))
  const uid = random.uuid()
  const body = reviewOf(subject, version, reviewVersion, uid)
  const { signal } = subject.attributes.context
  try {
    const text = await ask(outgoing, webhook.clientConfig, {
      body,
      timeoutSeconds: webhook.timeoutSeconds ?? 10,
      signal,
    })
    return readReview(text, reviewVersion, uid, mutates)
  } catch (error) {
    if (error instanceof ReviewError) throw fail(`received invalid webhook response: ${error.message}`)
    if (!(error instanceof OutgoingError || error instanceof UnreadableReview)) throw error
    throw fail(`failed to call webhook: ${error.message}`)
  }
}

/** Who may do more than answer is not asked what would be if. */
function checkDryRun({ name, sideEffects }: Webhook, { context }: AdmissionAttributes): void {
  if (!context.dryRun || sideEffects === 'None' || sideEffects === 'NoneOnDryRun') return
  throw badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`)
}

/** The webhook's own Status, as far as it makes sense as a refusal. */
function rejection(webhook: string, result: Partial<Status> = {}): ApiError {
  const { message, reason, code = 0, details } = result
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`
  const why = message || reason
  return ApiError.from({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: why ? `${by}: ${why}` : `${by} without explanation`,
    ...(reason && { reason }),
    ...(details && { details }),
    code: Math.max(code, 400),
  })
}
