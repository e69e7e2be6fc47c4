import { type ApiError, forbidden } from '../../schema/status.ts'
import type { AdmissionAttributes } from '../admission.ts'
import { nameOf } from './is.ts'

/** What a plugin tells whom it does not let in. */
export const refuse = (attributes: AdmissionAttributes, why: string): ApiError =>
  forbidden({ group: attributes.kind.group, resource: attributes.kind.plural }, nameOf(attributes), why)
