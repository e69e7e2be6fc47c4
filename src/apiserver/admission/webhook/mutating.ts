import type { MutatingWebhook } from '../../../kinds/admissionregistration/mutating-webhook-configuration.ts'
import { DecodeError } from '../../../schema/decode.ts'
import { equalJson } from '../../../schema/freeze.ts'
import { applyJsonPatch, patchFaultOf } from '../../../schema/json-patch.ts'
import type { ApiObject, Kind } from '../../../schema/kind.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../../admission.ts'
import { internalError } from '../../respond.ts'
import type { HookIndex } from '../dynamic/hook-index.ts'
import type { Plan } from '../dynamic/matching.ts'
import { Reinvoked } from '../dynamic/reinvoked.ts'
import { Subject } from '../dynamic/subject.ts'
import { CallError, call, versionFor, type WebhookParts } from './call.ts'
import type { WebhookHook } from './hooks.ts'
import type { ReviewResponse } from './review.ts'

export type MutatingWebhooks = HookIndex<WebhookHook<MutatingWebhook>, Plan>

const pluginName = 'MutatingAdmissionWebhook'

/** Lets the webhooks of MutatingWebhookConfigurations change objects, one after the other. */
export function mutatingWebhooks(webhooks: MutatingWebhooks, parts: WebhookParts): AdmissionPlugin {
  const run = (attributes: AdmissionAttributes) => askAll(webhooks, attributes, parts)
  return {
    name: pluginName,
    reinvokes: true,
    handles: (attributes) => webhooks.candidates(attributes).length > 0,
    admit: run,
    /** What is deleted is not changed, so these webhooks are asked together with those that only say yes or no. */
    validate: (attributes) => (attributes.operation === 'DELETE' ? run(attributes) : undefined),
  }
}

async function askAll(webhooks: MutatingWebhooks, attributes: AdmissionAttributes, parts: WebhookParts): Promise<void> {
  const subject = new Subject(attributes)
  const reinvoked = Reinvoked.of(pluginName, attributes)
  for (const candidate of webhooks.candidates(attributes)) {
    const { hook } = candidate
    const version = await versionFor(candidate, subject, parts)
    if (version === undefined || !reinvoked.isDue(hook.id)) continue
    const note = new Note(hook, reinvoked.round, attributes)
    try {
      const isChanged = await askOne(hook, subject, version, parts, note)
      if (isChanged) reinvoked.changed()
      note.mutation(isChanged)
    } catch (error) {
      note.mutation(false)
      if (!(error instanceof CallError)) throw error
      if (!hook.ignoresFailure) throw internalError(error)
      parts.log('warn', 'failed calling webhook, failing open', { webhook: hook.webhook.name, error: error.message })
      note.failedOpen()
    }
    if (hook.webhook.reinvocationPolicy === 'IfNeeded') reinvoked.remember(hook.id)
  }
  reinvoked.end(attributes.object)
}

/** Gives whether the object has become another. */
async function askOne(
  hook: WebhookHook<MutatingWebhook>,
  subject: Subject,
  version: Kind,
  parts: WebhookParts,
  note: Note,
): Promise<boolean> {
  const response = await call(hook, subject, version, parts, true)
  const operations = operationsOf(hook, response)
  if (operations.length === 0) return false
  const { object } = subject.view(version)
  const name = JSON.stringify(hook.webhook.name)
  if (object === null) {
    const why = 'attempted to modify the object, which is not supported for this operation'
    throw internalError(new Error(`admission webhook ${name} ${why}`))
  }
  if (response.patchType !== 'JSONPatch') {
    throw new CallError(hook.webhook.name, `unsupported patch type ${JSON.stringify(response.patchType)}`)
  }
  // What is replaced is not written to.
  const before = { ...subject.attributes.object }
  await patch(subject, version, object, operations)
  note.patch(operations)
  return !equalJson(before, subject.attributes.object)
}

function operationsOf({ webhook }: WebhookHook<MutatingWebhook>, { patch }: ReviewResponse): readonly unknown[] {
  if (patch === '') return []
  const undecodable = (why: string) =>
    new CallError(webhook.name, `received undecodable patch in webhook response: ${why}`)
  let operations: unknown
  try {
    operations = JSON.parse(patch)
  } catch {
    throw undecodable('the patch is no JSON')
  }
  if (Array.isArray(operations)) return operations
  throw undecodable('the patch is no list of operations')
}

async function patch(
  subject: Subject,
  version: Kind,
  object: ApiObject,
  operations: readonly unknown[],
): Promise<void> {
  try {
    await subject.replace(version, applyJsonPatch(object, operations))
  } catch (error) {
    const known = patchFaultOf(error) ?? error
    throw known instanceof Error && (known !== error || error instanceof DecodeError) ? internalError(known) : error
  }
}

/** What the audit event says of a call. */
class Note {
  readonly #hook: WebhookHook<MutatingWebhook>
  readonly #key: string
  readonly #annotate: AdmissionAttributes['context']['annotate']

  constructor(hook: WebhookHook<MutatingWebhook>, round: number, { context }: AdmissionAttributes) {
    this.#hook = hook
    this.#key = `round_${round}_index_${hook.place}`
    this.#annotate = context.annotate
  }

  mutation(mutated: boolean): void {
    this.#say('mutation.webhook.admission.k8s.io', JSON.stringify({ ...this.#who, mutated }))
  }

  patch(operations: readonly unknown[]): void {
    const patch = { ...this.#who, patch: operations, patchType: 'JSONPatch' }
    this.#say('patch.webhook.admission.k8s.io', JSON.stringify(patch))
  }

  failedOpen(): void {
    this.#say('failed-open.mutation.webhook.admission.k8s.io', this.#hook.webhook.name)
  }

  get #who() {
    return { configuration: this.#hook.configuration, webhook: this.#hook.webhook.name }
  }

  #say(prefix: string, value: string): void {
    this.#annotate?.(`${prefix}/${this.#key}`, value)
  }
}
