/** Rules for definitions of resources; those for the schemas inside are in `structural/`. */

import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { dns1035LabelFaults, dnsSubdomainFaults } from '../../schema/names.ts'
import { immutable } from '../rules.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
  SelectableField,
} from './custom-resource-definition.ts'
import { fieldOfSchema } from './structural/field-path.ts'
import { isKnownFormat } from './structural/formats.ts'
import { itemsOf, type JsonSchema, valuesOf } from './structural/json-schema.ts'
import { validateSchema } from './structural/schema-rules.ts'

function validateDefinition(definition: CustomResourceDefinition, errors: FieldErrors): void {
  const { spec, status } = definition
  validateSpec(spec, errors)
  const stored = status.storedVersions ?? []
  if (stored.length === 0) {
    errors.invalid('status.storedVersions', null, 'must have at least one stored version')
  }
  const current = spec.versions?.findLast(({ storage }) => storage)?.name
  if (current !== undefined && stored.length > 0 && !stored.includes(current)) {
    errors.invalid('status.storedVersions', stored, `must have the storage version ${current}`)
  }
}

function validateSpec(spec: CustomResourceDefinitionSpec, errors: FieldErrors): void {
  const versions = spec.versions ?? []
  validateGroup(spec.group, errors)
  const scopes = ['Cluster', 'Namespaced']
  if (!spec.scope) errors.required('spec.scope')
  else if (!scopes.includes(spec.scope)) errors.notSupported('spec.scope', spec.scope, scopes)
  const shared = sharedFeatures(versions)
  for (const [index, { schema }] of versions.entries()) {
    if (schema?.openAPIV3Schema === undefined) errors.required(`spec.versions[${index}].schema.openAPIV3Schema`)
  }
  for (const [index, version] of versions.entries()) {
    const path = `spec.versions[${index}]`
    invalidJoined(`${path}.name`, version.name, dns1035LabelFaults(version.name), errors)
    validateDeprecation(path, version, errors)
    const own = features.filter((feature) => !shared.has(feature))
    validateFeatures(version, own, { base: path, schema: `${path}.schema` }, errors)
  }
  validateVersionSet(versions, errors)
  validateNames('spec.names', spec.names, errors)
  if (versions[0] !== undefined) {
    validateFeatures(versions[0], [...shared], { base: 'spec', schema: 'spec.validation' }, errors)
  }
  validateConversion(spec.conversion, errors)
}

function validateVersionSet(versions: readonly CustomResourceDefinitionVersion[], errors: FieldErrors): void {
  const shown = versions.map(showVersion)
  const names = new Set(versions.map(({ name }) => name))
  if (names.size < versions.length) errors.invalid('spec.versions', shown, 'must contain unique version names')
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.invalid('spec.versions', shown, 'must have exactly one version marked as storage version')
  }
  const [first] = versions
  if (first !== undefined) invalidJoined('spec.version', first.name, dns1035LabelFaults(first.name), errors)
}

function validateGroup(group: string, errors: FieldErrors): void {
  if (!group) return errors.required('spec.group')
  const faults = dnsSubdomainFaults(group)
  if (faults.length > 0) invalidJoined('spec.group', group, faults, errors)
  else if (!group.includes('.')) errors.invalid('spec.group', group, 'should be a domain with at least one dot')
}

/** All faults of a value in one error. */
function invalidJoined(path: string, value: string, faults: readonly string[], errors: FieldErrors): void {
  if (faults.length > 0) errors.invalid(path, value, faults.join(','))
}

const maxDeprecationWarning = 256
/** What Go takes for printable: letters, marks, numbers, punctuation, symbols and the plain space. */
const notPrintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u

function validateDeprecation(path: string, version: CustomResourceDefinitionVersion, errors: FieldErrors): void {
  const { deprecated, deprecationWarning: warning } = version
  if (warning === undefined) return
  const invalid = (detail: string) => errors.invalid(`${path}.deprecationWarning`, warning, detail)
  const strange = notPrintable.exec(warning)
  if (!deprecated) invalid('can only be set for deprecated versions')
  if (warning.length > maxDeprecationWarning) invalid(`must be <= ${maxDeprecationWarning} characters long`)
  if (warning === '') invalid('must not be empty')
  if (strange !== null) {
    const at = Buffer.byteLength(warning.slice(0, strange.index))
    invalid(`must only contain printable UTF-8 characters; non-printable character found at index ${at}`)
  }
}

/** What versions may differ in. What all have alike is told as a fault of the definition, not of each version. */
const features = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const
type Feature = (typeof features)[number]

function sharedFeatures([first, ...others]: readonly CustomResourceDefinitionVersion[]): ReadonlySet<Feature> {
  if (first === undefined) return new Set()
  return new Set(features.filter((feature) => others.every((version) => equalJson(version[feature], first[feature]))))
}

interface FeaturePaths {
  readonly base: string
  readonly schema: string
}

function validateFeatures(
  version: CustomResourceDefinitionVersion,
  which: readonly Feature[],
  { base, schema: schemaPath }: FeaturePaths,
  errors: FieldErrors,
): void {
  const schema = version.schema?.openAPIV3Schema as JsonSchema | undefined
  const hasStatus = version.subresources?.status !== undefined
  if (which.includes('schema') && schema !== undefined) {
    validateSchema(schema, `${schemaPath}.openAPIV3Schema`, hasStatus, errors)
  }
  const { scale } = version.subresources ?? {}
  if (which.includes('subresources') && scale !== undefined) validateScale(`${base}.subresources.scale`, scale, errors)
  if (which.includes('additionalPrinterColumns')) {
    validateColumns(`${base}.additionalPrinterColumns`, version.additionalPrinterColumns ?? [], errors)
  }
  if (which.includes('selectableFields')) {
    validateSelectableFields(`${base}.selectableFields`, version.selectableFields ?? [], schema ?? {}, errors)
  }
}

const maxSelectableFields = 8
const selectableTypes = ['string', 'boolean', 'integer']

function validateSelectableFields(
  path: string,
  fields: readonly SelectableField[],
  schema: JsonSchema,
  errors: FieldErrors,
): void {
  const seen = new Set<string>()
  for (const [index, { jsonPath }] of fields.entries()) {
    const where = `${path}[${index}].jsonPath`
    if (!jsonPath) {
      errors.required(where)
      continue
    }
    const found = fieldOfSchema(jsonPath, schema)
    if (typeof found === 'string') {
      errors.invalid(where, jsonPath, `is an invalid path: ${found}`)
      continue
    }
    if (jsonPath.startsWith('.metadata.')) errors.invalid(where, jsonPath, 'must not point to fields in metadata')
    if (!selectableTypes.includes(found.type ?? '')) {
      const detail =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
      errors.invalid(where, jsonPath, detail)
    }
    if (seen.has(jsonPath)) errors.duplicate(where, jsonPath)
    seen.add(jsonPath)
  }
  if (seen.size > maxSelectableFields) errors.tooMany(path, seen.size, maxSelectableFields)
}

const conversionVersions = ['v1', 'v1beta1']

function validateConversion(conversion: CustomResourceConversion | undefined, errors: FieldErrors): void {
  if (conversion === undefined) return
  const strategies = ['None', 'Webhook']
  const { strategy, webhook } = conversion
  const path = 'spec.conversion'
  if (!strategy) errors.required(`${path}.strategy`)
  else if (!strategies.includes(strategy)) errors.notSupported(`${path}.strategy`, strategy, strategies)
  const versions = webhook?.conversionReviewVersions ?? []
  if (strategy !== 'Webhook') {
    const detail = 'should not be set when strategy is not set to Webhook'
    if (webhook?.clientConfig !== undefined) errors.forbidden(`${path}.webhookClientConfig`, detail)
    if (versions.length > 0) errors.forbidden(`${path}.conversionReviewVersions`, detail)
    return
  }
  const { clientConfig } = webhook ?? {}
  if (clientConfig === undefined) {
    errors.required(`${path}.webhookClientConfig`, 'required when strategy is set to Webhook')
  } else if ((clientConfig.url === undefined) === (clientConfig.service === undefined)) {
    errors.required(`${path}.webhookClientConfig`, 'exactly one of url or service is required')
  }
  validateReviewVersions(`${path}.conversionReviewVersions`, versions, errors)
}

function validateReviewVersions(path: string, versions: readonly string[], errors: FieldErrors): void {
  if (versions.length === 0) return errors.required(path)
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) < index) errors.invalid(`${path}[${index}]`, version, 'duplicate version')
    else invalidJoined(`${path}[${index}]`, version, dns1035LabelFaults(version), errors)
  }
  if (versions.some((version) => conversionVersions.includes(version))) return
  errors.invalid(path, versions, `must include at least one of ${conversionVersions.join(', ')}`)
}

/** Protected groups are for what the API's own people have looked at. */
function validateApproval(
  { metadata, spec }: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
  errors: FieldErrors,
): void {
  if (!/(^|\.)(k8s\.io|kubernetes\.io)$/.test(spec.group)) return
  const approval = metadata.annotations?.[approvalAnnotation] ?? ''
  const state = approvalOf(approval)
  if (old !== undefined && approvalOf(old.metadata.annotations?.[approvalAnnotation] ?? '') === state) return
  const path = `metadata.annotations[${approvalAnnotation}]`
  const needed = `protected groups must have approval annotation "${approvalAnnotation}"`
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111'
  if (state === 'missing') errors.required(path, `${needed}, ${see}`)
  if (state === 'invalid') {
    errors.invalid(path, approval, `${needed} with either a URL or a reason starting with "unapproved", ${see}`)
  }
}

const approvalAnnotation = 'api-approved.kubernetes.io'

function approvalOf(text: string): 'missing' | 'bypassed' | 'approved' | 'invalid' {
  if (text === '') return 'missing'
  if (text.startsWith('unapproved')) return 'bypassed'
  return URL.canParse(text) && /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]+/.test(text) ? 'approved' : 'invalid'
}

/** Formats that nobody knows are let pass, with a word to the client. */
export function definitionWarnings({ spec }: CustomResourceDefinition): readonly string[] {
  const unknown = new Set<string>()
  for (const { schema } of spec.versions ?? []) collectFormats(schema?.openAPIV3Schema as JsonSchema, unknown)
  return [...unknown].map((format) => `unrecognized format ${JSON.stringify(format)}`)
}

function collectFormats(schema: JsonSchema | undefined, unknown: Set<string>): void {
  if (schema === undefined) return
  if (schema.format !== undefined && !isKnownFormat(schema.format)) unknown.add(schema.format)
  for (const property of Object.values(schema.properties ?? {})) collectFormats(property, unknown)
  collectFormats(itemsOf(schema), unknown)
  collectFormats(valuesOf(schema), unknown)
}

const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']

function validateColumns(path: string, columns: readonly CustomResourceColumnDefinition[], errors: FieldErrors): void {
  for (const [index, { name, type, format, jsonPath }] of columns.entries()) {
    const where = `${path}[${index}]`
    if (!name) errors.required(`${where}.name`)
    if (!type) errors.required(`${where}.type`, `must be one of ${columnTypes.join(',')}`)
    else if (!columnTypes.includes(type)) {
      errors.invalid(`${where}.type`, type, `must be one of ${columnTypes.join(',')}`)
    }
    if (format && !columnFormats.includes(format)) {
      errors.invalid(`${where}.format`, format, `must be one of ${columnFormats.join(',')}`)
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
    errors.invalid(
      where,
      text,
      `should be a json path under ${parents.length > 1 ? 'either ' : ''}${parents.join(' or ')}`,
    )
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
    else invalidJoined(`${path}.${field}`, value, casedFaults(value, text), errors)
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

/** Kinds are names in lower case that may be written in mixed case. */
function casedFaults(value: string, text: string): readonly string[] {
  const faults = dns1035LabelFaults(text)
  if (value === text || faults.length === 0) return faults
  return [`may have mixed case, but should otherwise match: ${faults.join(',')}`]
}

/** What the old way of keeping unknown fields is answered with. */
const noPreservation =
  'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'

export function validateNewDefinition(definition: CustomResourceDefinition, errors: FieldErrors): void {
  const { metadata, spec } = definition
  if (metadata.name !== `${spec.names.plural}.${spec.group}`) {
    errors.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')
  }
  validateDefinition(definition, errors)
  validateApproval(definition, undefined, errors)
  validatePreservation(definition, undefined, errors)
}

function validatePreservation(
  { spec }: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
  errors: FieldErrors,
): void {
  if (spec.preserveUnknownFields !== true || old?.spec.preserveUnknownFields === true) return
  errors.invalid('spec.preserveUnknownFields', true, noPreservation)
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
  validateApproval(definition, old, errors)
  validatePreservation(definition, old, errors)
}
