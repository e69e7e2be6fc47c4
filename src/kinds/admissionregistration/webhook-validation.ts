/** Rules for webhooks. */

import type { FieldErrors } from '../../schema/field-errors.ts'
import { validateLabelSelector } from '../../schema/meta-validation.ts'
import { fullyQualifiedNameFaults } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { invalidAll, validateWord } from '../rules.ts'
import { fillScopes, validateRule } from './matching.ts'
import type { MutatingWebhook } from './mutating-webhook-configuration.ts'
import { validateMatchConditions } from './policy-validation.ts'
import type { WebhookClientConfig } from './shared.ts'
import type { ValidatingWebhook } from './validating-webhook-configuration.ts'

type Webhook = ValidatingWebhook | MutatingWebhook

export function fillWebhooks(webhooks: readonly Mutable<Webhook>[], type: 'mutating' | 'validating'): void {
  for (const webhook of webhooks) {
    webhook.failurePolicy ??= 'Fail'
    webhook.matchPolicy ??= 'Equivalent'
    webhook.namespaceSelector ??= {}
    webhook.objectSelector ??= {}
    webhook.timeoutSeconds ??= 10
    if (type === 'mutating') (webhook as Mutable<MutatingWebhook>).reinvocationPolicy ??= 'Never'
    if (webhook.clientConfig.service !== undefined) webhook.clientConfig.service.port ??= 443
    fillScopes(webhook.rules ?? [])
  }
}

export function validateWebhooks(webhooks: readonly Webhook[], errors: FieldErrors): void {
  const names = new Set<string>()
  for (const [index, webhook] of webhooks.entries()) {
    const path = `webhooks[${index}]`
    validateWebhook(path, webhook, errors)
    if (webhook.name && names.has(webhook.name)) errors.duplicate(`${path}.name`, webhook.name)
    names.add(webhook.name)
    validateVersions(`${path}.admissionReviewVersions`, webhook.admissionReviewVersions ?? [], errors)
  }
}

function validateVersions(path: string, versions: readonly string[], errors: FieldErrors): void {
  if (versions.length === 0) {
    errors.required(path, 'must specify one of v1, v1beta1')
    return
  }
  const seen = new Set<string>()
  for (const [index, version] of versions.entries()) {
    if (seen.has(version)) errors.invalid(`${path}[${index}]`, version, 'duplicate version')
    seen.add(version)
  }
  if (!seen.has('v1') && !seen.has('v1beta1')) {
    errors.invalid(path, versions, 'must include at least one of v1, v1beta1')
  }
}

function validateWebhook(path: string, webhook: Webhook, errors: FieldErrors): void {
  const { name, rules = [], failurePolicy, matchPolicy, timeoutSeconds, matchConditions = [] } = webhook
  const sideEffects = webhook.sideEffects as string
  if (!name) errors.required(`${path}.name`)
  else invalidAll(`${path}.name`, name, fullyQualifiedNameFaults(name), errors)
  for (const [index, rule] of rules.entries()) validateRule(`${path}.rules[${index}]`, rule, errors)
  if (failurePolicy !== undefined) validateWord(`${path}.failurePolicy`, failurePolicy, ['Fail', 'Ignore'], errors)
  if (matchPolicy !== undefined) validateWord(`${path}.matchPolicy`, matchPolicy, ['Equivalent', 'Exact'], errors)
  if (!sideEffects) errors.required(`${path}.sideEffects`, 'must specify one of None, NoneOnDryRun')
  else validateWord(`${path}.sideEffects`, sideEffects, ['None', 'NoneOnDryRun'], errors)
  if (timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1)) {
    const detail = 'the timeout value must be between 1 and 30 seconds'
    errors.invalid(`${path}.timeoutSeconds`, timeoutSeconds, detail)
  }
  validateLabelSelector(webhook.namespaceSelector, `${path}.namespaceSelector`, errors)
  validateLabelSelector(webhook.objectSelector, `${path}.objectSelector`, errors)
  if ('reinvocationPolicy' in webhook && webhook.reinvocationPolicy !== undefined) {
    validateWord(`${path}.reinvocationPolicy`, webhook.reinvocationPolicy, ['IfNeeded', 'Never'], errors)
  }
  validateClient(`${path}.clientConfig`, webhook.clientConfig, errors)
  const scope = { params: false, authorizer: true }
  validateMatchConditions(`${path}.matchConditions`, matchConditions, scope, errors)
}

function validateClient(path: string, { url, service }: WebhookClientConfig, errors: FieldErrors): void {
  if ((url === undefined) === (service === undefined)) {
    errors.required(path, 'exactly one of url or service is required')
  } else if (url !== undefined) {
    validateUrl(`${path}.url`, url, errors)
  } else if (service !== undefined) {
    if (!service.name) errors.required(`${path}.service.name`, 'service name is required')
    if (!service.namespace) errors.required(`${path}.service.namespace`, 'service namespace is required')
    if (service.path !== undefined && !service.path.startsWith('/')) {
      errors.invalid(`${path}.service.path`, service.path, "must start with a '/'")
    }
    if (service.port !== undefined && (service.port < 1 || service.port > 65535)) {
      errors.invalid(`${path}.service.port`, service.port, 'port is not valid: must be between 1 and 65535, inclusive')
    }
  }
}

function validateUrl(path: string, text: string, errors: FieldErrors): void {
  const form = '; desired format: https://host[/path]'
  const url = URL.parse(text)
  if (url === null) {
    errors.required(path, `url must be a valid URL${form}`)
    return
  }
  if (url.protocol !== 'https:') {
    errors.invalid(path, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`)
  }
  if (url.host === '') errors.invalid(path, url.host, `host must be specified${form}`)
  const user = url.password === '' ? url.username : `${url.username}:${url.password}`
  if (user !== '') errors.invalid(path, user, 'user information is not permitted in the URL')
  if (url.hash !== '') errors.invalid(path, url.hash.slice(1), 'fragments are not permitted in the URL')
  if (url.search !== '') errors.invalid(path, url.search.slice(1), 'query parameters are not permitted in the URL')
}
