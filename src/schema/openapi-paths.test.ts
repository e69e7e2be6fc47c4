import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineKind } from './kind.ts'
import { type OpenApiInfo, openApiV2, openApiV3 } from './openapi-paths.ts'
import { embedded, int32, object, optional, string } from './types.ts'

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const ListMeta = object(`${meta}.ListMeta`, '', { resourceVersion: optional(1, string, '') })
const Thing = object('io.k8s.api.apps.v1.Thing', 'A thing.', { size: optional(1, int32, 'How big it is.') })
const Scale = object('io.k8s.api.autoscaling.v1.Scale', 'A scale.', { spec: embedded(1, ListMeta, '') })

const thing = defineKind({
  group: 'apps',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  namespaced: true,
  schema: Thing,
  status: {},
  scale: { replicas: () => 0, setReplicas: () => {}, currentReplicas: () => 0, selector: () => '' },
  subresources: [{ name: 'exec', kind: 'ThingExecOptions', verbs: ['create', 'get'] }],
})
const review = defineKind({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'Review',
  plural: 'reviews',
  namespaced: false,
  schema: object('io.k8s.api.authorization.v1.Review', '', {}),
  verbs: ['create'],
})
const custom = {
  ...defineKind({
    group: 'example.com',
    version: 'v1',
    kind: 'Foo',
    plural: 'foos',
    namespaced: true,
    schema: object('com.example.v1.Foo', '', { kind: optional(0, string, '') }),
  }),
  jsonSchema: {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { n: { type: 'integer', default: 1, nullable: true } } },
      port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
      any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'string' } } },
    },
  },
}

const kinds = [thing, review, custom]
const info: OpenApiInfo = {
  version: 'v1.36.0',
  deleteOptions: object(`${meta}.DeleteOptions`, '', {}),
  status: object(`${meta}.Status`, '', {}),
  listMeta: ListMeta,
  subresourceTypes: [{ group: 'autoscaling', version: 'v1', kind: 'Scale', schema: Scale }],
}

interface Document {
  readonly paths: Record<string, Record<string, { readonly operationId?: string } & Record<string, unknown>>>
  readonly definitions: Record<string, Record<string, unknown>>
  readonly components: { readonly schemas: Record<string, Record<string, unknown>> }
}

const parse = (bytes: Buffer) => JSON.parse(bytes.toString()) as Document

test('the operations of a kind', () => {
  const { paths } = parse(openApiV2(kinds, info).json())
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, { operationId }]) =>
      operationId ? [`${method} ${path} ${operationId}`] : [],
    ),
  )
  const base = '/apis/apps/v1'
  const scoped = `${base}/namespaces/{namespace}/things`
  assert.deepEqual(
    operations.filter((operation) => operation.includes('things')),
    [
      `delete ${scoped} deleteAppsV1CollectionNamespacedThing`,
      `get ${scoped} listAppsV1NamespacedThing`,
      `post ${scoped} createAppsV1NamespacedThing`,
      `delete ${scoped}/{name} deleteAppsV1NamespacedThing`,
      `get ${scoped}/{name} readAppsV1NamespacedThing`,
      `patch ${scoped}/{name} patchAppsV1NamespacedThing`,
      `put ${scoped}/{name} replaceAppsV1NamespacedThing`,
      `post ${scoped}/{name}/exec connectAppsV1PostNamespacedThingExec`,
      `get ${scoped}/{name}/exec connectAppsV1GetNamespacedThingExec`,
      `get ${scoped}/{name}/scale readAppsV1NamespacedThingScale`,
      `patch ${scoped}/{name}/scale patchAppsV1NamespacedThingScale`,
      `put ${scoped}/{name}/scale replaceAppsV1NamespacedThingScale`,
      `get ${scoped}/{name}/status readAppsV1NamespacedThingStatus`,
      `patch ${scoped}/{name}/status patchAppsV1NamespacedThingStatus`,
      `put ${scoped}/{name}/status replaceAppsV1NamespacedThingStatus`,
      `get ${base}/things listAppsV1ThingForAllNamespaces`,
      `get ${base}/watch/namespaces/{namespace}/things watchAppsV1NamespacedThingList`,
      `get ${base}/watch/namespaces/{namespace}/things/{name} watchAppsV1NamespacedThing`,
      `get ${base}/watch/things watchAppsV1ThingListForAllNamespaces`,
    ],
  )
  assert.ok(operations.includes('post /apis/authorization.k8s.io/v1/reviews createAuthorizationV1Review'))
  assert.ok(operations.includes('get /apis/apps/v1/ getAppsV1APIResources'))
})

test('a patch in version 2 names its parameters itself', () => {
  const { paths } = parse(openApiV2(kinds, info).json())
  const { patch } = paths['/apis/apps/v1/namespaces/{namespace}/things/{name}']!
  const parameters = patch!['parameters'] as { name?: string; in?: string }[]
  assert.deepEqual(
    parameters.map(({ name, in: where }) => `${where} ${name}`),
    ['body body', 'query dryRun', 'query fieldManager', 'query fieldValidation', 'query force'],
  )
  assert.equal(patch!['x-kubernetes-action'], 'patch')
  assert.deepEqual(patch!['x-kubernetes-group-version-kind'], { group: 'apps', kind: 'Thing', version: 'v1' })
  assert.ok((patch!['consumes'] as string[]).includes('application/strategic-merge-patch+json'))
})

test('a custom kind comes with its own schema, and takes no strategic merge', () => {
  const document = parse(openApiV3(kinds, info).get('apis/example.com/v1')!.json())
  assert.deepEqual(document.components.schemas['com.example.v1.Foo'], {
    type: 'object',
    properties: { ...custom.jsonSchema.properties, kind: { type: 'string' } },
    'x-kubernetes-group-version-kind': [{ group: 'example.com', kind: 'Foo', version: 'v1' }],
  })
  const { patch } = document.paths['/apis/example.com/v1/namespaces/{namespace}/foos/{name}']!
  const { content } = patch!['requestBody'] as { content: Record<string, unknown> }
  assert.deepEqual(Object.keys(content), [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/apply-patch+yaml',
    'application/apply-patch+cbor',
  ])
})

test('version 2 leaves out of a custom schema what it cannot say', () => {
  const { definitions } = parse(openApiV2(kinds, info).json())
  assert.deepEqual(definitions['com.example.v1.Foo']!['properties'], {
    spec: { type: 'object', properties: { n: {} } },
    port: { 'x-kubernetes-int-or-string': true },
    any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    kind: { type: 'string' },
  })
})

test('version 3 has a document for each group version, group and path besides', () => {
  assert.deepEqual(
    [...openApiV3(kinds, info).keys()],
    [
      '.well-known/openid-configuration',
      'api',
      'apis',
      'apis/apps',
      'apis/apps/v1',
      'apis/authorization.k8s.io',
      'apis/authorization.k8s.io/v1',
      'apis/example.com',
      'apis/example.com/v1',
      'openid/v1/jwks',
      'version',
    ],
  )
})

test('all references lead somewhere', () => {
  const documents = [openApiV2(kinds, info), ...openApiV3(kinds, info).values()]
  for (const document of documents) {
    const text = document.json().toString()
    const { definitions, components } = JSON.parse(text) as Document
    const known = new Set(Object.keys(definitions ?? components.schemas))
    const referred = [...text.matchAll(/"#\/(?:definitions|components\/schemas)\/([^"]+)"/g)].map(([, name]) => name!)
    assert.deepEqual(
      referred.filter((name) => !known.has(name)),
      [],
    )
  }
})

test('a document is built once', () => {
  const document = openApiV2(kinds, info)
  assert.equal(document.json(), document.json())
  assert.equal(document.protobuf(), document.protobuf())
})
