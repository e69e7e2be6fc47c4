/** A pod's own resolver settings. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { legacyIpFaults, underscoreSubdomainFaults } from '../../schema/names.ts'
import { addFaults } from './field-checks.ts'
import type { PodSpec } from './pod-spec.ts'

const maxNameservers = 3
const maxSearches = 32
const maxSearchCharacters = 2048

export function validateDns({ dnsConfig, dnsPolicy }: PodSpec, path: string, errors: FieldErrors): void {
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return errors.required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')
    if (!dnsConfig.nameservers?.length) {
      return errors.required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')
    }
  }
  if (!dnsConfig) return
  const { nameservers = [], searches = [], options = [] } = dnsConfig
  if (nameservers.length > maxNameservers) {
    errors.invalid(`${path}.nameservers`, nameservers, `must not have more than ${maxNameservers} nameservers`)
  }
  nameservers.forEach((server, index) => {
    addFaults(errors, `${path}.nameservers[${index}]`, server, legacyIpFaults(server))
  })
  validateSearches(searches, `${path}.searches`, errors)
  options.forEach((option, index) => {
    if (!option.name) errors.required(`${path}.options[${index}]`, 'must not be empty')
  })
}

function validateSearches(searches: readonly string[], path: string, errors: FieldErrors): void {
  if (searches.length > maxSearches) {
    errors.invalid(path, searches, `must not have more than ${maxSearches} search paths`)
  }
  searches.forEach((search, index) => {
    if (search === '.') return
    const domain = search.endsWith('.') ? search.slice(0, -1) : search
    addFaults(errors, `${path}[${index}]`, domain, underscoreSubdomainFaults(domain))
  })
  if (searches.join(' ').length > maxSearchCharacters) {
    const detail = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`
    errors.invalid(path, searches, detail)
  }
}
