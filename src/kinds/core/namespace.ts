import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { labelNameRule, qualifiedNameFaults } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { embedded, type Infer, list, object, oneOf, optional, required, string, time } from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const NamespaceSpec = object('io.k8s.api.core.v1.NamespaceSpec', 'What is wished of a namespace.', {
  finalizers: optional(
    1,
    list(string, { list: 'atomic' }),
    'Names of those who must finish before the namespace is removed; usually kubernetes.',
  ),
})
export interface NamespaceSpec extends Infer<typeof NamespaceSpec> {}

export const NamespaceCondition = object(
  'io.k8s.api.core.v1.NamespaceCondition',
  'One aspect of the deletion of a namespace.',
  {
    type: required(1, string, 'Name of the condition, such as NamespaceContentRemaining.'),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastTransitionTime: embedded(4, time, 'When the status last changed from one value to another.'),
    reason: optional(5, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(6, string, 'What happened, in words for people.'),
  },
)
export interface NamespaceCondition extends Infer<typeof NamespaceCondition> {}

export const NamespaceStatus = object('io.k8s.api.core.v1.NamespaceStatus', 'What is known about a namespace.', {
  phase: optional(1, oneOf('Active', 'Terminating'), 'Active, or Terminating once it is being deleted.'),
  conditions: optional(
    2,
    list(NamespaceCondition, { list: ['type'], merge: 'type' }),
    'How the deletion is getting on, and what holds it up.',
  ),
})
export interface NamespaceStatus extends Infer<typeof NamespaceStatus> {}

export const namespaceSchema = object(
  'io.k8s.api.core.v1.Namespace',
  'A space for names; most objects live in one and are deleted with it.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, NamespaceSpec, 'What is wished of it.'),
    status: embedded(3, NamespaceStatus, 'What is known about it; written by the system.'),
  },
)
export interface Namespace extends Infer<typeof namespaceSchema> {}

export const Namespace: Kind<Namespace> = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  namespaced: false,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  storageVersionHash: 'Q3oi5N2YM8M=',
  schema: namespaceSchema,
  subresources: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
  nameRule: labelNameRule,
  defaults: labelWithName,
  prepareCreate(namespace) {
    labelWithName(namespace)
    namespace.status = { phase: 'Active' }
    const finalizers = namespace.spec.finalizers ?? []
    if (!finalizers.includes('kubernetes')) namespace.spec.finalizers = [...finalizers, 'kubernetes']
  },
  prepareUpdate(namespace, old) {
    namespace.spec = structuredClone(old.spec) as Mutable<NamespaceSpec>
    namespace.status = structuredClone(old.status) as Mutable<NamespaceStatus>
  },
  validate: validateNamespaceFinalizers,
  status: {
    validateUpdate(namespace, _old, errors) {
      const wanted = namespace.metadata.deletionTimestamp === undefined ? 'Active' : 'Terminating'
      const { phase = '' } = namespace.status
      if (phase === wanted) return
      const condition = wanted === 'Active' ? 'is empty' : 'is not empty'
      errors.invalid('status.Phase', phase, `may only be '${wanted}' if \`deletionTimestamp\` ${condition}`)
    },
  },
  selectableFields: { 'status.phase': (namespace) => namespace.status.phase ?? '' },
  columns: [
    nameColumn,
    textColumn('Status', 'Whether the namespace is in use or being emptied.', ({ status }) => status.phase ?? ''),
    ageColumn,
  ],
})

/** Selectors that name namespaces (network policies, admission) match on this label. */
const nameLabel = 'kubernetes.io/metadata.name'

function labelWithName({ metadata }: Mutable<Namespace>): void {
  if (metadata.name) metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name }
}

const standardFinalizers: readonly string[] = ['kubernetes', 'orphan', 'foregroundDeletion']

/** The rules for `spec.finalizers`; a write through `/finalize` must keep them too. */
export function validateNamespaceFinalizers({ spec }: Namespace, errors: FieldErrors): void {
  for (const finalizer of spec.finalizers ?? []) {
    for (const fault of qualifiedNameFaults(finalizer)) errors.invalid('spec.finalizers', finalizer, fault)
    if (!finalizer.includes('/') && !standardFinalizers.includes(finalizer)) {
      errors.invalid(
        'spec.finalizers',
        finalizer,
        'name is neither a standard finalizer name nor is it fully qualified',
      )
    }
  }
}
