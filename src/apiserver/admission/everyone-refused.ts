import type { AdmissionPlugin } from '../admission.ts'
import { refuse } from './refuse.ts'

/** Lets nothing in (`AlwaysDeny`). */
export const everyoneRefused: AdmissionPlugin = {
  name: 'AlwaysDeny',
  handles: () => true,
  admit(attributes) {
    throw refuse(attributes, 'admission control is denying all modifications')
  },
  validate(attributes) {
    throw refuse(attributes, 'admission control is denying all modifications')
  },
}
