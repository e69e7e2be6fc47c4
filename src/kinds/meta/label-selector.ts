import { type Infer, list, map, object, optional, required, string } from '../../schema/types.ts'

export const LabelSelectorRequirement = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement',
  'One requirement on a label.',
  {
    key: required(1, string, 'Key of the label.'),
    operator: required(
      2,
      string,
      'In, NotIn, Exists or DoesNotExist; NotIn and DoesNotExist also hold when the label is absent.',
    ),
    values: optional(
      3,
      list(string, { list: 'atomic' }),
      'Values to compare with; needed for In and NotIn, forbidden for Exists and DoesNotExist.',
    ),
  },
)
export interface LabelSelectorRequirement extends Infer<typeof LabelSelectorRequirement> {}

export const LabelSelector = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector',
  'Selects objects by their labels; all requirements must hold. An empty selector selects everything.',
  {
    matchLabels: optional(1, map(string), 'Labels that must be present with exactly these values.'),
    matchExpressions: optional(
      2,
      list(LabelSelectorRequirement, { list: 'atomic' }),
      'Further requirements, all of which must hold.',
    ),
  },
  { atomic: true },
)
export interface LabelSelector extends Infer<typeof LabelSelector> {}
