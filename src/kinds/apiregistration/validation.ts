import type { FieldErrors } from '../../schema/field-errors.ts'
import { dns1035LabelFaults, dnsSubdomainFaults } from '../../schema/names.ts'
import { invalidAll, validatePort } from '../rules.ts'
import type { APIService } from './api-service.ts'

export function validateApiService({ metadata, spec }: APIService, errors: FieldErrors): void {
  const { group = '', version = '', service, insecureSkipTLSVerify, caBundle } = spec
  const wanted = `${version}.${group}`
  // A name that is missing is missed by the rules for all metadata.
  if (metadata.name && metadata.name !== wanted) {
    errors.invalid('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`)
  }
  if (group !== '') invalidAll('spec.group', group, dnsSubdomainFaults(group), errors)
  invalidAll('spec.version', version, dns1035LabelFaults(version), errors)
  if (spec.groupPriorityMinimum <= 0 || spec.groupPriorityMinimum > 20_000) {
    const detail = 'must be positive and less than 20000'
    errors.invalid('spec.groupPriorityMinimum', spec.groupPriorityMinimum, detail)
  }
  if (spec.versionPriority <= 0 || spec.versionPriority > 1000) {
    errors.invalid('spec.versionPriority', spec.versionPriority, 'must be positive and less than 1000')
  }
  if (service === undefined) {
    if (caBundle)
      errors.invalid('spec.caBundle', `${caBundle.length} bytes`, 'local APIServices may not have a caBundle')
    if (insecureSkipTLSVerify) {
      const detail = 'local APIServices may not have insecureSkipTLSVerify'
      errors.invalid('spec.insecureSkipTLSVerify', insecureSkipTLSVerify, detail)
    }
    return
  }
  if (!service.namespace) errors.required('spec.service.namespace')
  if (!service.name) errors.required('spec.service.name')
  validatePort('spec.service.port', service.port ?? 443, errors)
  if (insecureSkipTLSVerify && caBundle) {
    errors.invalid('spec.insecureSkipTLSVerify', insecureSkipTLSVerify, 'may not be true if caBundle is present')
  }
}
