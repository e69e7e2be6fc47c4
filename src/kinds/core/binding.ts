import { defineKind, type Kind } from '../../schema/kind.ts'
import { embedded, type Infer, object, required } from '../../schema/types.ts'
import { plainColumns } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { ObjectReference } from './references.ts'

export const bindingSchema = object(
  'io.k8s.api.core.v1.Binding',
  'Assigns a pod to a node; written through the binding subresource of the pod.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    target: required(2, ObjectReference, 'The node to which the pod is bound.'),
  },
)
export interface Binding extends Infer<typeof bindingSchema> {}

export const Binding: Kind<Binding> = defineKind<Binding>({
  group: '',
  version: 'v1',
  kind: 'Binding',
  plural: 'bindings',
  namespaced: true,
  verbs: ['create'],
  schema: bindingSchema,
  validate({ target }, errors) {
    if (target.kind && target.kind !== 'Node') errors.notSupported('target.kind', target.kind, ['Node', '<empty>'])
    if (!target.name) errors.required('target.name')
  },
  columns: plainColumns,
})
