import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { domainPrefixedPathFaults, labelNameRule, subdomainNameRule } from '../../schema/names.ts'
import { embedded, explicit, type Infer, object, optional, required, string } from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, invalidAll, keepsValue, startGeneration } from '../rules.ts'
import { validateTypedReference } from './typed-reference.ts'

export const IngressClassParametersReference = object(
  'io.k8s.api.networking.v1.IngressClassParametersReference',
  'Names an object with parameters of a controller.',
  {
    apiGroup: explicit(1, string, 'API group of the object; absent means the core group.'),
    kind: required(2, string, 'Kind of the object.'),
    name: required(3, string, 'Name of the object.'),
    scope: explicit(4, string, 'Cluster or Namespace; Cluster when absent.'),
    namespace: explicit(5, string, 'Namespace of the object; set exactly when scope is Namespace.'),
  },
)
export interface IngressClassParametersReference extends Infer<typeof IngressClassParametersReference> {}

export const IngressClassSpec = object(
  'io.k8s.api.networking.v1.IngressClassSpec',
  'What is wished of an ingress class.',
  {
    controller: optional(
      1,
      string,
      'Controller that serves the class, as a name with domain prefix; cannot be changed.',
    ),
    parameters: explicit(
      2,
      IngressClassParametersReference,
      'Object with parameters for the controller; absent when it needs none.',
    ),
  },
)
export interface IngressClassSpec extends Infer<typeof IngressClassSpec> {}

export const ingressClassSchema = object(
  'io.k8s.api.networking.v1.IngressClass',
  'A class of ingresses, served by one controller.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, IngressClassSpec, 'What is wished of the class.'),
  },
)
export interface IngressClass extends Infer<typeof ingressClassSchema> {}

export const IngressClass: Kind<IngressClass> = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
  storageVersionHash: 'l/iqIbDgFyQ=',
  schema: ingressClassSchema,
  nameRule: subdomainNameRule,
  defaults({ spec }) {
    if (spec.parameters) spec.parameters.scope ??= 'Cluster'
  },
  prepareCreate: startGeneration,
  prepareUpdate: (ingressClass, old) => countChange(ingressClass, old, ({ spec }) => spec),
  validate,
  validateUpdate(ingressClass, old, errors) {
    keepsValue('spec.controller', ingressClass.spec.controller ?? '', old.spec.controller ?? '', errors)
    validate(ingressClass, errors)
  },
  columns: [
    nameColumn,
    textColumn('Controller', 'Who serves ingresses of this class.', ({ spec }) => spec.controller ?? ''),
    textColumn('Parameters', 'The object with further settings.', ({ spec: { parameters } }) =>
      parameters === undefined
        ? '<none>'
        : `${parameters.kind}${parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`}/${parameters.name}`,
    ),
    ageColumn,
  ],
})

const maxControllerLength = 250

function validate({ spec: { controller = '', parameters } }: IngressClass, errors: FieldErrors): void {
  const path = 'spec.controller'
  if (Buffer.byteLength(controller) > maxControllerLength) errors.tooLong(path, maxControllerLength)
  if (controller === '') errors.required(path)
  else for (const { part, fault } of domainPrefixedPathFaults(controller)) errors.invalid(path, part, fault)
  if (parameters !== undefined) validateParameters('spec.parameters', parameters, errors)
}

function validateParameters(path: string, parameters: IngressClassParametersReference, errors: FieldErrors): void {
  validateTypedReference(path, parameters, errors)
  const { scope, namespace } = parameters
  if (scope === undefined) errors.required(`${path}.scope`)
  else if (scope === 'Namespace') {
    if (namespace === undefined) errors.required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'")
    else invalidAll(`${path}.namespace`, namespace, labelNameRule(namespace, false), errors)
  } else if (scope === 'Cluster') {
    if (namespace !== undefined) errors.forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'")
  } else {
    errors.notSupported(`${path}.scope`, scope, ['Cluster', 'Namespace'])
  }
}
