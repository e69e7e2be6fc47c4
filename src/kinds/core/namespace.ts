import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, list, object, oneOf, optional, required, string, time } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const NamespaceSpec = object('io.k8s.api.core.v1.NamespaceSpec', '', {
  finalizers: optional(1, list(string, { list: 'atomic' }), ''),
})
export interface NamespaceSpec extends Infer<typeof NamespaceSpec> {}

export const NamespaceCondition = object('io.k8s.api.core.v1.NamespaceCondition', '', {
  type: required(1, string, ''),
  status: required(2, string, ''),
  lastTransitionTime: embedded(4, time, ''),
  reason: optional(5, string, ''),
  message: optional(6, string, ''),
})
export interface NamespaceCondition extends Infer<typeof NamespaceCondition> {}

export const NamespaceStatus = object('io.k8s.api.core.v1.NamespaceStatus', '', {
  phase: optional(1, oneOf('Active', 'Terminating'), ''),
  conditions: optional(2, list(NamespaceCondition, { list: ['type'], merge: 'type' }), ''),
})
export interface NamespaceStatus extends Infer<typeof NamespaceStatus> {}

export const namespaceSchema = object('io.k8s.api.core.v1.Namespace', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, NamespaceSpec, ''),
  status: embedded(3, NamespaceStatus, ''),
})
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
  status: {},
  subresources: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
})
