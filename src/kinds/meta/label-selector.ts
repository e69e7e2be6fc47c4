import { type Infer, list, map, object, optional, required, string } from '../../schema/types.ts'

export const LabelSelectorRequirement = object('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement', '', {
  key: required(1, string, ''),
  operator: required(2, string, ''),
  values: optional(3, list(string, { list: 'atomic' }), ''),
})
export interface LabelSelectorRequirement extends Infer<typeof LabelSelectorRequirement> {}

export const LabelSelector = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector',
  '',
  {
    matchLabels: optional(1, map(string), ''),
    matchExpressions: optional(2, list(LabelSelectorRequirement, { list: 'atomic' }), ''),
  },
  { atomic: true },
)
export interface LabelSelector extends Infer<typeof LabelSelector> {}
