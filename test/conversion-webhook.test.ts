import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { ServedCluster } from '../src/cluster/serve.ts'
import { type Caller, callerOf, eventually } from './support/caller.ts'
import { type OutsideServer, startOutside } from './support/outside.ts'
import { serve } from './support/served.ts'

/** What the webhook was asked last. */
interface Review {
  readonly apiVersion: string
  readonly kind: string
  readonly request: {
    readonly uid: string
    readonly desiredAPIVersion: string
    readonly objects: readonly { readonly metadata: Readonly<Record<string, unknown>> }[]
  }
}

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const at = (version: string) => `/apis/lights.example.com/${version}/namespaces/default/lamps`

const merge = { 'content-type': 'application/merge-patch+json' }
const apply = { 'content-type': 'application/apply-patch+yaml' }

const schemaOf = (spec: object) => ({
  openAPIV3Schema: {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { color: { type: 'string' }, ...spec } },
      status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  },
})

const v1 = schemaOf({ address: { type: 'string' } })
const v2 = schemaOf({ host: { type: 'string' }, port: { type: 'integer' } })

const definition = (server: OutsideServer, more: object = {}) => ({
  metadata: { name: 'lamps.lights.example.com' },
  spec: {
    group: 'lights.example.com',
    scope: 'Namespaced',
    names: { plural: 'lamps', kind: 'Lamp' },
    versions: [
      { name: 'v1', served: true, storage: true, schema: v1, subresources: { status: {} } },
      {
        name: 'v2',
        served: true,
        storage: false,
        schema: v2,
        subresources: { status: {} },
        selectableFields: [{ jsonPath: '.spec.host' }],
      },
    ],
    conversion: {
      strategy: 'Webhook',
      webhook: {
        conversionReviewVersions: ['v1', 'v1beta1'],
        clientConfig: { url: `https://127.0.0.1:${server.port}/convert`, caBundle: server.caBundle },
      },
    },
    ...more,
  },
})

const lampV1 = (name: string, address = 'hall:80') => ({
  apiVersion: 'lights.example.com/v1',
  kind: 'Lamp',
  metadata: { name },
  spec: { address, color: 'red' },
})

const lampV2 = (name: string, host = 'porch', port = 81) => ({
  apiVersion: 'lights.example.com/v2',
  kind: 'Lamp',
  metadata: { name },
  spec: { host, port, color: 'blue' },
})

describe('a conversion webhook', () => {
  let served: ServedCluster
  let call: Caller
  let server: OutsideServer

  const asked = async () => ((await server.tell({})) as { asked: number[] }).asked
  const feel = (mood: string) => server.tell({ mood })

  /** The definition as it is now is what is served. */
  const define = async (more?: object) => {
    const { status, text } = await call('POST', definitions, definition(server, more))
    assert.equal(status, 201, text)
    await eventually(async () => (await call('GET', at('v2'))).status === 200 || undefined)
  }

  const change = async (spec: object, isServed: () => Promise<true | undefined>) => {
    const { status, text } = await call('PATCH', `${definitions}/lamps.lights.example.com`, { spec }, merge)
    assert.equal(status, 200, text)
    await eventually(isServed)
  }

  before(async () => {
    served = await serve()
    call = callerOf(served)
    server = await startOutside('conversion.ts', { hosts: ['127.0.0.1', 'lamps.default.svc'] })
    await define()
  })

  after(async () => {
    await server[Symbol.asyncDispose]()
    await served[Symbol.asyncDispose]()
  })

  beforeEach(async () => {
    await feel('well')
    await call('DELETE', at('v1'))
    await asked()
  })

  it('is asked when an object is read in a version in which it is not stored, and only then', async () => {
    assert.equal((await call('POST', at('v1'), lampV1('a'))).status, 201)
    assert.equal((await call('GET', `${at('v1')}/a`)).one('spec.address'), 'hall:80')
    assert.deepEqual(await asked(), [])
    const read = await call('GET', `${at('v2')}/a`)
    assert.deepEqual(read.one('spec'), { color: 'red', host: 'hall', port: 80 })
    assert.equal(read.one('apiVersion'), 'lights.example.com/v2')
    assert.deepEqual(await asked(), [1])
    const { lastReview } = (await server.tell({})) as { lastReview: Review }
    assert.equal(lastReview.apiVersion, 'apiextensions.k8s.io/v1')
    assert.equal(lastReview.kind, 'ConversionReview')
    assert.equal(lastReview.request.desiredAPIVersion, 'lights.example.com/v2')
    assert.match(lastReview.request.uid, /^[0-9a-f-]{36}$/)
    assert.equal(lastReview.request.objects[0]?.metadata.name, 'a')
    assert.equal(lastReview.request.objects[0]?.metadata.resourceVersion, undefined)
  })

  it('converts what is written in another version before it is stored', async () => {
    const created = await call('POST', at('v2'), lampV2('b'))
    assert.equal(created.status, 201, created.text)
    assert.deepEqual(created.one('spec'), { color: 'blue', host: 'porch', port: 81 })
    assert.deepEqual((await call('GET', `${at('v1')}/b`)).one('spec'), { address: 'porch:81', color: 'blue' })
    const changed = await call('PATCH', `${at('v2')}/b`, { spec: { port: 82 } }, merge)
    assert.equal(changed.one('metadata.generation'), 2)
    assert.equal((await call('GET', `${at('v1')}/b`)).one('spec.address'), 'porch:82')
    const status = await call('PATCH', `${at('v2')}/b/status`, { status: { lit: true } }, merge)
    assert.equal(status.one('status.lit'), true)
    assert.equal((await call('GET', `${at('v1')}/b`)).one('status.lit'), true)
    const replaced = {
      ...lampV2('b', 'attic', 83),
      metadata: { name: 'b', resourceVersion: status.one('metadata.resourceVersion') },
    }
    assert.equal((await call('PUT', `${at('v2')}/b`, replaced)).status, 200)
    assert.equal((await call('GET', `${at('v1')}/b`)).one('spec.address'), 'attic:83')
    const again = await call('POST', at('v2'), lampV2('b'))
    assert.equal(again.one('reason'), 'AlreadyExists')
    const dry = await call('POST', `${at('v2')}?dryRun=All`, lampV2('dry'))
    assert.equal(dry.status, 201)
    assert.equal((await call('GET', `${at('v1')}/dry`)).status, 404)
    const deleted = await call('DELETE', `${at('v2')}/b`)
    assert.equal(deleted.one('status'), 'Success')
  })

  it('converts a page of a list in one go', async () => {
    for (let n = 0; n < 25; n++)
      await call('POST', at('v1'), lampV1(`n${String(n).padStart(2, '0')}`, `h${n % 2}:${n}`))
    await asked()
    const all = await call('GET', at('v2'))
    assert.deepEqual(await asked(), [25])
    assert.deepEqual(all.all('items[*].spec.port'), [...Array(25).keys()])
    assert.deepEqual(await asked(), [])
    for (let n = 0; n < 25; n++)
      await call('PATCH', `${at('v1')}/n${String(n).padStart(2, '0')}`, { spec: { color: 'green' } }, merge)
    const page = await call('GET', `${at('v2')}?limit=10`)
    assert.equal(page.all('items[*].spec.port').length, 10)
    const next = await call('GET', `${at('v2')}?limit=10&continue=${page.one('metadata.continue')}`)
    assert.deepEqual(next.all('items[*].spec.port'), [10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
    assert.deepEqual(await asked(), [10, 10])
    const selected = await call('GET', `${at('v2')}?fieldSelector=spec.host%3Dh1`)
    assert.equal(selected.all('items[*].metadata.name').length, 12)
  })

  it('converts what is watched, in order', async () => {
    await call('POST', at('v1'), lampV1('old', 'cellar:1'))
    const watch = await call.watch(
      `${at('v2')}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    )
    const shown = async () => {
      const { type, object } = await watch.next()
      const { metadata, spec } = object as { metadata: Record<string, unknown>; spec?: Record<string, unknown> }
      if (type === 'BOOKMARK') return `BOOKMARK ${JSON.stringify(metadata['annotations'])}`
      return `${type} ${metadata['name']} ${spec?.['host']} ${spec?.['port']}`
    }
    assert.equal(await shown(), 'ADDED old cellar 1')
    assert.equal(await shown(), 'BOOKMARK {"k8s.io/initial-events-end":"true"}')
    await feel('slow')
    const release = () =>
      eventually(async () => ((await server.tell({})) as { held: number }).held > 0 || undefined).then(() =>
        server.tell({ release: true }),
      )
    await call('POST', at('v1'), lampV1('new', 'hall:1'))
    for (let n = 2; n < 6; n++) await call('PATCH', `${at('v1')}/new`, { spec: { address: `hall:${n}` } }, merge)
    await call('DELETE', `${at('v1')}/new`)
    await feel('well')
    await release()
    assert.equal(await shown(), 'ADDED new hall 1')
    for (let n = 2; n < 6; n++) assert.equal(await shown(), `MODIFIED new hall ${n}`)
    assert.equal(await shown(), 'DELETED new hall 5')
    watch.close()
  })

  it('lets owners in several versions share an object', async () => {
    const config = {
      apiVersion: 'lights.example.com/v2',
      kind: 'Lamp',
      metadata: { name: 'shared' },
      spec: { host: 'h', port: 1 },
    }
    const first = await call('PATCH', `${at('v2')}/shared?fieldManager=two`, config, apply)
    assert.equal(first.status, 201, first.text)
    const other = {
      apiVersion: 'lights.example.com/v1',
      kind: 'Lamp',
      metadata: { name: 'shared' },
      spec: { address: 'x:2' },
    }
    const refused = await call('PATCH', `${at('v1')}/shared?fieldManager=one`, other, apply)
    assert.equal(refused.status, 409)
    assert.equal(
      refused.one('message'),
      'Apply failed with 2 conflicts: conflicts with "two":\n- .spec.host\n- .spec.port',
    )
    const color = { ...other, spec: { color: 'gold' } }
    const second = await call('PATCH', `${at('v1')}/shared?fieldManager=one`, color, apply)
    assert.equal(second.status, 200, second.text)
    const forced = await call(
      'PATCH',
      `${at('v1')}/shared?fieldManager=one&force=true`,
      { ...other, spec: { address: 'x:2', color: 'gold' } },
      apply,
    )
    assert.equal(forced.one('spec.address'), 'x:2')
    assert.deepEqual(forced.all('metadata.managedFields[*].apiVersion'), ['lights.example.com/v1'])
  })

  it('may change labels and annotations, and nothing else of the metadata', async () => {
    await feel('meddling')
    await call('POST', at('v1'), lampV1('m'))
    const { metadata } = JSON.parse((await call('GET', `${at('v2')}/m`)).text)
    assert.deepEqual(metadata.labels, { converted: 'yes' })
    assert.deepEqual(metadata.annotations, { note: 'hello' })
    assert.equal(metadata.finalizers, undefined)
    assert.equal(metadata.ownerReferences, undefined)
    assert.notEqual(metadata.creationTimestamp, '1999-01-01T00:00:00Z')
  })

  const what = 'lights.example.com/v1, Kind=Lamp'
  const refusals: readonly (readonly [mood: string, message: string | RegExp])[] = [
    ['refusing', `conversion webhook for ${what} failed: the bulb is broken`],
    [
      'refusing without a word',
      `conversion webhook for ${what} failed: response.result.status was 'Failure', not 'Success'`,
    ],
    ['no response', `conversion webhook for ${what} failed: no response provided`],
    [
      'another question',
      /^conversion webhook for \S+ Kind=Lamp failed: expected response\.uid="[0-9a-f-]{36}", got "other"$/,
    ],
    [
      'another review',
      `conversion webhook for ${what} failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /v1, Kind=List`,
    ],
    ['one too few', `conversion for ${what} returned 0 objects, expected 1`],
    [
      'another name',
      `conversion for ${what} returned invalid converted object at index 1: must have the same name: f != other`,
    ],
    [
      'another uid',
      /^conversion for \S+ Kind=Lamp returned invalid converted object at index 1: must have the same UID: [0-9a-f-]{36} != stolen$/,
    ],
    [
      'another kind',
      `conversion for ${what} returned invalid converted object at index 1: invalid kind (expected Lamp, received Torch)`,
    ],
    [
      'another version',
      `conversion for ${what} returned invalid converted object at index 1: invalid groupVersion (expected lights.example.com/v2, received lights.example.com/v3)`,
    ],
    [
      'no metadata',
      `conversion for ${what} returned invalid converted object at index 1: must have the same name: f != `,
    ],
    [
      'bad labels',
      /^conversion for \S+ Kind=Lamp returned invalid metadata in object at index 1: metadata\.labels: Invalid value: "a b": name part must consist of/,
    ],
    [
      'labels that are no text',
      `conversion for ${what} returned invalid metadata in object at index 1: metadata.labels[a] must be a string, but is int64 in converted object`,
    ],
    [
      'broken',
      new RegExp(
        `^conversion webhook for ${what.replaceAll('.', '\\.')} failed: an error on the server \\("out of oil"\\) has prevented the request from succeeding$`,
      ),
    ],
    [
      'garbage',
      /^conversion webhook for .* failed: couldn't get version\/kind; json parse error: invalid character '<' looking for beginning of value$/,
    ],
    [
      'deep',
      /^conversion webhook for .* failed: couldn't get version\/kind; json parse error: invalid character '\{' exceeded max depth$/,
    ],
    [
      'cut',
      /^conversion webhook for .* failed: Post "https:\/\/127\.0\.0\.1:\d+\/convert\?timeout=30s": unexpected EOF$/,
    ],
  ]

  for (const [mood, message] of refusals) {
    it(`that is ${mood} is not believed, and the objects are still there`, async () => {
      await call('POST', at('v1'), lampV1('f'))
      await feel(mood)
      for (const path of [`${at('v2')}/f`, at('v2')]) {
        const answer = await call('GET', path)
        assert.deepEqual([answer.status, answer.one('reason')], [500, undefined])
        if (typeof message === 'string') assert.equal(answer.one('message'), message)
        else assert.match(String(answer.one('message')), message)
      }
      const written = await call('POST', at('v2'), lampV2('g'))
      assert.equal(written.status, 500)
      assert.equal((await call('GET', `${at('v1')}/g`)).status, 404)
      assert.equal((await call('GET', `${at('v1')}/f`)).status, 200)
      await feel('well')
      assert.equal((await call('GET', `${at('v2')}/f`)).one('spec.host'), 'hall')
    })
  }

  it('that fails ends watches with an error, of its version alone', async () => {
    const stored = await call.watch(`${at('v1')}?watch=true`)
    const converted = await call.watch(`${at('v2')}?watch=true`)
    await feel('refusing')
    await call('POST', at('v1'), lampV1('w'))
    assert.equal((await stored.next()).type, 'ADDED')
    const { type, object } = await converted.next()
    assert.equal(type, 'ERROR')
    assert.equal(object['message'], `conversion webhook for ${what} failed: the bulb is broken`)
    await assert.rejects(converted.next())
    await call('DELETE', `${at('v1')}/w`)
    assert.equal((await stored.next()).type, 'DELETED')
    stored.close()
  })

  it('that never answers holds up nobody but who asked', async () => {
    await call('POST', at('v1'), lampV1('s'))
    await feel('silent')
    const gone = new AbortController()
    const waiting = call('GET', `${at('v2')}/s`, undefined, {}, gone.signal)
    assert.equal((await call('GET', `${at('v1')}/s`)).status, 200)
    assert.equal((await call('GET', '/api/v1/namespaces/default')).status, 200)
    gone.abort()
    await assert.rejects(waiting)
    const late = await call('GET', `${at('v2')}/s?timeout=1s`)
    assert.equal(late.status, 504, late.text)
  })

  it('that is dead is said to be, and works again when it is back, with another certificate too', async () => {
    await call('POST', at('v1'), lampV1('d'))
    await server.kill()
    const dead = await call('GET', `${at('v2')}/d`)
    assert.match(
      String(dead.one('message')),
      /^conversion webhook for lights\.example\.com\/v1, Kind=Lamp failed: Post "https:\/\/127\.0\.0\.1:\d+\/convert\?timeout=30s": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/,
    )
    await server.restart({ newAuthority: true })
    const doubted = await call('GET', `${at('v2')}/d`)
    assert.match(
      String(doubted.one('message')),
      /tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
    )
    await change(
      { conversion: { webhook: { clientConfig: { caBundle: server.caBundle } } } },
      async () => (await call('GET', `${at('v2')}/d`)).status === 200 || undefined,
    )
    assert.equal((await call('GET', `${at('v2')}/d`)).one('spec.host'), 'hall')
  })

  it('is found behind a service', async () => {
    await call('POST', at('v1'), lampV1('far'))
    const service = { namespace: 'default', name: 'lamps', port: server.port, path: '/convert' }
    await change({ conversion: { webhook: { clientConfig: { url: null, service } } } }, async () => {
      const { one } = await call('GET', `${at('v2')}/far`)
      return String(one('message')).endsWith('service "lamps" not found') || undefined
    })
    const spec = { type: 'ExternalName', externalName: '127.0.0.1', ports: [{ port: server.port }] }
    await call('POST', '/api/v1/namespaces/default/services', { metadata: { name: 'lamps' }, spec })
    assert.equal((await call('GET', `${at('v2')}/far`)).one('spec.host'), 'hall')
  })

  it('is asked in v1beta1 when it understands nothing else', async () => {
    await call('POST', at('v1'), lampV1('beta'))
    await change({ conversion: { webhook: { conversionReviewVersions: ['v1beta1'] } } }, async () => {
      await call('GET', `${at('v2')}/beta`)
      const { lastReview } = (await server.tell({})) as { lastReview: { apiVersion: string } }
      return lastReview.apiVersion === 'apiextensions.k8s.io/v1beta1' || undefined
    })
    assert.equal((await call('GET', `${at('v2')}/beta`)).one('spec.port'), 80)
  })

  it('knows objects of both versions when another version is stored from now on', async () => {
    await call('POST', at('v1'), lampV1('before'))
    const versions = definition(server).spec.versions.map((version) => ({ ...version, storage: version.name === 'v2' }))
    await change({ versions }, async () => {
      await call('POST', at('v2'), lampV2('after'))
      await asked()
      await call('GET', `${at('v2')}/after`)
      return (await asked()).length === 0 || undefined
    })
    const list = await call('GET', at('v2'))
    assert.deepEqual(list.all('items[*].spec.host').toSorted(), ['hall', 'porch'])
    assert.deepEqual((await call('GET', at('v1'))).all('items[*].spec.address').toSorted(), ['hall:80', 'porch:81'])
    const { storedVersions } = JSON.parse((await call('GET', `${definitions}/lamps.lights.example.com`)).text).status
    assert.deepEqual(storedVersions, ['v1', 'v2'])
    // A write, even one that changes nothing else, stores the new version.
    await call('PATCH', `${at('v1')}/before`, { metadata: { labels: { moved: 'yes' } } }, merge)
    await asked()
    assert.equal((await call('GET', `${at('v2')}/before`)).one('spec.host'), 'hall')
    assert.deepEqual(await asked(), [])
  })

  it('is not needed to delete the definition and all objects', async () => {
    await call('POST', at('v1'), lampV1('last'))
    await server.kill()
    await call('DELETE', `${definitions}/lamps.lights.example.com`)
    await eventually(
      async () => (await call('GET', `${definitions}/lamps.lights.example.com`)).status === 404 || undefined,
    )
  })
})
