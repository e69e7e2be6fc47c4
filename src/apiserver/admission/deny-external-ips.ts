import type { Service } from '../../kinds/core/service.ts'
import type { AdmissionPlugin } from '../admission.ts'
import { isFor, isWrite } from './is.ts'
import { refuse } from './refuse.ts'

/** Nobody takes over an address of somebody else by `externalIPs` (CVE-2020-8554); those that are there may stay. */
export const denyServiceExternalIps: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  handles: (attributes) => isFor(attributes, 'services') && isWrite(attributes),
  validate(attributes) {
    const known = new Set((attributes.oldObject as Service | undefined)?.spec.externalIPs)
    const isNew = (attributes.object as Service).spec.externalIPs?.some((address) => !known.has(address))
    if (isNew) throw refuse(attributes, 'Use of external IPs is denied by admission control.')
  },
}
