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

export const MutatingWebhook = object('io.k8s.api.admissionregistration.v1.MutatingWebhook', '', {
  name: required(1, string, ''),
  clientConfig: required(2, WebhookClientConfig, ''),
  rules: optional(3, list(RuleWithOperations, { list: 'atomic' }), ''),
  failurePolicy: explicit(4, oneOf('Fail', 'Ignore'), ''),
  matchPolicy: explicit(9, oneOf('Equivalent', 'Exact'), ''),
  namespaceSelector: explicit(5, LabelSelector, ''),
  objectSelector: explicit(11, LabelSelector, ''),
  sideEffects: required(6, oneOf('None', 'NoneOnDryRun', 'Some', 'Unknown'), ''),
  timeoutSeconds: explicit(7, int32, ''),
  admissionReviewVersions: required(8, list(string, { list: 'atomic' }), ''),
  reinvocationPolicy: explicit(10, oneOf('IfNeeded', 'Never'), ''),
  matchConditions: optional(12, list(MatchCondition, { list: ['name'], merge: 'name' }), ''),
})
export interface MutatingWebhook extends Infer<typeof MutatingWebhook> {}

export const mutatingWebhookConfigurationSchema = object(
  'io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration',
  '',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, ''),
    webhooks: optional(2, list(MutatingWebhook, { list: ['name'], merge: 'name' }), ''),
  },
)
export interface MutatingWebhookConfiguration extends Infer<typeof mutatingWebhookConfigurationSchema> {}

export const MutatingWebhookConfiguration: Kind<MutatingWebhookConfiguration> =
  defineKind<MutatingWebhookConfiguration>({
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    kind: 'MutatingWebhookConfiguration',
    plural: 'mutatingwebhookconfigurations',
    categories: ['api-extensions'],
    namespaced: false,
    storageVersionHash: 'Sqi0GUgDaX0=',
    schema: mutatingWebhookConfigurationSchema,
  })
