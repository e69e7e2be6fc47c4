/** Rules for definitions of resources, but for the schemas inside: those the schema compiler checks. */

import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { dns1035LabelFaults, dnsSubdomainFaults } from '../../schema/names.ts'
import { immutable, invalidAll } from '../rules.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
} from './custom-resource-definition.ts'

export function validateDefinition(definition: CustomResourceDefinition, errors: FieldErrors): void {
  const { metadata, spec, status } = definition
  if (metadata.name !== `${spec.names.plural}.${spec.group}`) {
    errors.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')
  }
  validateGroup(spec.group, errors)
  const scopes = ['Cluster', 'Namespaced']
  if (!spec.scope) errors.required('spec.scope')
  else if (!scopes.includes(spec.scope)) errors.notSupported('spec.scope', spec.scope, scopes)
  validateVersions(spec.versions ?? [], errors)
  validateNames('spec.names', spec.names, errors)
  const strategies = ['None', 'Webhook']
  const strategy = spec.conversion?.strategy ?? 'None'
  if (!strategies.includes(strategy)) errors.notSupported('spec.conversion.strategy', strategy, strategies)
  const stored = status.storedVersions ?? []
  if (stored.length === 0) {
    errors.invalid('status.storedVersions', null, 'must have at least one stored version')
  }
  const current = spec.versions?.findLast(({ storage }) => storage)?.name
  if (current !== undefined && stored.length > 0 && !stored.includes(current)) {
    errors.invalid('status.storedVersions', stored, `must have the storage version ${current}`)
  }
}

function validateGroup(group: string, errors: FieldErrors): void {
  if (!group) errors.required('spec.group')
  else {
    invalidAll('spec.group', group, dnsSubdomainFaults(group), errors)
    if (!group.includes('.')) errors.invalid('spec.group', group, 'should be a domain with at least one dot')
  }
}

const maxDeprecationWarning = 256

function validateVersions(versions: readonly CustomResourceDefinitionVersion[], errors: FieldErrors): void {
  const names = new Set<string>()
  for (const [index, version] of versions.entries()) {
    const { name, deprecated, deprecationWarning } = version
    const path = `spec.versions[${index}]`
    names.add(name)
    invalidAll(`${path}.name`, name, dns1035LabelFaults(name), errors)
    if (deprecationWarning === undefined) continue
    if (!deprecated) {
      errors.invalid(`${path}.deprecationWarning`, deprecationWarning, 'can only be set for deprecated versions')
    } else if (deprecationWarning.length > maxDeprecationWarning) {
      const detail = `must be <= ${maxDeprecationWarning} characters long`
      errors.invalid(`${path}.deprecationWarning`, deprecationWarning, detail)
    }
  }
  const [first] = versions
  if (first !== undefined) invalidAll('spec.version', first.name, dns1035LabelFaults(first.name), errors)
  validateFeatures(versions, errors)
  const shown = versions.map(showVersion)
  if (names.size < versions.length) errors.invalid('spec.versions', shown, 'must contain unique version names')
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.invalid('spec.versions', shown, 'must have exactly one version marked as storage version')
  }
}

/** What all versions have alike is told as a fault of the definition, not of each version. */
function validateFeatures(versions: readonly CustomResourceDefinitionVersion[], errors: FieldErrors): void {
  const [first, ...others] = versions
  if (first === undefined) return
  const isSame = (field: 'additionalPrinterColumns' | 'subresources') =>
    others.every((version) => equalJson(version[field], first[field]))
  for (const [index, version] of versions.entries()) {
    const path = (field: 'additionalPrinterColumns' | 'subresources') =>
      isSame(field) ? `spec.${field}` : `spec.versions[${index}].${field}`
    if (index === 0 || !isSame('additionalPrinterColumns')) {
      validateColumns(path('additionalPrinterColumns'), version.additionalPrinterColumns ?? [], errors)
    }
    const { scale } = version.subresources ?? {}
    if (scale !== undefined && (index === 0 || !isSame('subresources'))) {
      validateScale(`${path('subresources')}.scale`, scale, errors)
    }
  }
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']

function validateColumns(path: string, columns: readonly CustomResourceColumnDefinition[], errors: FieldErrors): void {
  for (const [index, { name, type, jsonPath }] of columns.entries()) {
    const where = `${path}[${index}]`
    if (!name) errors.required(`${where}.name`)
    if (!type) errors.required(`${where}.type`, `must be one of ${columnTypes.join(',')}`)
    else if (!columnTypes.includes(type)) {
      errors.invalid(`${where}.type`, type, `must be one of ${columnTypes.join(',')}`)
    }
    if (!jsonPath) errors.required(`${where}.JSONPath`)
    else validateSimplePath(`${where}.JSONPath`, jsonPath, errors)
  }
}

function validateSimplePath(path: string, text: string, errors: FieldErrors): boolean {
  const isRight = text.startsWith('.')
  if (!isRight) errors.invalid(path, text, 'must be a simple json path starting with .')
  return isRight
}

function validateScale(path: string, scale: CustomResourceSubresourceScale, errors: FieldErrors): void {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale
  const check = (field: string, text: string, parents: readonly string[]) => {
    const where = `${path}.${field}`
    if (!validateSimplePath(where, text, errors)) return
    if (parents.some((parent) => text.startsWith(`${parent}.`))) return
    errors.invalid(where, text, `should be a json path under ${parents.join(' or ')}`)
  }
  if (!specReplicasPath) errors.required(`${path}.specReplicasPath`)
  else check('specReplicasPath', specReplicasPath, ['.spec'])
  if (!statusReplicasPath) errors.required(`${path}.statusReplicasPath`)
  else check('statusReplicasPath', statusReplicasPath, ['.status'])
  if (labelSelectorPath) check('labelSelectorPath', labelSelectorPath, ['.spec', '.status'])
}

/** The reference moves what all versions have in common out of them before it looks. */
function showVersion({ name, served, storage, deprecated, deprecationWarning }: CustomResourceDefinitionVersion) {
  return {
    Name: name,
    Served: served,
    Storage: storage,
    Deprecated: deprecated ?? false,
    DeprecationWarning: deprecationWarning ?? null,
    Schema: null,
    Subresources: null,
    AdditionalPrinterColumns: null,
    SelectableFields: null,
  }
}

function validateNames(path: string, names: CustomResourceDefinitionNames, errors: FieldErrors): void {
  const { plural, singular = '', kind, listKind = '', shortNames = [], categories = [] } = names
  const check = (field: string, value: string, text = value) => {
    if (value === '') errors.required(`${path}.${field}`)
    else invalidAll(`${path}.${field}`, value, dns1035LabelFaults(text), errors)
  }
  check('plural', plural)
  check('singular', singular)
  check('kind', kind, kind.toLowerCase())
  check('listKind', listKind, listKind.toLowerCase())
  for (const [index, name] of shortNames.entries()) check(`shortNames[${index}]`, name)
  for (const [index, name] of categories.entries()) check(`categories[${index}]`, name)
  if (kind !== '' && kind === listKind) {
    errors.invalid(`${path}.listKind`, listKind, 'kind and listKind may not be the same')
  }
}

export function validateDefinitionUpdate(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition,
  errors: FieldErrors,
): void {
  validateDefinition(definition, errors)
  const established = old.status.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')
  const { spec } = definition
  if (established && spec.scope !== old.spec.scope) errors.invalid('spec.scope', spec.scope, immutable)
  if (established && spec.names.kind !== old.spec.names.kind) {
    errors.invalid('spec.names.kind', spec.names.kind, immutable)
  }
  if (spec.group !== old.spec.group) errors.invalid('spec.group', spec.group, immutable)
  if (spec.names.plural !== old.spec.names.plural) {
    errors.invalid('spec.names.plural', spec.names.plural, immutable)
  }
  for (const [index, name] of (definition.status.storedVersions ?? []).entries()) {
    if (spec.versions?.some((version) => version.name === name)) continue
    errors.invalid(
      `status.storedVersions[${index}]`,
      name,
      `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
    )
  }
}
