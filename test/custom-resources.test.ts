import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ApiRequest } from '../src/apiserver/request.ts'
import { type Cluster, startCluster } from '../src/cluster/cluster.ts'
import { jsonPath } from '../src/kinds/apiextensions/json-path.ts'
import { virtualCluster } from './support/virtual-cluster.ts'

const certificate = { commonName: 'admin', organizations: ['system:masters'], fingerprint: 'none' }

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  /** The values at a path of the JSON that was answered, and the first of them. */
  all(path: string): readonly unknown[]
  one(path: string): unknown
  readonly text: string
}

/** Sends a request as an administrator would, and reads the answer as JSON. */
async function call(
  cluster: Cluster,
  method: string,
  url: string,
  body?: object,
  type = 'application/json',
): Promise<Answer> {
  const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body))
  const request = {
    method,
    url,
    headers: body === undefined ? {} : { 'content-type': type },
    body: async () => bytes,
    certificate,
    signal: new AbortController().signal,
  } as unknown as ApiRequest
  const { status, headers, body: text } = await cluster.handler(request)
  const answer = String(text)
  const json: unknown = answer.startsWith('{') ? JSON.parse(answer) : {}
  const all = (path: string) => jsonPath(path).find(json)
  return { status, headers, all, one: (path) => all(path)[0], text: answer }
}

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const boats = '/apis/sea.example.com/v1/namespaces/default/boats'

const plainSchema = {
  type: 'object',
  properties: {
    spec: { type: 'object', properties: { seats: { type: 'integer', minimum: 0 }, name: { type: 'string' } } },
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
}

const version = (name: string, more: object = {}) => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: { openAPIV3Schema: plainSchema },
  ...more,
})

function definition(more: object = {}, names: object = {}) {
  const all = { plural: 'boats', kind: 'Boat', shortNames: ['bo'], ...names }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${all.plural}.sea.example.com` },
    spec: { group: 'sea.example.com', scope: 'Namespaced', names: all, versions: [version('v1')], ...more },
  }
}

const boat = (name: string, more: object = {}) => ({
  apiVersion: 'sea.example.com/v1',
  kind: 'Boat',
  metadata: { name },
  ...more,
})

async function define(cluster: Cluster, object: object): Promise<void> {
  const { status, text } = await call(cluster, 'POST', definitions, object)
  assert.equal(status, 201, text)
  await served(cluster)
}

/** The server follows definitions by watching them: a few turns later it serves what they define. */
async function served(cluster: Cluster): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  await cluster.settle()
}

async function until(cluster: Cluster, holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 200; turn++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
    await cluster.settle()
  }
  assert.fail('it never came to pass')
}

describe('custom resources', () => {
  test('are served as soon as they are defined, and listed in discovery', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await define(cluster, definition())
    const created = await call(cluster, 'POST', boats, boat('a', { spec: { seats: 2, sails: 3 } }))
    assert.deepEqual([created.status, created.one('.spec')], [201, { seats: 2 }])
    const wrong = await call(cluster, 'POST', boats, boat('b', { spec: { seats: -1 } }))
    assert.match(String(wrong.one('.message')), /spec\.seats in body should be greater than or equal to 0/)
    const list = await call(cluster, 'GET', '/apis/sea.example.com/v1')
    assert.deepEqual([...list.all('.resources[*].name'), ...list.all('.resources[*].shortNames')], ['boats', ['bo']])
    const service = await call(cluster, 'GET', '/apis/apiregistration.k8s.io/v1/apiservices/v1.sea.example.com')
    assert.equal(service.status, 200)
  })

  test('stand in discovery within 100 ms of their definition, however many are defined in a row', async () => {
    await using scene = await virtualCluster({ apiOnly: true })
    const { cluster, world } = scene
    const kinds = Array.from({ length: 200 }, (_, n) => `Boat${n}`)
    const { clock } = world
    const begun = clock.now()
    for (const kind of kinds) {
      const names = { plural: `${kind.toLowerCase()}s`, kind, shortNames: [] }
      assert.equal((await call(cluster, 'POST', definitions, definition({}, names))).status, 201)
    }
    await served(cluster)
    assert.equal(clock.now(), begun, 'no time has passed but for what follows')
    await world.advance(100)
    const version = await call(cluster, 'GET', '/apis/sea.example.com/v1')
    assert.deepEqual(version.all('.resources[*].kind').toSorted(), kinds.toSorted())
    const groups = await call(cluster, 'GET', '/apis')
    assert.ok(groups.all('.groups[*].name').includes('sea.example.com'))
    const last = { apiVersion: 'sea.example.com/v1', kind: 'Boat199', metadata: { name: 'a' } }
    const url = '/apis/sea.example.com/v1/namespaces/default/boat199s'
    assert.equal((await call(cluster, 'POST', url, last)).status, 201)
  })

  test('are described by OpenAPI', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await define(cluster, definition())
    const three = await call(cluster, 'GET', '/openapi/v3/apis/sea.example.com/v1')
    const schema = "['com.example.sea.v1.Boat']"
    assert.equal(three.one(`.components.schemas${schema}.properties.spec.properties.seats.type`), 'integer')
    const two = await call(cluster, 'GET', '/openapi/v2')
    assert.ok(two.one(`.definitions${schema}`))
  })

  test('are there at once in a fork and after a restart', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await define(cluster, definition())
    await call(cluster, 'POST', boats, boat('a', { spec: { name: 'Ada' } }))
    await using fork = await cluster.fork()
    const answer = await call(fork, 'GET', `${boats}/a`)
    assert.deepEqual([answer.status, answer.one('.spec')], [200, { name: 'Ada' }])
  })

  test('have the form of the newest schema, also those that were stored before', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await define(cluster, definition())
    await call(cluster, 'POST', boats, boat('a', { spec: { name: 'Ada', seats: 1 } }))
    const spec = {
      type: 'object',
      properties: { seats: { type: 'integer' }, colour: { type: 'string', default: 'red' } },
    }
    const schema = { type: 'object', properties: { spec } }
    const patch = { spec: { versions: [version('v1', { schema: { openAPIV3Schema: schema } })] } }
    const url = `${definitions}/boats.sea.example.com`
    assert.equal((await call(cluster, 'PATCH', url, patch, 'application/merge-patch+json')).status, 200)
    await served(cluster)
    assert.deepEqual((await call(cluster, 'GET', `${boats}/a`)).one('.spec'), { colour: 'red', seats: 1 })
  })

  test('are shown in every version that is served, and stored in one', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await define(
      cluster,
      definition({ versions: [version('v1'), version('v2'), version('v1beta1', { deprecated: true })] }),
    )
    await call(cluster, 'POST', boats.replace('v1', 'v2'), { ...boat('a'), apiVersion: 'sea.example.com/v2' })
    const old = await call(cluster, 'GET', `${boats.replace('v1', 'v1beta1')}/a`)
    assert.equal(old.one('.apiVersion'), 'sea.example.com/v1beta1')
    assert.match(String(old.headers['warning']), /sea\.example\.com\/v1beta1 Boat is deprecated/)
    const [stored] = (await cluster.store.range({ from: '/registry/sea.example.com/boats/default/a' })).kvs
    assert.equal(JSON.parse(Buffer.from(stored!.value).toString()).apiVersion, 'sea.example.com/v1')
    const group = await call(cluster, 'GET', '/apis/sea.example.com')
    const versions = group.all('.versions[*].version')
    assert.deepEqual(versions, ['v2', 'v1', 'v1beta1'])
  })

  test('are refused in versions into which only a webhook that cannot be asked could bring them', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    const webhook = { clientConfig: { url: 'https://hook.example.com' }, conversionReviewVersions: ['v1'] }
    const versions = [version('v1'), version('v2')]
    await define(cluster, definition({ versions, conversion: { strategy: 'Webhook', webhook } }))
    assert.equal((await call(cluster, 'POST', boats, boat('a'))).status, 201)
    const { status, text } = await call(cluster, 'GET', `${boats.replace('v1', 'v2')}/a`)
    assert.equal(status, 500)
    assert.match(text, /conversion webhook for sea\.example\.com\/v1, Kind=Boat failed/)
  })

  test('are held to the rules of their schema, also about changes', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    const rules = [
      { rule: 'self.seats <= 4', messageExpression: "self.seats > 4 ? 'too many' : 'fine'", fieldPath: '.seats' },
      { rule: 'self.seats >= oldSelf.seats', message: 'must not shrink', reason: 'FieldValueForbidden' },
    ]
    const spec = {
      type: 'object',
      properties: { seats: { type: 'integer' } },
      required: ['seats'],
      'x-kubernetes-validations': rules,
    }
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } }
    await define(cluster, definition({ versions: [version('v1', { schema })] }))
    const many = await call(cluster, 'POST', boats, boat('a', { spec: { seats: 5 } }))
    assert.match(String(many.one('.message')), /spec\.seats: Invalid value: too many$/)
    const none = await call(cluster, 'POST', boats, boat('a', { spec: {} }))
    assert.match(String(none.one('.message')), /some validation rules were not checked/)
    await call(cluster, 'POST', boats, boat('a', { spec: { seats: 3 } }))
    const patch = (seats: number) =>
      call(cluster, 'PATCH', `${boats}/a`, { spec: { seats } }, 'application/merge-patch+json')
    assert.match(String((await patch(2)).one('.message')), /spec: Forbidden: must not shrink$/)
    assert.equal((await patch(4)).status, 200)
  })

  test('go before their definition goes', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await define(cluster, definition())
    await call(cluster, 'POST', boats, boat('a'))
    await call(cluster, 'POST', boats, { ...boat('b'), metadata: { name: 'b', finalizers: ['x.example/y'] } })
    const url = `${definitions}/boats.sea.example.com`
    const kind = cluster.registry.kinds.find(({ plural }) => plural === 'boats')!
    const seen = Array.fromAsync(cluster.client.watch(kind, { signal: new AbortController().signal }))
    assert.equal((await call(cluster, 'DELETE', url)).status, 200)
    assert.ok(Array.isArray(await seen), 'watches end when the kind is not served any more as it was')
    await until(cluster, async () => (await call(cluster, 'GET', `${boats}/a`)).status === 404)
    assert.equal((await call(cluster, 'POST', boats, boat('c'))).status, 403)
    assert.equal(
      (await call(cluster, 'GET', url)).one('.metadata.finalizers[0]'),
      'customresourcecleanup.apiextensions.k8s.io',
    )
    await call(cluster, 'PATCH', `${boats}/b`, { metadata: { finalizers: null } }, 'application/merge-patch+json')
    await until(cluster, async () => (await call(cluster, 'GET', url)).status === 404)
    await until(cluster, async () => (await call(cluster, 'GET', boats)).text === '404 page not found\n')
    const service = '/apis/apiregistration.k8s.io/v1/apiservices/v1.sea.example.com'
    await until(cluster, async () => (await call(cluster, 'GET', service)).status === 404)
  })

  test('are not served under names that others have, until those are free', async () => {
    await using cluster = await startCluster({ apiOnly: true })
    await define(cluster, definition())
    await define(cluster, definition({}, { plural: 'bottles', kind: 'Bottle', shortNames: ['bo'] }))
    const conditions = async () => {
      const answer = await call(cluster, 'GET', `${definitions}/bottles.sea.example.com`)
      return [...answer.all('.status.conditions[*].status'), ...answer.all('.status.conditions[*].reason')]
    }
    assert.deepEqual(await conditions(), ['False', 'False', 'ShortNamesConflict', 'NotAccepted'])
    await call(cluster, 'DELETE', `${definitions}/boats.sea.example.com`)
    await until(cluster, async () => (await conditions())[1] === 'True')
  })

  test('end with their namespace and with their owners, and count in quotas', async () => {
    await using cluster = await startCluster({ nodes: 0 })
    await call(cluster, 'POST', '/api/v1/namespaces', { metadata: { name: 'bay' } })
    await cluster.settle()
    await define(cluster, definition())
    const bay = boats.replace('default', 'bay')
    const quotas = '/api/v1/namespaces/bay/resourcequotas'
    await call(cluster, 'POST', quotas, {
      metadata: { name: 'few' },
      spec: { hard: { 'count/boats.sea.example.com': '2' } },
    })
    const used = async () => (await call(cluster, 'GET', `${quotas}/few`)).one('.status.used.*')
    await until(cluster, async () => (await used()) === '0')

    const owner = await call(cluster, 'POST', bay, boat('owner'))
    const uid = owner.one('.metadata.uid')
    const ownerReferences = [{ apiVersion: 'sea.example.com/v1', kind: 'Boat', name: 'owner', uid }]
    await call(cluster, 'POST', bay, { ...boat('owned'), metadata: { name: 'owned', ownerReferences } })
    assert.equal((await call(cluster, 'POST', bay, boat('third'))).status, 403)
    await call(cluster, 'DELETE', `${bay}/owner`)
    await until(cluster, async () => (await call(cluster, 'GET', `${bay}/owned`)).status === 404)
    await until(cluster, async () => (await used()) === '0')

    await call(cluster, 'POST', bay, boat('last'))
    await call(cluster, 'DELETE', '/api/v1/namespaces/bay')
    await until(cluster, async () => (await call(cluster, 'GET', '/api/v1/namespaces/bay')).status === 404)
    assert.equal((await call(cluster, 'GET', '/apis/sea.example.com/v1/boats')).all('.items[*]').length, 0)
  })
})
