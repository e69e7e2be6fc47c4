import { own } from '../../base/own.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import { bool, embedded, explicit, type Infer, int32, object, oneOf, optional, string } from '../../schema/types.ts'
import { ageColumn, booleanColumn, integerColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { keepsValue, startGeneration } from '../rules.ts'

export const priorityClassSchema = object(
  'io.k8s.api.scheduling.v1.PriorityClass',
  'Gives a name to a priority of pods.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    value: embedded(
      2,
      int32,
      'The priority; a higher one goes first. At most 1000000000 for user-defined classes. Cannot be changed.',
    ),
    globalDefault: optional(3, bool, 'Whether pods that name no class get this one; at most one class should say so.'),
    description: optional(4, string, 'When the class is to be used, in words for people.'),
    preemptionPolicy: explicit(
      5,
      oneOf('Never', 'PreemptLowerPriority'),
      'Whether pods of the class may preempt those of lower priority; PreemptLowerPriority when absent. Cannot be changed.',
    ),
  },
)
export interface PriorityClass extends Infer<typeof priorityClassSchema> {}

export const PriorityClass: Kind<PriorityClass> = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  namespaced: false,
  storageVersionHash: '1QwjyaZjj3Y=',
  schema: priorityClassSchema,
  nameRule: subdomainNameRule,
  defaults(priorityClass) {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  prepareCreate: startGeneration,
  validate,
  validateUpdate(priorityClass, old, errors) {
    if (priorityClass.value !== old.value) errors.forbidden('value', 'may not be changed in an update.')
    keepsValue('preemptionPolicy', priorityClass.preemptionPolicy, old.preemptionPolicy, errors)
  },
  columns: [
    nameColumn,
    integerColumn('Value', 'The priority that pods of this class get.', ({ value }) => value),
    booleanColumn(
      'Global-Default',
      'Whether pods without a class get this one.',
      ({ globalDefault }) => globalDefault ?? false,
    ),
    ageColumn,
    textColumn(
      'PreemptionPolicy',
      'Whether pods of this class may push out others.',
      ({ preemptionPolicy }) => preemptionPolicy ?? '',
    ),
  ],
})

/** The classes that the cluster itself brings: name → value. */
export const systemPriorities: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
}
const highestUserPriority = 1_000_000_000

function validate({ metadata, value, globalDefault, preemptionPolicy }: PriorityClass, errors: FieldErrors): void {
  const name = metadata.name ?? ''
  if (name.startsWith('system-')) {
    const fault = systemClassFault(name, value, globalDefault ?? false)
    const rule = "priority class names with 'system-' prefix are reserved for system use only. error: "
    if (fault !== undefined) errors.forbidden('metadata.name', `${rule}${fault}`)
  } else if (value > highestUserPriority) {
    errors.forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`)
  }
  if (preemptionPolicy === undefined) return
  const policies: readonly string[] = ['PreemptLowerPriority', 'Never']
  if ((preemptionPolicy as string) === '') errors.required('preemptionPolicy')
  else if (!policies.includes(preemptionPolicy)) errors.notSupported('preemptionPolicy', preemptionPolicy, policies)
}

function systemClassFault(name: string, value: number, globalDefault: boolean): string | undefined {
  const priority = own(systemPriorities, name)
  if (priority === undefined) return `${name} is not a known system priority class`
  if (value !== priority) return `value of ${name} PriorityClass must be ${priority}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}
