import type { Requirement } from '../../schema/selectors.ts'
import type { Clock, Log } from '../../world/world.ts'
import type { UserInfo } from '../context.ts'
import { type Attributes, type Authorizer, type Decision, type FieldRequirement, noOpinion } from './authz.ts'
import type { MatchConditions } from './match-conditions.ts'
import type { ResolvedRules, RuleResolver } from './rules.ts'

export interface WebhookOptions {
  readonly name: string
  /** Asks the webhook; throws when it cannot be asked. */
  readonly ask: (question: object) => Promise<object>
  /** Of the review that goes out: `v1` or `v1beta1`. */
  readonly version: string
  /** How long an answer counts, in milliseconds; 0: for this request alone. */
  readonly allowedForMs: number
  readonly refusedForMs: number
  /** Whether who cannot be asked refuses, or leaves the question to the next. */
  readonly failurePolicy: 'Deny' | 'NoOpinion'
  /** Which requests it is asked about; absent: all. */
  readonly conditions?: MatchConditions
}

interface Answer {
  readonly status?: {
    readonly allowed?: boolean
    readonly denied?: boolean
    readonly reason?: string
    readonly evaluationError?: string
  }
}

const cacheSize = 8192
/** Questions that are longer are not remembered: somebody could fill the memory with them. */
const keyLengthMax = 10_000

/**
 * Somebody else decides (`--authorization-mode=Webhook`, or in an `AuthorizationConfiguration`): a `SubjectAccessReview`
 * goes out. It may allow, deny, or leave the question to the next.
 */
export class WebhookAuthorizer implements Authorizer, RuleResolver {
  readonly #options: WebhookOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #answers = new Map<string, { readonly decision: Decision; readonly untilMs: number }>()
  readonly #asked = new Map<string, Promise<Decision>>()

  constructor(options: WebhookOptions, tools: { readonly clock: Clock; readonly log: Log }) {
    this.#options = options
    this.#clock = tools.clock
    this.#log = tools.log
  }

  authorize(attributes: Attributes): Decision | Promise<Decision> {
    const spec = reviewSpec(attributes)
    const { conditions } = this.#options
    if (conditions) {
      const verdict = conditions.match(spec)
      if (verdict instanceof Error) return this.#failed(verdict)
      if (!verdict) return noOpinion()
    }
    const key = JSON.stringify(spec)
    const known = this.#answers.get(key)
    if (known && known.untilMs > this.#clock.monotonic()) return known.decision
    this.#answers.delete(key)
    const running = this.#asked.get(key)
    if (running) return running
    const answered = this.#ask(spec, key).finally(() => this.#asked.delete(key))
    this.#asked.set(key, answered)
    return answered
  }

  resolveRules(): ResolvedRules {
    return { rules: [], incomplete: true, error: 'webhook authorizer does not support user rule resolution' }
  }

  async #ask(spec: object, key: string): Promise<Decision> {
    const { ask, version, allowedForMs, refusedForMs } = this.#options
    const apiVersion = `authorization.k8s.io/${version}`
    let answer: Answer
    try {
      const metadata = { creationTimestamp: null }
      answer = await ask({ kind: 'SubjectAccessReview', apiVersion, metadata, spec, status: { allowed: false } })
    } catch (error) {
      this.#log('warn', 'an authorization webhook cannot be asked', {
        webhook: this.#options.name,
        error: (error as Error).message,
      })
      return this.#failed(error as Error)
    }
    const decision = decisionOf(answer)
    const forMs = decision.allowed ? allowedForMs : refusedForMs
    if (forMs > 0 && key.length < keyLengthMax && decision.evaluationError === undefined) {
      if (this.#answers.size >= cacheSize) this.#answers.delete(this.#answers.keys().next().value!)
      this.#answers.set(key, { decision, untilMs: this.#clock.monotonic() + forMs })
    }
    return decision
  }

  #failed({ message }: Error): Decision {
    const denied = this.#options.failurePolicy === 'Deny'
    return { allowed: false, ...(denied && { denied }), reason: '', evaluationError: message }
  }
}

/** Only a plain yes is one. */
function decisionOf({ status = {} }: Answer): Decision {
  const reason = typeof status.reason === 'string' ? status.reason : ''
  if (status.allowed === true && status.denied === true) {
    const evaluationError = 'webhook subject access review returned both allow and deny response'
    return { allowed: false, denied: true, reason, evaluationError }
  }
  if (status.denied === true) return { allowed: false, denied: true, reason }
  return { allowed: status.allowed === true, reason }
}

/** The `spec` of a SubjectAccessReview. */
export function reviewSpec(attributes: Attributes): Readonly<Record<string, unknown>> {
  const { user, verb, isResource, path } = attributes
  return {
    ...(isResource
      ? { resourceAttributes: resourceAttributes(attributes) }
      : { nonResourceAttributes: { path, verb } }),
    ...userFields(user),
  }
}

const userFields = ({ name, uid, groups, extra }: UserInfo) => ({
  ...(name !== '' && { user: name }),
  ...(groups.length > 0 && { groups }),
  ...(extra && Object.keys(extra).length > 0 && { extra }),
  ...(uid && { uid }),
})

function resourceAttributes(attributes: Attributes): object {
  const { namespace, verb, apiGroup, apiVersion, resource, subresource, name, fieldSelector, labelSelector } =
    attributes
  const texts = { namespace, verb, group: apiGroup, version: apiVersion, resource, subresource, name }
  return {
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== '')),
    ...(fieldSelector?.length && { fieldSelector: { requirements: fieldSelector.map(fieldRequirement) } }),
    ...(labelSelector?.length && { labelSelector: { requirements: labelSelector.flatMap(labelRequirement) } }),
  }
}

const fieldRequirement = ({ field, value, equal }: FieldRequirement) => ({
  key: field,
  operator: equal ? 'In' : 'NotIn',
  values: [value],
})

/** Comparisons by number cannot be said in a review, and are left out: it then asks for more. */
function labelRequirement({ key, operator, values }: Requirement): object[] {
  const name = labelOperators[operator]
  if (name === undefined) return []
  return [{ key, operator: name, ...(values.length > 0 && { values }) }]
}

const labelOperators: Readonly<Partial<Record<Requirement['operator'], string>>> = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
}
