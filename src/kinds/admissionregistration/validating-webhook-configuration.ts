import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
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
import { ageColumn, integerColumn, nameColumn } from '../columns.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { MatchCondition, RuleWithOperations, WebhookClientConfig } from './shared.ts'
import { fillWebhooks, validateWebhooks } from './webhook-validation.ts'

export const ValidatingWebhook = object(
  'io.k8s.api.admissionregistration.v1.ValidatingWebhook',
  'A webhook that may refuse requests.',
  {
    name: required(1, string, 'Name of the webhook; a qualified domain name, unique in the configuration.'),
    clientConfig: required(2, WebhookClientConfig, 'How the webhook is reached.'),
    rules: optional(
      3,
      list(RuleWithOperations, { list: 'atomic' }),
      'Operations and resources for which it is called; one match is enough.',
    ),
    failurePolicy: explicit(
      4,
      oneOf('Fail', 'Ignore'),
      'Fail or Ignore: what happens when the webhook cannot be asked; Fail when absent.',
    ),
    matchPolicy: explicit(
      9,
      oneOf('Equivalent', 'Exact'),
      'Exact takes rules by the word, Equivalent also through other versions of a resource; Equivalent when absent.',
    ),
    namespaceSelector: explicit(
      5,
      LabelSelector,
      'Labels of the namespace of the object; cluster-scoped objects always match. Absent means all.',
    ),
    objectSelector: explicit(10, LabelSelector, 'Labels of the object or of its old state; absent means all.'),
    sideEffects: required(
      6,
      oneOf('None', 'NoneOnDryRun', 'Some', 'Unknown'),
      'None, or NoneOnDryRun when it knows dry runs; with others a dry run is refused.',
    ),
    timeoutSeconds: explicit(7, int32, 'Seconds to wait for the answer, 1 to 30; 10 when absent.'),
    admissionReviewVersions: required(
      8,
      list(string, { list: 'atomic' }),
      'Versions of AdmissionReview that the webhook understands, the preferred one first.',
    ),
    matchConditions: optional(
      11,
      list(MatchCondition, { list: ['name'], merge: 'name' }),
      'CEL conditions that must all be true for the webhook to be called; at most 64.',
    ),
  },
)
export interface ValidatingWebhook extends Infer<typeof ValidatingWebhook> {}

export const validatingWebhookConfigurationSchema = object(
  'io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration',
  'Webhooks that may refuse requests.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    webhooks: optional(
      2,
      list(ValidatingWebhook, { list: ['name'], merge: 'name' }),
      'The webhooks; they are asked at the same time.',
    ),
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
    nameRule: subdomainNameRule,
    defaults: ({ webhooks }) => fillWebhooks(webhooks ?? [], 'validating'),
    prepareCreate: startGeneration,
    prepareUpdate: (configuration, old) => countChange(configuration, old, ({ webhooks }) => webhooks),
    validate: ({ webhooks }, errors) => validateWebhooks(webhooks ?? [], errors),
    validateUpdate: ({ webhooks }, _old, errors) => validateWebhooks(webhooks ?? [], errors),
    unconditionalUpdate: false,
    columns: [
      nameColumn,
      integerColumn('Webhooks', 'How many webhooks it has.', ({ webhooks }) => webhooks?.length ?? 0),
      ageColumn,
    ],
  })
