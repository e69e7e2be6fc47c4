import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { dnsLabelFaults, labelValueFaults, qualifiedNameFaults, subdomainNameRule } from '../../schema/names.ts'
import {
  embedded,
  explicit,
  type Infer,
  list,
  map,
  object,
  optional,
  quantity,
  required,
  string,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { validateContainerResourceName, validateResourceAmount } from '../core/resource-names.ts'
import { Toleration } from '../core/scheduling.ts'
import { validateTolerations } from '../core/scheduling-validation.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { invalidAll, keepsValue } from '../rules.ts'

export const Overhead = object('io.k8s.api.node.v1.Overhead', 'Resources that a runtime needs for each pod.', {
  podFixed: optional(1, map(quantity), 'Amounts that are added to the requests of each pod.'),
})
export interface Overhead extends Infer<typeof Overhead> {}

export const Scheduling = object('io.k8s.api.node.v1.Scheduling', 'Which nodes support a runtime class.', {
  nodeSelector: optional(
    1,
    map(string, { atomic: true }),
    'Labels of the nodes that support it; added to the node selector of each pod.',
  ),
  tolerations: optional(2, list(Toleration, { list: 'atomic' }), 'Tolerations that are added to each pod.'),
})
export interface Scheduling extends Infer<typeof Scheduling> {}

export const runtimeClassSchema = object(
  'io.k8s.api.node.v1.RuntimeClass',
  'A container runtime that pods may choose.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    handler: required(
      2,
      string,
      'Name of the handler in the configuration of the node runtime; a DNS label, cannot be changed.',
    ),
    overhead: explicit(3, Overhead, 'Resources that the runtime needs for each pod; absent means none.'),
    scheduling: explicit(4, Scheduling, 'Which nodes support the class; absent means all.'),
  },
)
export interface RuntimeClass extends Infer<typeof runtimeClassSchema> {}

export const RuntimeClass: Kind<RuntimeClass> = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  namespaced: false,
  storageVersionHash: 'WQTu1GL3T2Q=',
  schema: runtimeClassSchema,
  nameRule: subdomainNameRule,
  validate,
  validateUpdate: (runtimeClass, old, errors) => keepsValue('handler', runtimeClass.handler, old.handler, errors),
  columns: [
    nameColumn,
    textColumn('Handler', 'What the container runtime calls it.', ({ handler }) => handler),
    ageColumn,
  ],
})

function validate({ handler, overhead, scheduling }: RuntimeClass, errors: FieldErrors): void {
  if (!handler) errors.required('handler')
  else invalidAll('handler', handler, dnsLabelFaults(handler), errors)
  // The paths say `limits` because the reference checks the overhead as if it were a container's limits.
  for (const [name, amount] of Object.entries(overhead?.podFixed ?? {})) {
    validateContainerResourceName(`overhead.limits[${name}]`, name, errors)
    validateResourceAmount(`overhead.limits[${name}]`, name, amount, errors)
  }
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    invalidAll('scheduling.nodeSelector', key, qualifiedNameFaults(key), errors)
    invalidAll('scheduling.nodeSelector', value, labelValueFaults(value), errors)
  }
  validateTolerations(scheduling?.tolerations ?? [], 'scheduling.tolerations', errors)
}
