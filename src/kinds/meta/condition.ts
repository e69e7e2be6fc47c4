import { type Infer, int64, object, optional, required, string, time } from '../../schema/types.ts'

export const Condition = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.Condition',
  'One aspect of the state of an object, as an observer last saw it.',
  {
    type: required(1, string, 'Name of the condition in CamelCase; unique within the list.'),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    observedGeneration: optional(
      3,
      int64,
      'Generation of the object on which this condition is based; older than metadata.generation means out of date.',
    ),
    lastTransitionTime: required(4, time, 'When the status last changed from one value to another.'),
    reason: required(
      5,
      string,
      'One CamelCase word that says why the condition last changed, for programs; must not be empty.',
    ),
    message: required(6, string, 'What happened, in words for people.'),
  },
)
export interface Condition extends Infer<typeof Condition> {}
