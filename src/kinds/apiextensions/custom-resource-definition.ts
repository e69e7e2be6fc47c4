import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  bool,
  bytes,
  double,
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  json,
  list,
  map,
  object,
  oneOf,
  optional,
  rawObject,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const CustomResourceDefinitionNames = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames',
  '',
  {
    plural: required(1, string, ''),
    singular: optional(2, string, ''),
    shortNames: optional(3, list(string, { list: 'atomic' }), ''),
    kind: required(4, string, ''),
    listKind: optional(5, string, ''),
    categories: optional(6, list(string, { list: 'atomic' }), ''),
  },
)
export interface CustomResourceDefinitionNames extends Infer<typeof CustomResourceDefinitionNames> {}

export const ExternalDocumentation = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ExternalDocumentation',
  '',
  {
    description: optional(1, string, ''),
    url: optional(2, string, ''),
  },
)
export interface ExternalDocumentation extends Infer<typeof ExternalDocumentation> {}

export const ValidationRule = object('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule', '', {
  rule: required(1, string, ''),
  message: optional(2, string, ''),
  messageExpression: optional(3, string, ''),
  reason: explicit(
    4,
    oneOf('FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'),
    '',
  ),
  fieldPath: optional(5, string, ''),
  optionalOldSelf: explicit(6, bool, ''),
})
export interface ValidationRule extends Infer<typeof ValidationRule> {}

export const JSONSchemaProps = object('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps', '', {
  id: optional(1, string, ''),
  $schema: optional(2, string, ''),
  $ref: explicit(3, string, ''),
  description: optional(4, string, ''),
  type: optional(5, string, ''),
  format: optional(6, string, ''),
  title: optional(7, string, ''),
  default: optional(8, json, ''),
  maximum: explicit(9, double, ''),
  exclusiveMaximum: optional(10, bool, ''),
  minimum: explicit(11, double, ''),
  exclusiveMinimum: optional(12, bool, ''),
  maxLength: explicit(13, int64, ''),
  minLength: explicit(14, int64, ''),
  pattern: optional(15, string, ''),
  maxItems: explicit(16, int64, ''),
  minItems: explicit(17, int64, ''),
  uniqueItems: optional(18, bool, ''),
  multipleOf: explicit(19, double, ''),
  enum: optional(20, list(json, { list: 'atomic' }), ''),
  maxProperties: explicit(21, int64, ''),
  minProperties: explicit(22, int64, ''),
  required: optional(23, list(string, { list: 'atomic' }), ''),
  items: optional(24, json, ''),
  allOf: optional(25, list(rawObject, { list: 'atomic' }), ''),
  oneOf: optional(26, list(rawObject, { list: 'atomic' }), ''),
  anyOf: optional(27, list(rawObject, { list: 'atomic' }), ''),
  not: explicit(28, rawObject, ''),
  properties: optional(29, map(rawObject), ''),
  additionalProperties: optional(30, json, ''),
  patternProperties: optional(31, map(rawObject), ''),
  dependencies: optional(32, map(json), ''),
  additionalItems: optional(33, json, ''),
  definitions: optional(34, map(rawObject), ''),
  externalDocs: explicit(35, ExternalDocumentation, ''),
  example: optional(36, json, ''),
  nullable: optional(37, bool, ''),
  'x-kubernetes-preserve-unknown-fields': explicit(38, bool, ''),
  'x-kubernetes-embedded-resource': optional(39, bool, ''),
  'x-kubernetes-int-or-string': optional(40, bool, ''),
  'x-kubernetes-list-map-keys': optional(41, list(string, { list: 'atomic' }), ''),
  'x-kubernetes-list-type': explicit(42, string, ''),
  'x-kubernetes-map-type': explicit(43, string, ''),
  'x-kubernetes-validations': optional(44, list(ValidationRule, { list: ['rule'], merge: 'rule' }), ''),
})
export interface JSONSchemaProps extends Infer<typeof JSONSchemaProps> {}

export const CustomResourceValidation = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceValidation',
  '',
  {
    openAPIV3Schema: explicit(1, JSONSchemaProps, ''),
  },
)
export interface CustomResourceValidation extends Infer<typeof CustomResourceValidation> {}

export const CustomResourceSubresourceStatus = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus',
  '',
  {},
)
export interface CustomResourceSubresourceStatus extends Infer<typeof CustomResourceSubresourceStatus> {}

export const CustomResourceSubresourceScale = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceScale',
  '',
  {
    specReplicasPath: required(1, string, ''),
    statusReplicasPath: required(2, string, ''),
    labelSelectorPath: explicit(3, string, ''),
  },
)
export interface CustomResourceSubresourceScale extends Infer<typeof CustomResourceSubresourceScale> {}

export const CustomResourceSubresources = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresources',
  '',
  {
    status: explicit(1, CustomResourceSubresourceStatus, ''),
    scale: explicit(2, CustomResourceSubresourceScale, ''),
  },
)
export interface CustomResourceSubresources extends Infer<typeof CustomResourceSubresources> {}

export const CustomResourceColumnDefinition = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceColumnDefinition',
  '',
  {
    name: required(1, string, ''),
    type: required(2, string, ''),
    format: optional(3, string, ''),
    description: optional(4, string, ''),
    priority: optional(5, int32, ''),
    jsonPath: required(6, string, ''),
  },
)
export interface CustomResourceColumnDefinition extends Infer<typeof CustomResourceColumnDefinition> {}

export const SelectableField = object('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.SelectableField', '', {
  jsonPath: required(1, string, ''),
})
export interface SelectableField extends Infer<typeof SelectableField> {}

export const CustomResourceDefinitionVersion = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion',
  '',
  {
    name: required(1, string, ''),
    served: required(2, bool, ''),
    storage: required(3, bool, ''),
    deprecated: optional(7, bool, ''),
    deprecationWarning: explicit(8, string, ''),
    schema: explicit(4, CustomResourceValidation, ''),
    subresources: explicit(5, CustomResourceSubresources, ''),
    additionalPrinterColumns: optional(6, list(CustomResourceColumnDefinition, { list: 'atomic' }), ''),
    selectableFields: optional(9, list(SelectableField, { list: 'atomic' }), ''),
  },
)
export interface CustomResourceDefinitionVersion extends Infer<typeof CustomResourceDefinitionVersion> {}

export const ServiceReference = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference',
  '',
  {
    namespace: required(1, string, ''),
    name: required(2, string, ''),
    path: explicit(3, string, ''),
    port: explicit(4, int32, ''),
  },
)
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const WebhookClientConfig = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookClientConfig',
  '',
  {
    url: explicit(3, string, ''),
    service: explicit(1, ServiceReference, ''),
    caBundle: optional(2, bytes, ''),
  },
)
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}

export const WebhookConversion = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookConversion',
  '',
  {
    clientConfig: explicit(2, WebhookClientConfig, ''),
    conversionReviewVersions: required(3, list(string, { list: 'atomic' }), ''),
  },
)
export interface WebhookConversion extends Infer<typeof WebhookConversion> {}

export const CustomResourceConversion = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion',
  '',
  {
    strategy: required(1, string, ''),
    webhook: explicit(2, WebhookConversion, ''),
  },
)
export interface CustomResourceConversion extends Infer<typeof CustomResourceConversion> {}

export const CustomResourceDefinitionSpec = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec',
  '',
  {
    group: required(1, string, ''),
    names: required(3, CustomResourceDefinitionNames, ''),
    scope: required(4, string, ''),
    versions: required(7, list(CustomResourceDefinitionVersion, { list: 'atomic' }), ''),
    conversion: explicit(9, CustomResourceConversion, ''),
    preserveUnknownFields: optional(10, bool, ''),
  },
)
export interface CustomResourceDefinitionSpec extends Infer<typeof CustomResourceDefinitionSpec> {}

export const CustomResourceDefinitionCondition = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionCondition',
  '',
  {
    type: required(1, string, ''),
    status: required(2, string, ''),
    lastTransitionTime: embedded(3, time, ''),
    reason: optional(4, string, ''),
    message: optional(5, string, ''),
    observedGeneration: optional(6, int64, ''),
  },
)
export interface CustomResourceDefinitionCondition extends Infer<typeof CustomResourceDefinitionCondition> {}

export const CustomResourceDefinitionStatus = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus',
  '',
  {
    conditions: optional(1, list(CustomResourceDefinitionCondition, { list: ['type'] }), ''),
    acceptedNames: embedded(2, CustomResourceDefinitionNames, ''),
    storedVersions: optional(3, list(string, { list: 'atomic' }), ''),
    observedGeneration: optional(4, int64, ''),
  },
)
export interface CustomResourceDefinitionStatus extends Infer<typeof CustomResourceDefinitionStatus> {}

export const customResourceDefinitionSchema = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  '',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, ''),
    spec: required(2, CustomResourceDefinitionSpec, ''),
    status: embedded(3, CustomResourceDefinitionStatus, ''),
  },
)
export interface CustomResourceDefinition extends Infer<typeof customResourceDefinitionSchema> {}

export const CustomResourceDefinition: Kind<CustomResourceDefinition> = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  storageVersionHash: 'jfWCUB31mvA=',
  storagePrefix: 'apiextensions.k8s.io/customresourcedefinitions',
  schema: customResourceDefinitionSchema,
  status: {},
})
