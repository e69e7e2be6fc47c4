import { bindingSchema } from '../../kinds/core/binding.ts'
import { Eviction } from '../../kinds/policy/eviction.ts'
import type { Expected } from '../body.ts'
import { tokenRequestType } from './token.ts'

/** What is posted to a sub-resource, by `<plural>.<group>/<sub-resource>`. */
export const postedTypes: Readonly<Record<string, Expected>> = {
  'pods./binding': { group: '', version: 'v1', kind: 'Binding', schema: bindingSchema },
  // Drain of kubectls up to 1.21 sends the old version.
  'pods./eviction': {
    group: 'policy',
    version: 'v1',
    kind: 'Eviction',
    schema: Eviction,
    formerVersions: ['v1beta1'],
  },
  'serviceaccounts./token': tokenRequestType,
}
