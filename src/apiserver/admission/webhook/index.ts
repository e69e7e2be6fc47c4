import {
  type MutatingWebhook,
  MutatingWebhookConfiguration,
} from '../../../kinds/admissionregistration/mutating-webhook-configuration.ts'
import {
  type ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../../kinds/admissionregistration/validating-webhook-configuration.ts'
import type { Kind } from '../../../schema/kind.ts'
import type { Log } from '../../../world/world.ts'
import type { AdmissionPlugin } from '../../admission.ts'
import { followAll } from '../dynamic/followed.ts'
import { HookIndex } from '../dynamic/hook-index.ts'
import type { Plan } from '../dynamic/matching.ts'
import type { Resources } from '../policy/index.ts'
import type { WebhookParts } from './call.ts'
import { type WebhookHook, webhooksOf } from './hooks.ts'
import { mutatingWebhooks } from './mutating.ts'
import { validatingWebhooks } from './validating.ts'

/** The webhooks of a cluster: as plugins, and as something that follows their configurations. */
export interface Webhooks {
  readonly mutating: AdmissionPlugin
  readonly validating: AdmissionPlugin
  /** Resolves when what is in the store is in force. */
  follow(resources: Resources, log: Log, signal: AbortSignal): Promise<void>
}

export function admissionWebhooks(kinds: () => readonly Kind[], parts: WebhookParts): Webhooks {
  const mutating = new HookIndex<WebhookHook<MutatingWebhook>, Plan>(kinds)
  const validating = new HookIndex<WebhookHook<ValidatingWebhook>, Plan>(kinds)
  return {
    mutating: mutatingWebhooks(mutating, parts),
    validating: validatingWebhooks(validating, parts),
    async follow(resources, log, signal) {
      await Promise.all([
        followAll(resources(MutatingWebhookConfiguration), signal, log, (all) => mutating.set(webhooksOf(all))),
        followAll(resources(ValidatingWebhookConfiguration), signal, log, (all) => validating.set(webhooksOf(all))),
      ])
    },
  }
}
