import { embedded, explicit, type Infer, object } from '../../schema/types.ts'
import { DeleteOptions } from '../meta/delete-options.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'

export const Eviction = object(
  'io.k8s.api.policy.v1.Eviction',
  'Asks for the removal of a pod, which disruption budgets may refuse; written to the eviction subresource.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    deleteOptions: explicit(2, DeleteOptions, 'How the pod is deleted when the eviction is granted.'),
  },
)
export interface Eviction extends Infer<typeof Eviction> {}
