import { type Infer, list, object, optional, required, string } from '../../schema/types.ts'

export const FieldSelectorRequirement = object('io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement', '', {
  key: required(1, string, ''),
  operator: required(2, string, ''),
  values: optional(3, list(string, { list: 'atomic' }), ''),
})
export interface FieldSelectorRequirement extends Infer<typeof FieldSelectorRequirement> {}
