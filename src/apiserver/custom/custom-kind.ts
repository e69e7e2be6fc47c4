import { hash } from 'node:crypto'
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from '../../kinds/apiextensions/custom-resource-definition.ts'
import { jsonPath } from '../../kinds/apiextensions/json-path.ts'
import { validateEmbedded } from '../../kinds/apiextensions/structural/embedded.ts'
import { evaluateRules } from '../../kinds/apiextensions/structural/evaluate.ts'
import type { JsonSchema } from '../../kinds/apiextensions/structural/json-schema.ts'
import { validateLists } from '../../kinds/apiextensions/structural/lists.ts'
import { validateChange, validateValue } from '../../kinds/apiextensions/structural/validate.ts'
import { ObjectMeta } from '../../kinds/meta/object-meta.ts'
import { typeMeta } from '../../kinds/meta/type-meta.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import { clone, equalJson } from '../../schema/freeze.ts'
import {
  type ApiObject,
  apiVersionOf,
  type Conversion,
  defineKind,
  type Kind,
  type StatusRules,
  type StoredAs,
  type Verb,
} from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import { forbidden } from '../../schema/status.ts'
import { embedded, type Mutable, type ObjectType, object } from '../../schema/types.ts'
import type { OutgoingParts } from '../outgoing.ts'
import { customColumns } from './columns.ts'
import { ConversionWebhook } from './conversion-webhook.ts'
import { customDecoder } from './decode.ts'
import { customScale, validateReplicas } from './replicas.ts'
import { structureOf } from './structure.ts'
import { compareVersions } from './versions.ts'

/** A kind that a CustomResourceDefinition defines. */
export interface CustomKind extends Kind {
  readonly isCustom: true
  /** The schema of the version, as OpenAPI shows it. */
  readonly jsonSchema: JsonSchema & { readonly [key: string]: unknown }
}

/** As discovery lists them for custom resources. */
const verbs: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']

/**
 * The kinds that a definition makes to be served: one for each version that it serves, the preferred one first.
 * `outgoing`: by which a webhook is asked that converts between the versions.
 */
export function customKinds(definition: CustomResourceDefinition, outgoing: OutgoingParts): readonly CustomKind[] {
  const served = (definition.spec.versions ?? []).filter((version) => version.served)
  const conversion = conversionOf(definition, outgoing)
  return served
    .toSorted((left, right) => compareVersions(left.name, right.name))
    .map((version) => ({ ...customKind(definition, version), ...(conversion && { conversion }) }))
}

function conversionOf(definition: CustomResourceDefinition, outgoing: OutgoingParts): Conversion | undefined {
  if (definition.spec.conversion?.strategy !== 'Webhook') return undefined
  const webhook = new ConversionWebhook(definition, outgoing)
  const stored = storedKind(definition)
  return {
    storage: { apiVersion: apiVersionOf(stored), schema: stored.schema },
    convert: (objects, apiVersion) => webhook.convert(objects, apiVersion),
  }
}

/** The kind as which the objects are stored, whether it is served or not; other versions are taken as they are. */
export function storedKind(definition: CustomResourceDefinition): CustomKind {
  const { versions } = definition.spec
  return customKind(definition, versions.find(({ storage }) => storage) ?? versions[0]!)
}

function customKind(definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion): CustomKind {
  const { spec, status, metadata } = definition
  const { group } = spec
  const names = status.acceptedNames
  const jsonSchema = (version.schema?.openAPIV3Schema ?? {}) as CustomKind['jsonSchema']
  const storage = spec.versions.find((each) => each.storage) ?? version
  const rules = new CustomRules(jsonSchema, version, isTerminating(definition))
  const kind = defineKind<ApiObject>({
    group,
    version: version.name,
    kind: names.kind,
    plural: names.plural,
    singular: names.singular ?? '',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: spec.scope === 'Namespaced',
    schema: typeOf(definition, version, jsonSchema),
    verbs,
    storageVersionHash: storageVersionHash(group, storage.name, names.kind),
    storagePrefix: `${group}/${names.plural}`,
    storedAs: storage === version ? undefined : storedAs(definition, version.name, storage.name),
    nameRule: subdomainNameRule,
    prepareCreate: (object) => rules.prepareCreate(object, { group, resource: names.plural }),
    prepareUpdate: (object, old) => rules.prepareUpdate(object, old),
    validate: (object, errors) => rules.validate(object, errors),
    validateUpdate: (object, old, errors) => rules.validateUpdate(object, old, errors),
    status: rules.status,
    scale: version.subresources?.scale && customScale(version.subresources.scale),
    columns: customColumns(version.additionalPrinterColumns),
    selectableFields: selectableFields(version),
    unconditionalUpdate: false,
  })
  return {
    ...kind,
    ...deprecation(group, names.kind, version),
    ...(names.listKind !== undefined && { listKind: names.listKind }),
    isCustom: true,
    jsonSchema,
    schemaRevision: Number(metadata.resourceVersion ?? 0),
  }
}

const isTerminating = ({ metadata }: CustomResourceDefinition) => metadata.deletionTimestamp !== undefined

function deprecation(group: string, kind: string, version: CustomResourceDefinitionVersion) {
  if (version.deprecated !== true) return {}
  return { deprecation: version.deprecationWarning ?? `${group}/${version.name} ${kind} is deprecated` }
}

function storageVersionHash(group: string, version: string, kind: string): string {
  return hash('sha256', `${group}/${version}/${kind}`, 'buffer').subarray(0, 8).toString('base64')
}

function typeOf(
  { spec, status }: CustomResourceDefinition,
  { name }: CustomResourceDefinitionVersion,
  schema: JsonSchema,
): ObjectType {
  const path = [...spec.group.split('.').reverse(), name, status.acceptedNames.kind].join('.')
  const fields = {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
  }
  let structure: ObjectType | undefined
  return object(path, schema.description ?? '', fields, {
    decode: customDecoder(schema),
    structure: () => (structure ??= structureOf(schema)),
  })
}

/** With the strategy None, versions differ in nothing but their name. */
function storedAs({ spec }: CustomResourceDefinition, version: string, storage: string): StoredAs {
  const { group } = spec
  const convert = (to: string) => (object: ApiObject) => ({ ...object, apiVersion: `${group}/${to}` })
  return { group, version: storage, toStored: convert(storage), fromStored: convert(version) }
}

function selectableFields({ selectableFields = [] }: CustomResourceDefinitionVersion) {
  return Object.fromEntries(
    selectableFields.map(({ jsonPath: text }) => {
      const path = jsonPath(text)
      return [text.replace(/^\./, ''), (object: ApiObject) => textOf(path.find(object)[0])]
    }),
  )
}

const textOf = (value: unknown) => (value === undefined || value === null ? '' : String(value))

type Loose = Record<string, unknown>

/** What happens to custom objects when they are written. */
class CustomRules {
  readonly #schema: JsonSchema
  readonly #version: CustomResourceDefinitionVersion
  readonly #terminating: boolean

  constructor(schema: JsonSchema, version: CustomResourceDefinitionVersion, terminating: boolean) {
    this.#schema = schema
    this.#version = version
    this.#terminating = terminating
  }

  get #hasStatus(): boolean {
    return this.#version.subresources?.status !== undefined
  }

  get status(): StatusRules<ApiObject> | undefined {
    if (!this.#hasStatus) return undefined
    return {
      prepareUpdate: keepAllButStatus,
      validateUpdate: (object, old, errors) => this.validateUpdate(object, old, errors),
    }
  }

  prepareCreate(object: Mutable<ApiObject>, resource: { readonly group: string; readonly resource: string }): void {
    if (this.#terminating) {
      const why = 'create not allowed while custom resource definition is terminating'
      throw forbidden(resource, object.metadata.name ?? '', why)
    }
    if (this.#hasStatus) delete (object as unknown as Loose)['status']
    object.metadata.generation = 1
  }

  prepareUpdate(object: Mutable<ApiObject>, old: ApiObject): void {
    const [loose, before] = [object as unknown as Loose, old as unknown as Loose]
    if (this.#hasStatus) {
      if (Object.hasOwn(before, 'status')) loose['status'] = before['status']
      else delete loose['status']
    }
    const isSame = equalJson({ ...object, metadata: undefined }, { ...old, metadata: undefined })
    if (!isSame) object.metadata.generation = (old.metadata.generation ?? 0) + 1
  }

  validate(object: ApiObject, errors: FieldErrors): void {
    validateValue(this.#schema, object, '', errors)
    this.#validateReplicas(object, errors)
    validateEmbedded(this.#schema, object, '', errors)
    validateLists(this.#schema, object, '', errors)
    evaluateRules(this.#schema, object, undefined, errors)
  }

  validateUpdate(object: ApiObject, old: ApiObject, errors: FieldErrors): void {
    validateChange(this.#schema, object, old, '', errors)
    this.#validateReplicas(object, errors)
    validateEmbedded(this.#schema, object, '', errors)
    this.#validateLists(object, old, errors)
    evaluateRules(this.#schema, object, old, errors)
  }

  #validateReplicas(object: ApiObject, errors: FieldErrors): void {
    const { scale } = this.#version.subresources ?? {}
    if (scale !== undefined) validateReplicas(scale, object, errors)
  }

  /** Lists that were wrong before may stay so. */
  #validateLists(content: object, before: object, errors: FieldErrors): void {
    const found = new FieldErrors()
    validateLists(this.#schema, content, '', found)
    if (found.length === 0) return
    const known = new FieldErrors()
    validateLists(this.#schema, before, '', known)
    if (known.length === 0) errors.causes.push(...found.causes)
  }
}

function keepAllButStatus(object: Mutable<ApiObject>, old: ApiObject): void {
  const loose = object as unknown as Loose
  const hasStatus = Object.hasOwn(loose, 'status')
  const status = loose['status']
  // Who manages which field changes with the status.
  const { managedFields } = object.metadata
  for (const name of Object.keys(loose)) delete loose[name]
  Object.assign(loose, clone({ ...old, metadata: { ...old.metadata, managedFields } }))
  if (hasStatus) loose['status'] = status
  else delete loose['status']
}
