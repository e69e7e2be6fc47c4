import { once } from '../base/once.ts'
import { apiVersionOf, type Kind } from './kind.ts'
import {
  gvkExtension,
  type JsonObject,
  listTypeOf,
  type PublishedType,
  referenceTo,
  schemasOf,
  wellKnownSchema,
} from './openapi.ts'
import { customSchema } from './openapi-custom.ts'
import {
  discoveryPath,
  groupPath,
  type Method,
  type OpenApiKind,
  type OpenApiPath,
  type Operation,
  patchType,
  pathsOfKind,
  resourcesPath,
} from './openapi-operations.ts'
import { parameterV2, parameterV3, sharedParameters } from './openapi-parameters.ts'
import { encodeOpenApiV2, encodeOpenApiV3 } from './openapi-protobuf.ts'
import { discoveryTypes, WatchEvent } from './openapi-types.ts'
import type { ObjectType } from './types.ts'

/**
 * The OpenAPI documents of the server: one in version 2 (`/openapi/v2`), and in version 3 one for each group version,
 * each group and each path besides (`/openapi/v3/apis/apps/v1`). They are big and seldom asked for, so a document is
 * built when it is first read, and then kept as bytes. When the kinds change (CustomResourceDefinitions), make new ones.
 */

/** What the documents need besides the kinds. */
export interface OpenApiInfo {
  /** The version of the server: `v1.36.0`. */
  readonly version: string
  readonly deleteOptions: ObjectType
  readonly status: ObjectType
  readonly listMeta: ObjectType
  /** Types that sub-resources take and give and that are no kinds: Scale, Eviction, TokenRequest, by kind. */
  readonly subresourceTypes: readonly {
    readonly group: string
    readonly version: string
    readonly kind: string
    readonly schema: ObjectType
  }[]
}

export interface OpenApiDocument {
  /** The document as JSON. */
  readonly json: () => Buffer
  /** The document in gnostic's protobuf messages. */
  readonly protobuf: () => Buffer
}

/** The document that describes everything, in version 2. */
export function openApiV2(kinds: readonly OpenApiKind[], info: OpenApiInfo): OpenApiDocument {
  return lazyDocument(() => buildV2(kinds, info), encodeOpenApiV2)
}

/**
 * The version 3 documents by the name that the index has for them: `api/v1`, `apis/apps`, `apis/apps/v1`, `version`.
 * The names are sorted, as the index is.
 */
export function openApiV3(kinds: readonly OpenApiKind[], info: OpenApiInfo): ReadonlyMap<string, OpenApiDocument> {
  const documents = new Map<string, OpenApiDocument>()
  const add = (name: string, paths: () => OpenApiPath[], of: readonly OpenApiKind[]) =>
    documents.set(
      name,
      lazyDocument(() => buildV3(paths(), of, kinds, info), encodeOpenApiV3),
    )
  for (const paths of serverPaths()) add(paths.path.slice(1).replace(/\/$/, ''), () => [paths], [])
  for (const [group, versions] of byGroup(kinds)) {
    if (group !== '') add(`apis/${group}`, () => [groupPath(group)], [])
    for (const [version, members] of versions) {
      const groupVersion = { group, version }
      const name = group === '' ? `api/${version}` : `apis/${group}/${version}`
      add(name, () => [resourcesPath(groupVersion), ...members.flatMap(pathsOfKind)], members)
    }
  }
  return new Map([...documents].sort(([left], [right]) => (left < right ? -1 : 1)))
}

/** A document of version 3 that is not made of kinds. */
export const otherOpenApiV3 = (document: JsonObject): OpenApiDocument => lazyDocument(() => document, encodeOpenApiV3)

/** A document of version 2 that is made of another when it is first asked for. */
export function derivedOpenApiV2(from: OpenApiDocument, change: (document: JsonObject) => JsonObject): OpenApiDocument {
  return lazyDocument(() => change(JSON.parse(from.json().toString())), encodeOpenApiV2)
}

function lazyDocument(build: () => JsonObject, encode: (document: JsonObject) => Buffer): OpenApiDocument {
  const json = once(() => Buffer.from(JSON.stringify(build())))
  return { json, protobuf: once(() => encode(JSON.parse(json().toString()))) }
}

function byGroup(kinds: readonly OpenApiKind[]): Map<string, Map<string, OpenApiKind[]>> {
  const groups = new Map<string, Map<string, OpenApiKind[]>>()
  for (const kind of kinds) {
    const versions = groups.get(kind.group) ?? new Map<string, OpenApiKind[]>()
    groups.set(kind.group, versions)
    versions.set(kind.version, [...(versions.get(kind.version) ?? []), kind])
  }
  return groups
}

/** Paths that belong to no group with a version. */
function serverPaths(): OpenApiPath[] {
  const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
  return [
    groupPath(''),
    discoveryPath('/apis/', {
      id: 'getAPIVersions',
      description: 'get available API versions',
      tag: 'apis',
      type: `${meta}APIGroupList`,
    }),
    discoveryPath('/version/', {
      id: 'getCodeVersion',
      description: 'get the version information for this server',
      tag: 'version',
      type: 'io.k8s.apimachinery.pkg.version.Info',
    }),
    discoveryPath('/.well-known/openid-configuration/', {
      id: 'getServiceAccountIssuerOpenIDConfiguration',
      description: 'get service account issuer OpenID configuration, also known as the OIDC discovery doc',
      tag: 'WellKnown',
      type: 'string',
    }),
    discoveryPath('/openid/v1/jwks/', {
      id: 'getServiceAccountIssuerOpenIDKeyset',
      description: 'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)',
      tag: 'openid',
      type: 'string',
    }),
  ]
}

/** The types that operations of these kinds refer to, with the kinds that they stand for. */
function publishedTypes(
  kinds: readonly OpenApiKind[],
  all: readonly OpenApiKind[],
  info: OpenApiInfo,
): PublishedType[] {
  const groupVersions = [...new Map(all.map((kind) => [apiVersionOf(kind), kind])).values()]
  const inAll = (kind: string) => groupVersions.map(({ group, version }) => ({ group, kind, version }))
  const core = (kind: string) => [{ group: '', kind, version: 'v1' }]
  return [
    ...kinds.flatMap((kind) => kindTypes(kind, info)),
    ...info.subresourceTypes.map(({ schema, group, version, kind }) => ({
      type: schema,
      kinds: [{ group, kind, version }],
    })),
    { type: info.deleteOptions, kinds: inAll('DeleteOptions') },
    { type: WatchEvent, kinds: inAll('WatchEvent') },
    { type: info.status, kinds: core('Status') },
    ...discoveryTypes.map((type) => ({ type, kinds: type.name.includes('.meta.') ? core(lastName(type.name)) : [] })),
    // A kind of another group that a sub-resource takes, such as Binding.
    ...all
      .filter((kind) => isSubresourceType(kind, kinds))
      .map((kind) => ({ type: kind.schema, kinds: [gvkOf(kind)] })),
  ]
}

const lastName = (name: string) => name.slice(name.lastIndexOf('.') + 1)

const gvkOf = ({ group, kind, version }: OpenApiKind) => ({ group, kind, version })

function isSubresourceType(kind: OpenApiKind, kinds: readonly OpenApiKind[]): boolean {
  if (kinds.includes(kind)) return false
  return kinds.some(({ subresources }) => subresources.some((subresource) => subresource.kind === kind.kind))
}

function kindTypes(kind: OpenApiKind, info: OpenApiInfo): PublishedType[] {
  const { group, version } = kind
  const own = { type: kind.schema, kinds: [gvkOf(kind)] }
  if (!kind.verbs.includes('list')) return [own]
  return [
    own,
    {
      type: listTypeOf(kind as Pick<Kind, 'kind' | 'schema'>, info.listMeta),
      kinds: [{ group, kind: `${kind.kind}List`, version }],
    },
  ]
}

/** All schemas that the paths can reach: types, and the JSON schemas of custom kinds as they are. */
function allSchemas(
  paths: readonly OpenApiPath[],
  kinds: readonly OpenApiKind[],
  all: readonly OpenApiKind[],
  info: OpenApiInfo,
  version: 2 | 3,
): Record<string, JsonObject> {
  const named = new Set(paths.flatMap(({ operations }) => Object.values(operations).flatMap(typesNamedBy)))
  const types = publishedTypes(kinds, all, info).filter(({ type }) => named.has(type.name))
  const others = all.map((kind) => ({ type: kind.schema, kinds: [gvkOf(kind)] }))
  const schemas = schemasOf(types, version, others)
  if (named.has(patchType)) schemas[patchType] = wellKnownSchema(patchType, version)
  for (const kind of kinds) {
    if (kind.jsonSchema)
      schemas[kind.schema.name] = withOwnFields(kind, kind.jsonSchema, schemas[kind.schema.name], version)
  }
  return Object.fromEntries(Object.entries(schemas).sort(([left], [right]) => (left < right ? -1 : 1)))
}

/** Kind, version and metadata are what they are for every object, whatever a custom schema says of them. */
function withOwnFields(
  kind: OpenApiKind,
  custom: JsonObject,
  common: JsonObject | undefined,
  version: 2 | 3,
): JsonObject {
  const schema = customSchema(custom, version)
  const properties = { ...(schema['properties'] as JsonObject), ...(common?.['properties'] as JsonObject) }
  return { ...schema, properties, 'x-kubernetes-group-version-kind': [gvkExtension(gvkOf(kind))] }
}

const typesNamedBy = ({ body, responses }: Operation) => [...(body ? [body.type] : []), ...Object.values(responses)]

const unauthorized = { description: 'Unauthorized' }

const responseWords: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' }

const securityDefinition = {
  type: 'apiKey',
  description: 'Bearer Token authentication',
  name: 'authorization',
  in: 'header',
}

function buildV2(kinds: readonly OpenApiKind[], info: OpenApiInfo): JsonObject {
  const groups = [...byGroup(kinds)]
  const paths = [
    ...serverPaths(),
    ...groups.flatMap(([group, versions]) => [
      ...(group === '' ? [] : [groupPath(group)]),
      ...[...versions].flatMap(([version, members]) => [
        resourcesPath({ group, version }),
        ...members.flatMap(pathsOfKind),
      ]),
    ]),
  ]
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: info.version },
    paths: sortedPaths(paths, pathItemV2),
    definitions: allSchemas(paths, kinds, kinds, info, 2),
    parameters: sharedParameters(),
    securityDefinitions: { BearerToken: securityDefinition },
    security: [{ BearerToken: [] }],
  }
}

function sortedPaths(paths: readonly OpenApiPath[], render: (path: OpenApiPath) => JsonObject): JsonObject {
  const entries = paths.map((path) => [path.path, render(path)] as const)
  return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)))
}

function pathItemV2({ operations, parameters }: OpenApiPath): JsonObject {
  return {
    ...mapOperations(operations, operationV2),
    ...(parameters.length > 0 && { parameters: parameters.map(parameterReference) }),
  }
}

const mapOperations = (
  operations: OpenApiPath['operations'],
  render: (operation: Operation, method: Method) => JsonObject,
) =>
  Object.fromEntries(
    Object.entries(operations).map(([method, operation]) => [method, render(operation, method as Method)]),
  )

const parameterReference = (key: string): JsonObject => ({ $ref: `#/parameters/${key}` })

function operationV2(operation: Operation, method: Method): JsonObject {
  const { body, parameters } = operation
  // Before kubectl 1.27, whether the server knows dryRun and fieldValidation is looked up here, references not followed.
  const parameter = method === 'patch' ? parameterV2 : parameterReference
  return {
    consumes: operation.consumes,
    description: operation.description,
    operationId: operation.id,
    ...((body || parameters.length > 0) && {
      parameters: [...(body ? [bodyParameter(body)] : []), ...parameters.map(parameter)],
    }),
    produces: operation.produces,
    responses: { ...mapResponses(operation, responseV2), 401: unauthorized },
    schemes: ['https'],
    tags: [operation.tag],
    ...operationExtensions(operation),
  }
}

const bodyParameter = ({ type, required }: NonNullable<Operation['body']>): JsonObject => ({
  in: 'body',
  name: 'body',
  ...(required && { required }),
  schema: referenceTo(type, 2),
})

const mapResponses = ({ responses }: Operation, render: (type: string, code: string) => JsonObject) =>
  Object.fromEntries(Object.entries(responses).map(([code, type]) => [code, render(type, code)]))

const schemaFor = (type: string, version: 2 | 3) => (type === 'string' ? { type } : referenceTo(type, version))

const responseV2 = (type: string, code: string): JsonObject => ({
  description: responseWords[code],
  schema: schemaFor(type, 2),
})

function operationExtensions({ action, gvk }: Operation): JsonObject {
  return {
    ...(action !== undefined && { 'x-kubernetes-action': action }),
    ...(gvk && { 'x-kubernetes-group-version-kind': gvkExtension(gvk) }),
  }
}

function buildV3(
  paths: readonly OpenApiPath[],
  kinds: readonly OpenApiKind[],
  all: readonly OpenApiKind[],
  info: OpenApiInfo,
): JsonObject {
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: info.version },
    paths: sortedPaths(paths, pathItemV3),
    components: {
      schemas: allSchemas(paths, kinds, all, info, 3),
      securitySchemes: { BearerToken: securityDefinition },
    },
    security: [{ BearerToken: [] }],
  }
}

function pathItemV3({ operations, parameters }: OpenApiPath): JsonObject {
  return {
    ...mapOperations(operations, operationV3),
    ...(parameters.length > 0 && { parameters: parameters.map(parameterV3) }),
  }
}

function operationV3(operation: Operation): JsonObject {
  const { body, parameters, consumes, produces } = operation
  return {
    tags: [operation.tag],
    description: operation.description,
    operationId: operation.id,
    ...(parameters.length > 0 && { parameters: parameters.map(parameterV3) }),
    ...(body && { requestBody: { content: contentOf(consumes, body.type), ...(body.required && { required: true }) } }),
    responses: {
      ...mapResponses(operation, (type, code) => ({
        description: responseWords[code],
        content: contentOf(produces, type),
      })),
      401: unauthorized,
    },
    ...operationExtensions(operation),
  }
}

const contentOf = (media: readonly string[], type: string): JsonObject =>
  Object.fromEntries(media.map((name) => [name, { schema: schemaFor(type, 3) }]))
