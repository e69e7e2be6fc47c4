import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  embedded,
  explicit,
  type Infer,
  int32,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { MatchCondition, RuleWithOperations, WebhookClientConfig } from './shared.ts'

export const ValidatingWebhook = object('io.k8s.api.admissionregistration.v1.ValidatingWebhook', '', {
  name: required(1, string, ''),
  clientConfig: required(2, WebhookClientConfig, ''),
  rules: optional(3, list(RuleWithOperations, { list: 'atomic' }), ''),
  failurePolicy: explicit(4, oneOf('Fail', 'Ignore'), ''),
  matchPolicy: explicit(9, oneOf('Equivalent', 'Exact'), ''),
  namespaceSelector: explicit(5, LabelSelector, ''),
  objectSelector: explicit(10, LabelSelector, ''),
  sideEffects: required(6, oneOf('None', 'NoneOnDryRun', 'Some', 'Unknown'), ''),
  timeoutSeconds: explicit(7, int32, ''),
  admissionReviewVersions: required(8, list(string, { list: 'atomic' }), ''),
  matchConditions: optional(11, list(MatchCondition, { list: ['name'], merge: 'name' }), ''),
})
export interface ValidatingWebhook extends Infer<typeof ValidatingWebhook> {}

export const validatingWebhookConfigurationSchema = object(
  'io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration',
  '',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, ''),
    webhooks: optional(2, list(ValidatingWebhook, { list: ['name'], merge: 'name' }), ''),
  },
)
export interface ValidatingWebhookConfiguration extends Infer<typeof validatingWebhookConfigurationSchema> {}

export const ValidatingWebhookConfiguration: Kind<ValidatingWebhookConfiguration> =
  defineKind<ValidatingWebhookConfiguration>({
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    kind: 'ValidatingWebhookConfiguration',
    plural: 'validatingwebhookconfigurations',
    categories: ['api-extensions'],
    namespaced: false,
    storageVersionHash: 'B0wHjQmsGNk=',
    schema: validatingWebhookConfigurationSchema,
  })
