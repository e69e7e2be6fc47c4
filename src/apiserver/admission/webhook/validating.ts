import type { ValidatingWebhook } from '../../../kinds/admissionregistration/validating-webhook-configuration.ts'
import type { Kind } from '../../../schema/kind.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../../admission.ts'
import { internalError } from '../../respond.ts'
import type { HookIndex } from '../dynamic/hook-index.ts'
import type { Plan } from '../dynamic/matching.ts'
import { Subject } from '../dynamic/subject.ts'
import { CallError, call, versionFor, type WebhookParts } from './call.ts'
import type { WebhookHook } from './hooks.ts'

export type ValidatingWebhooks = HookIndex<WebhookHook<ValidatingWebhook>, Plan>

/** Asks the webhooks of ValidatingWebhookConfigurations, all at once. The first in order that refuses gives the words. */
export function validatingWebhooks(webhooks: ValidatingWebhooks, parts: WebhookParts): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    handles: (attributes) => webhooks.candidates(attributes).length > 0,
    async validate(attributes) {
      const subject = new Subject(attributes)
      const asked: { readonly hook: WebhookHook<ValidatingWebhook>; readonly version: Kind }[] = []
      for (const candidate of webhooks.candidates(attributes)) {
        const version = await versionFor(candidate, subject, parts)
        if (version !== undefined) asked.push({ hook: candidate.hook, version })
      }
      const answers = asked.map(({ hook, version }) => askOne(hook, subject, version, parts))
      for (const answer of await Promise.allSettled(answers)) if (answer.status === 'rejected') throw answer.reason
    },
  }
}

async function askOne(
  hook: WebhookHook<ValidatingWebhook>,
  subject: Subject,
  version: Kind,
  parts: WebhookParts,
): Promise<void> {
  try {
    await call(hook, subject, version, parts, false)
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    if (!hook.ignoresFailure) throw internalError(error)
    parts.log('warn', 'failed calling webhook, failing open', { webhook: hook.webhook.name, error: error.message })
    noteFailedOpen(hook, subject.attributes)
  }
}

function noteFailedOpen({ place, webhook }: WebhookHook<ValidatingWebhook>, { context }: AdmissionAttributes): void {
  context.annotate?.(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${place}`, webhook.name)
}
