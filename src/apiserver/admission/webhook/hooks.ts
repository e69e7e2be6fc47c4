import type { MutatingWebhook } from '../../../kinds/admissionregistration/mutating-webhook-configuration.ts'
import type { ValidatingWebhook } from '../../../kinds/admissionregistration/validating-webhook-configuration.ts'
import type { ApiObject } from '../../../schema/kind.ts'
import type { Hook } from '../dynamic/hook-index.ts'
import { type Compiled, compileConditions } from '../dynamic/match-conditions.ts'
import { Matcher, type Plan } from '../dynamic/matching.ts'
import type { Situation } from '../dynamic/rules.ts'

export type Webhook = ValidatingWebhook | MutatingWebhook

export interface Configuration<W extends Webhook> extends ApiObject {
  readonly webhooks?: readonly W[]
}

/** One webhook of a configuration. */
export class WebhookHook<W extends Webhook> implements Hook<Plan> {
  readonly webhook: W
  /** The name of its configuration. */
  readonly configuration: string
  /** Tells it from all others, also from those of the same name. */
  readonly id: string
  /** Its place among all webhooks, as audit annotations count them. */
  readonly place: number
  readonly matcher: Matcher
  #conditions: readonly Compiled[] | undefined

  constructor(webhook: W, configuration: string, index: number, place: number) {
    this.webhook = webhook
    this.configuration = configuration
    this.id = `${configuration}/${webhook.name}/${index}`
    this.place = place
    this.matcher = new Matcher({ ...webhook, resourceRules: webhook.rules ?? [] }, true)
  }

  plan(situation: Situation): Plan | undefined {
    return this.matcher.plan(situation)
  }

  get conditions(): readonly Compiled[] {
    this.#conditions ??= compileConditions(this.webhook.matchConditions ?? [], { params: false, authorizer: true })
    return this.#conditions
  }

  get ignoresFailure(): boolean {
    return this.webhook.failurePolicy === 'Ignore'
  }
}

/** The webhooks of all configurations, in the order of these and of the lists in them. */
export function webhooksOf<W extends Webhook>(configurations: readonly Configuration<W>[]): readonly WebhookHook<W>[] {
  let place = 0
  return configurations.flatMap(({ metadata, webhooks = [] }) =>
    webhooks.map((webhook, index) => new WebhookHook(webhook, metadata.name ?? '', index, place++)),
  )
}
