import { clone } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
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
  type ObjectType,
  object,
  oneOf,
  optional,
  rawObject,
  required,
  string,
  type Type,
  time,
} from '../../schema/types.ts'
import { plainColumns } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { definitionWarnings, validateDefinitionUpdate, validateNewDefinition } from './definition-validation.ts'
import { settleSchema } from './settle-schema.ts'
import type { JsonSchema } from './structural/json-schema.ts'

export const CustomResourceDefinitionNames = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames',
  'Names of a custom resource.',
  {
    plural: required(1, string, 'Name in URLs, in lower case; the definition is called plural.group.'),
    singular: optional(2, string, 'Name of one, in lower case; the kind in lower case when absent.'),
    shortNames: optional(3, list(string, { list: 'atomic' }), 'Short names for the command line, in lower case.'),
    kind: required(4, string, 'Kind in CamelCase, in the singular.'),
    listKind: optional(5, string, 'Kind of its lists; the kind followed by List when absent.'),
    categories: optional(6, list(string, { list: 'atomic' }), 'Groups of resources to which it belongs, such as all.'),
  },
)
export interface CustomResourceDefinitionNames extends Infer<typeof CustomResourceDefinitionNames> {}

export const ExternalDocumentation = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ExternalDocumentation',
  'Documentation elsewhere.',
  {
    description: optional(1, string, 'What is to be found there.'),
    url: optional(2, string, 'URL of the documentation.'),
  },
)
export interface ExternalDocumentation extends Infer<typeof ExternalDocumentation> {}

export const ValidationRule = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule',
  'A CEL rule that a value must fulfil.',
  {
    rule: required(
      1,
      string,
      'CEL expression of type bool; self is the value, oldSelf the old one, which makes it a rule for updates.',
    ),
    message: optional(2, string, 'What the client is told on failure; one line, needed when the rule has several.'),
    messageExpression: optional(
      3,
      string,
      'CEL expression that gives the message; message holds when it fails or is empty.',
    ),
    reason: explicit(
      4,
      oneOf('FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'),
      'Reason in the answer on failure; FieldValueInvalid when absent.',
    ),
    fieldPath: optional(
      5,
      string,
      'Path of the field that the failure is about, from the value on; the value itself when absent.',
    ),
    optionalOldSelf: explicit(6, bool, 'Whether the rule also runs at creation; oldSelf is then an optional value.'),
  },
)
export interface ValidationRule extends Infer<typeof ValidationRule> {}

export const JSONSchemaProps = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps',
  'A JSON schema in the form of OpenAPI v3, with extensions of Kubernetes.',
  {
    id: optional(1, string, 'Identifier of the schema; not allowed in definitions.'),
    $schema: optional(2, string, 'Dialect of the schema; not looked at.'),
    $ref: explicit(3, string, 'Reference to another schema; not allowed in definitions.'),
    description: optional(4, string, 'What the value is, for people.'),
    type: optional(5, string, 'Type of the value: object, array, string, integer, number or boolean.'),
    format: optional(6, string, 'Format of the value, such as date-time; unknown formats are ignored.'),
    title: optional(7, string, 'Title of the value, for people.'),
    default: optional(8, json, 'Value that is filled in when the field is absent; needs a structural schema.'),
    maximum: explicit(9, double, 'Largest number that is allowed.'),
    exclusiveMaximum: optional(10, bool, 'Whether maximum itself is not allowed.'),
    minimum: explicit(11, double, 'Smallest number that is allowed.'),
    exclusiveMinimum: optional(12, bool, 'Whether minimum itself is not allowed.'),
    maxLength: explicit(13, int64, 'Most characters of a string.'),
    minLength: explicit(14, int64, 'Fewest characters of a string.'),
    pattern: optional(15, string, 'Regular expression that must match somewhere in the string.'),
    maxItems: explicit(16, int64, 'Most items of a list.'),
    minItems: explicit(17, int64, 'Fewest items of a list.'),
    uniqueItems: optional(18, bool, 'Whether items must differ; must be false, use x-kubernetes-list-type set.'),
    multipleOf: explicit(19, double, 'Number of which the value must be a multiple.'),
    enum: optional(20, list(json, { list: 'atomic' }), 'The values that are allowed.'),
    maxProperties: explicit(21, int64, 'Most properties of an object.'),
    minProperties: explicit(22, int64, 'Fewest properties of an object.'),
    required: optional(23, list(string, { list: 'atomic' }), 'Properties that must be present.'),
    items: optional(24, json, 'Schema of the items of a list; must be one schema.'),
    allOf: optional(25, list(rawObject, { list: 'atomic' }), 'Schemas that must all hold.'),
    oneOf: optional(26, list(rawObject, { list: 'atomic' }), 'Schemas of which exactly one must hold.'),
    anyOf: optional(27, list(rawObject, { list: 'atomic' }), 'Schemas of which at least one must hold.'),
    not: explicit(28, rawObject, 'Schema that must not hold.'),
    properties: optional(29, map(rawObject), 'Schemas of the properties of an object.'),
    additionalProperties: optional(
      30,
      json,
      'Schema of the values of a map; excludes properties. True allows any value.',
    ),
    patternProperties: optional(31, map(rawObject), 'Schemas of properties by pattern; not allowed in definitions.'),
    dependencies: optional(32, map(json), 'What must be present along with a property; not allowed in definitions.'),
    additionalItems: optional(33, json, 'Schema of further items; not allowed in definitions.'),
    definitions: optional(34, map(rawObject), 'Schemas for reference; not allowed in definitions of resources.'),
    externalDocs: explicit(35, ExternalDocumentation, 'Documentation elsewhere.'),
    example: optional(36, json, 'Example of a value, for people.'),
    nullable: optional(
      37,
      bool,
      'Whether null is allowed; false when absent, and null is then pruned where there is a default.',
    ),
    'x-kubernetes-preserve-unknown-fields': explicit(
      38,
      bool,
      'Whether unknown fields below are kept instead of pruned; true is the only value allowed.',
    ),
    'x-kubernetes-embedded-resource': optional(
      39,
      bool,
      'Whether the value is a whole object with apiVersion, kind and metadata.',
    ),
    'x-kubernetes-int-or-string': optional(40, bool, 'Whether the value is an integer or a string.'),
    'x-kubernetes-list-map-keys': optional(
      41,
      list(string, { list: 'atomic' }),
      'Properties that make up the key of an item; for lists of type map.',
    ),
    'x-kubernetes-list-type': explicit(42, string, 'How apply treats a list: atomic, set or map; atomic when absent.'),
    'x-kubernetes-map-type': explicit(
      43,
      string,
      'How apply treats an object: granular or atomic; granular when absent.',
    ),
    'x-kubernetes-validations': optional(
      44,
      list(ValidationRule, { list: ['rule'], merge: 'rule' }),
      'CEL rules that the value must fulfil.',
    ),
  },
)
export interface JSONSchemaProps extends Infer<typeof JSONSchemaProps> {}

// A type that holds itself cannot be said in one expression: what holds schemas is told so afterwards.
const schemaItself: ObjectType = JSONSchemaProps
const holdsSchemas: Readonly<Record<string, Type>> = {
  allOf: list(schemaItself, { list: 'atomic' }),
  oneOf: list(schemaItself, { list: 'atomic' }),
  anyOf: list(schemaItself, { list: 'atomic' }),
  not: schemaItself,
  properties: map(schemaItself),
  patternProperties: map(schemaItself),
  definitions: map(schemaItself),
}
for (const [name, type] of Object.entries(holdsSchemas)) {
  Object.assign(schemaItself.fields as object, { [name]: { ...schemaItself.fields[name]!, type } })
}

export const CustomResourceValidation = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceValidation',
  'Schema of one version of a custom resource.',
  {
    openAPIV3Schema: explicit(1, JSONSchemaProps, 'The schema; it prunes and validates objects, and is published.'),
  },
)
export interface CustomResourceValidation extends Infer<typeof CustomResourceValidation> {}

export const CustomResourceSubresourceStatus = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus',
  'Serves the status subresource; /status writes only .status, the object itself all else.',
  {},
)
export interface CustomResourceSubresourceStatus extends Infer<typeof CustomResourceSubresourceStatus> {}

export const CustomResourceSubresourceScale = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceScale',
  'Serves the scale subresource.',
  {
    specReplicasPath: required(1, string, 'JSON path of the wished number, below .spec; no lists.'),
    statusReplicasPath: required(
      2,
      string,
      'JSON path of the actual number, below .status; no lists. Absent values count as 0.',
    ),
    labelSelectorPath: explicit(
      3,
      string,
      'JSON path of the selector as a string, below .status or .spec; needed for autoscaling.',
    ),
  },
)
export interface CustomResourceSubresourceScale extends Infer<typeof CustomResourceSubresourceScale> {}

export const CustomResourceSubresources = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresources',
  'Subresources of a custom resource.',
  {
    status: explicit(1, CustomResourceSubresourceStatus, 'Serves the status subresource; absent means not.'),
    scale: explicit(2, CustomResourceSubresourceScale, 'Serves the scale subresource; absent means not.'),
  },
)
export interface CustomResourceSubresources extends Infer<typeof CustomResourceSubresources> {}

export const CustomResourceColumnDefinition = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceColumnDefinition',
  'A column that kubectl get shows.',
  {
    name: required(1, string, 'Heading of the column.'),
    type: required(2, string, 'Type of the value: string, integer, number, boolean or date.'),
    format: optional(3, string, 'Format of the value; name marks the column with the name.'),
    description: optional(4, string, 'What the column shows, for people.'),
    priority: optional(5, int32, '0 is always shown, higher ones only in wide output.'),
    jsonPath: required(6, string, 'Path of the value in the object.'),
  },
)
export interface CustomResourceColumnDefinition extends Infer<typeof CustomResourceColumnDefinition> {}

export const SelectableField = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.SelectableField',
  'A field by which objects can be selected.',
  {
    jsonPath: required(1, string, 'Path of the field; a string, boolean or integer outside lists. Not in metadata.'),
  },
)
export interface SelectableField extends Infer<typeof SelectableField> {}

export const CustomResourceDefinitionVersion = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion',
  'One version of a custom resource.',
  {
    name: required(1, string, 'Name of the version, such as v1beta1; a DNS label.'),
    served: required(2, bool, 'Whether the version is served.'),
    storage: required(3, bool, 'Whether objects are stored in this version; exactly one version says so.'),
    deprecated: optional(7, bool, 'Whether clients that use the version are warned.'),
    deprecationWarning: explicit(8, string, 'Text of the warning; a default one when absent. Needs deprecated.'),
    schema: explicit(4, CustomResourceValidation, 'Schema of the version; needed.'),
    subresources: explicit(5, CustomResourceSubresources, 'Subresources of the version; absent means none.'),
    additionalPrinterColumns: optional(
      6,
      list(CustomResourceColumnDefinition, { list: 'atomic' }),
      'Columns that kubectl get shows; the age alone when absent.',
    ),
    selectableFields: optional(
      9,
      list(SelectableField, { list: 'atomic' }),
      'Fields by which objects can be selected; at most 8.',
    ),
  },
)
export interface CustomResourceDefinitionVersion extends Infer<typeof CustomResourceDefinitionVersion> {}

export const ServiceReference = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference',
  'A service of the cluster that is called.',
  {
    namespace: required(1, string, 'Namespace of the service.'),
    name: required(2, string, 'Name of the service.'),
    path: explicit(3, string, 'Path of the URL; absent sends none.'),
    port: explicit(4, int32, 'Port of the service; 443 when absent.'),
  },
)
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const WebhookClientConfig = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookClientConfig',
  'How a webhook is reached; either url or service is set.',
  {
    url: explicit(3, string, 'URL of the webhook; https, without user, query and fragment.'),
    service: explicit(1, ServiceReference, 'Service of the cluster that is the webhook.'),
    caBundle: optional(
      2,
      bytes,
      'Certificates in PEM form that verify the webhook; absent takes the trust of the API server.',
    ),
  },
)
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}

export const WebhookConversion = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookConversion',
  'Conversion by a webhook.',
  {
    clientConfig: explicit(2, WebhookClientConfig, 'How the webhook is reached; needed.'),
    conversionReviewVersions: required(
      3,
      list(string, { list: 'atomic' }),
      'Versions of ConversionReview that the webhook understands, the preferred one first.',
    ),
  },
)
export interface WebhookConversion extends Infer<typeof WebhookConversion> {}

export const CustomResourceConversion = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion',
  'How objects get from one version to another.',
  {
    strategy: required(1, string, 'None changes only apiVersion, Webhook asks a webhook.'),
    webhook: explicit(2, WebhookConversion, 'The webhook; set exactly when the strategy is Webhook.'),
  },
)
export interface CustomResourceConversion extends Infer<typeof CustomResourceConversion> {}

export const CustomResourceDefinitionSpec = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec',
  'What is wished of a custom resource.',
  {
    group: required(1, string, 'API group of the resource; cannot be changed.'),
    names: required(3, CustomResourceDefinitionNames, 'Names of the resource.'),
    scope: required(4, string, 'Cluster or Namespaced; cannot be changed.'),
    versions: required(
      7,
      list(CustomResourceDefinitionVersion, { list: 'atomic' }),
      'Versions of the resource; discovery lists them by stability, then number.',
    ),
    conversion: explicit(9, CustomResourceConversion, 'How objects get from one version to another; None when absent.'),
    preserveUnknownFields: optional(10, bool, 'Old way to keep unknown fields; must be false.'),
  },
)
export interface CustomResourceDefinitionSpec extends Infer<typeof CustomResourceDefinitionSpec> {}

export const CustomResourceDefinitionCondition = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionCondition',
  'One aspect of the state of a definition.',
  {
    type: required(
      1,
      string,
      'Name of the condition: Established, NamesAccepted, NonStructuralSchema, Terminating and others.',
    ),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastTransitionTime: embedded(3, time, 'When the status last changed from one value to another.'),
    reason: optional(4, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(5, string, 'What happened, in words for people.'),
    observedGeneration: optional(6, int64, 'Generation on which the condition is based.'),
  },
)
export interface CustomResourceDefinitionCondition extends Infer<typeof CustomResourceDefinitionCondition> {}

export const CustomResourceDefinitionStatus = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus',
  'What is known about a definition.',
  {
    conditions: embedded(
      1,
      list(CustomResourceDefinitionCondition, { list: ['type'] }),
      'Aspects of the state; the resource is served once Established.',
    ),
    acceptedNames: embedded(
      2,
      CustomResourceDefinitionNames,
      'Names that are in use; they may differ from the wished ones when those are taken.',
    ),
    storedVersions: embedded(
      3,
      list(string, { list: 'atomic' }),
      'Versions in which objects may be stored; a version can be dropped once it is no longer here.',
    ),
    observedGeneration: optional(4, int64, 'Generation on which this status is based.'),
  },
)
export interface CustomResourceDefinitionStatus extends Infer<typeof CustomResourceDefinitionStatus> {}

export const customResourceDefinitionSchema = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  'Adds a resource to the API; its name is the plural, a dot and the group.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, CustomResourceDefinitionSpec, 'What is wished of the resource.'),
    status: embedded(3, CustomResourceDefinitionStatus, 'What is known about the definition.'),
  },
)
export interface CustomResourceDefinition extends Infer<typeof customResourceDefinitionSchema> {}

/** Who sees to it that the objects of a definition are gone before the definition is. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

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
  nameRule: subdomainNameRule,
  columns: plainColumns,
  defaults: fill,
  prepareCreate(definition) {
    startGeneration(definition)
    definition.status = { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: [] }
    storeVersions(definition)
  },
  prepareUpdate(definition, old) {
    definition.status = clone(old.status)
    storeVersions(definition)
    countChange(definition, old, ({ spec }) => spec)
  },
  validate: validateNewDefinition,
  validateUpdate: validateDefinitionUpdate,
  warnings: definitionWarnings,
  status: {
    prepareUpdate(definition, old) {
      // Nobody changes it from here on, and what is the very same need not be looked at.
      definition.spec = old.spec as Mutable<CustomResourceDefinitionSpec>
      storeVersions(definition)
    },
  },
  unconditionalUpdate: false,
})

function fill({ spec }: Mutable<CustomResourceDefinition>): void {
  // Schemas are settled in place, and these may be those of the stored definition.
  if (spec.versions) spec.versions = clone(spec.versions)
  for (const { schema } of spec.versions ?? []) settleSchema(schema?.openAPIV3Schema as Mutable<JsonSchema> | undefined)
  spec.names.singular ||= spec.names.kind.toLowerCase()
  spec.names.listKind ||= spec.names.kind === '' ? '' : `${spec.names.kind}List`
  spec.conversion ??= { strategy: 'None' }
  const { clientConfig } = spec.conversion.webhook ?? {}
  if (clientConfig?.service !== undefined) clientConfig.service.port ??= 443
}

/** Objects may have been stored in every version that ever was the storage version. */
function storeVersions({ spec, status }: Mutable<CustomResourceDefinition>): void {
  const stored = spec.versions?.find(({ storage }) => storage)?.name
  const before = status.storedVersions ?? []
  if (stored !== undefined && !before.includes(stored)) status.storedVersions = [...before, stored]
}
