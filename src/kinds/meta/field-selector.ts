import { type Infer, list, object, optional, required, string } from '../../schema/types.ts'

export const FieldSelectorRequirement = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement',
  'One requirement on the value of a field.',
  {
    key: required(1, string, 'Path of the field, such as spec.nodeName.'),
    operator: required(2, string, 'In, NotIn, Exists or DoesNotExist.'),
    values: optional(
      3,
      list(string, { list: 'atomic' }),
      'Values to compare with; needed for In and NotIn, forbidden for Exists and DoesNotExist.',
    ),
  },
)
export interface FieldSelectorRequirement extends Infer<typeof FieldSelectorRequirement> {}
