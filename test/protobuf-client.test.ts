/**
 * A client that speaks protobuf, as those written in Go do, with nothing of ours in it: its message types are those that
 * a real kubectl carries, and a library writes and reads them. Whatever of our answers those types do not know, or
 * lose, is a difference from the reference.
 */
import assert from 'node:assert/strict'
import * as http2 from 'node:http2'
import { after, before, describe, test } from 'node:test'
import { create, type DescMessage, fromBinary, type Message, type Registry, toBinary, toJson } from '@bufbuild/protobuf'
import { reflect } from '@bufbuild/protobuf/reflect'
import { keyOf } from '../src/apiserver/storage/keys.ts'
import { startCluster } from '../src/cluster/cluster.ts'
import { kinds } from '../src/kinds/index.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../src/schema/kind.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { descriptorsOf } from './support/descriptors.ts'
import { newestKubectl, oldest } from './support/kubectl.ts'
import { haveRecordings } from './support/recorded.ts'
import { collectionOf, isReview, sampleNamespace, samplesOf } from './support/samples.ts'
import { quietWorld, serve } from './support/served.ts'

type Json = Record<string, unknown>

/** Of an object in JSON, or of a message. */
const metadataOf = (object: unknown) => (object as { metadata: Json }).metadata

const program = newestKubectl() ?? oldest
const types: Registry = descriptorsOf(program.path)
const served = await serve()
const connection = http2.connect(served.url, { ca: served.certificateAuthority, ...certificate() })
after(async () => {
  connection.close()
  await served[Symbol.asyncDispose]()
})

function certificate() {
  const { clientCertificate: cert, clientKey: key } = served.admin
  return { cert: cert!, key: key! }
}

const protobuf = 'application/vnd.kubernetes.protobuf'
const magic = 'k8s\0'
const unknown = types.getMessage('k8s.io.apimachinery.pkg.runtime.Unknown')!
const watchEvent = types.getMessage('k8s.io.apimachinery.pkg.apis.meta.v1.WatchEvent')!

const partial = types.getMessage('k8s.io.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata')!

/** A message by its type; unknown where this kubectl is older than the kind. */
function typeOf({ group, version, kind }: Kind, suffix = ''): DescMessage | undefined {
  const folder = group === '' ? 'core' : group.split('.')[0]
  return types.getMessage(`k8s.io.api.${folder}.${version}.${kind}${suffix}`)
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Buffer
}

function send(method: string, path: string, body: Buffer | undefined, type: string): http2.ClientHttp2Stream {
  const headers = { ':method': method, ':path': path, accept: type, ...(body && { 'content-type': type }) }
  const stream = connection.request(headers, { endStream: body === undefined })
  if (body) stream.end(body)
  return stream
}

async function request(method: string, path: string, body?: Buffer, type = protobuf): Promise<Answer> {
  const stream = send(method, path, body, type)
  let head: http2.IncomingHttpHeaders = {}
  stream.once('response', (headers) => {
    head = headers
  })
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return { status: Number(head[':status']), type: String(head['content-type']), body: Buffer.concat(chunks) }
}

async function json(method: string, path: string, body?: Json): Promise<{ status: number; body: Json }> {
  const answer = await request(method, path, body && Buffer.from(JSON.stringify(body)), 'application/json')
  return { status: answer.status, body: JSON.parse(answer.body.toString()) }
}

interface Envelope {
  readonly typeMeta: { readonly apiVersion: string; readonly kind: string }
  readonly raw: Uint8Array
}

interface Enveloped {
  readonly apiVersion: string
  readonly kind: string
  readonly message: Message
}

function open(bytes: Uint8Array, type: DescMessage): Enveloped {
  assert.equal(Buffer.from(bytes.subarray(0, 4)).toString(), magic)
  const { typeMeta, raw } = fromBinary(unknown, bytes.subarray(4)) as never as Envelope
  return { apiVersion: typeMeta.apiVersion, kind: typeMeta.kind, message: known(type, fromBinary(type, raw)) }
}

function close({ apiVersion, kind, message }: Enveloped, type: DescMessage): Buffer {
  const typeMeta = create(unknown.fields[0]!.message!, { apiVersion, kind } as never)
  const envelope = create(unknown, { typeMeta, raw: toBinary(type, message) } as never)
  return Buffer.concat([Buffer.from(magic), toBinary(unknown, envelope)])
}

/** Fails where bytes were no field of the type. */
function known(type: DescMessage, message: Message): Message {
  const faults: string[] = []
  const look = (desc: DescMessage, value: Message, path: string) => {
    for (const { no } of value.$unknown ?? []) faults.push(`${path}.${no}`)
    const seen = reflect(desc, value)
    for (const field of desc.fields) {
      if (!seen.isSet(field)) continue
      const at = `${path}.${field.name}`
      if (field.fieldKind === 'message')
        look(field.message, (value as never as Record<string, Message>)[field.localName]!, at)
      if (field.fieldKind === 'list' && field.listKind === 'message')
        for (const item of (value as never as Record<string, Message[]>)[field.localName]!)
          look(field.message, item, at)
    }
  }
  look(type, message, type.name)
  assert.deepEqual(faults, [])
  return message
}

describe('discovery with the same message types', () => {
  const saysTheSame = async (path: string, type: DescMessage, form = '') => {
    const inProtobuf = await request('GET', path, undefined, protobuf + form)
    assert.deepEqual([inProtobuf.status, inProtobuf.type], [200, protobuf + form])
    const { kind, message } = open(inProtobuf.body, type)
    const { body } = await request('GET', path, undefined, `application/json${form}`)
    const { kind: kindInJson, apiVersion: _, ...inJson } = JSON.parse(body.toString()) as Json
    assert.equal(kind, kindInJson)
    assert.deepEqual(withoutEmpty(toJson(type, message)), withoutEmpty(inJson), path)
  }

  test('says in protobuf what it says in JSON', async () => {
    const documents = {
      '/api': 'APIVersions',
      '/apis': 'APIGroupList',
      '/apis/apps': 'APIGroup',
      '/apis/apps/v1': 'APIResourceList',
      '/api/v1': 'APIResourceList',
    }
    for (const [path, name] of Object.entries(documents)) {
      await saysTheSame(path, types.getMessage(`k8s.io.apimachinery.pkg.apis.meta.v1.${name}`)!)
    }
  })

  test('says so in one document', async (context) => {
    const type = types.getMessage('k8s.io.api.apidiscovery.v2beta1.APIGroupDiscoveryList')
    if (type === undefined) return context.skip('this kubectl does not know it')
    for (const path of ['/api', '/apis']) {
      await saysTheSame(path, type, ';g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList')
    }
  })
})

/** What protobuf does not write is left out; verbs are a message there in the oldest of the documents. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([key, item]) => [
    key,
    withoutEmpty(key === 'verbs' && !Array.isArray(item) ? item.items : item),
  ])
  return Object.fromEntries(members.filter(([, item]) => !isEmpty(item)))
}

const isEmpty = (value: unknown) =>
  value === undefined ||
  value === '' ||
  value === false ||
  (typeof value === 'object' && Object.keys(value!).length === 0)

describe(`a client with the message types of kubectl ${program.version}`, { skip: !haveRecordings }, () => {
  before(async () => {
    await json('POST', '/api/v1/namespaces', { metadata: { name: sampleNamespace } })
    await json('POST', `/api/v1/namespaces/${sampleNamespace}/serviceaccounts`, { metadata: { name: 'default' } })
  })

  for (const kind of kinds) {
    const type = typeOf(kind)
    const bodies = samplesOf(kind)
    if (!type || bodies.length === 0) continue
    test(`creates, reads, lists and watches ${apiVersionOf(kind)} ${kind.kind} [CFG-30]`, async () => {
      const first = await createAny(kind, bodies)
      if (first === undefined) return assert.fail('none of the samples is accepted')
      if (metadataOf(first)?.['name'] === undefined) return sameReview(kind, type, bodies)
      await sameObject(kind, type, first)
    })
  }

  test('a server that finds values as the reference stores them reads the same objects', async () => {
    await using store = new MemoryStore(quietWorld)
    const then = stored.map(({ key, value }) => ({ type: 'put' as const, key, value }))
    await store.txn({ then })
    await using cluster = await startCluster({ store, apiOnly: true })
    for (const { kind, json } of stored) {
      const { namespace = '', name = '' } = json.metadata
      const read = await cluster.client.get(kind, { namespace, name })
      assert.deepEqual(lasting(asJson(read)), lasting(asJson(json)), kind.kind)
    }
  })

  test('knows most kinds', (context) => {
    const unshown = kinds.filter((kind) => !typeOf(kind) || samplesOf(kind).length === 0)
    context.diagnostic(`not ${unshown.map((kind) => `${apiVersionOf(kind)} ${kind.kind}`).join(', ')}`)
    assert.ok(unshown.length < (program === oldest ? 40 : 15))
  })
})

/** The first sample that can be made here. */
async function createAny(kind: Kind, bodies: readonly Json[]): Promise<Json | undefined> {
  for (const body of bodies) {
    const { status, body: answer } = await json('POST', collectionOf(kind), body)
    if (status === 201) return answer
  }
  return undefined
}

async function sameReview(kind: Kind, type: DescMessage, bodies: readonly Json[]): Promise<void> {
  assert.ok(isReview(kind) && bodies.length > 0)
  const empty = close({ apiVersion: apiVersionOf(kind), kind: kind.kind, message: create(type) }, type)
  const answer = await request('POST', collectionOf(kind), empty)
  assert.equal(answer.type, protobuf)
  assert.ok(answer.status === 201 || answer.status === 422 || answer.status === 400, `${answer.status}`)
}

async function sameObject(kind: Kind, type: DescMessage, first: Json): Promise<void> {
  const path = `${collectionOf(kind)}/${metadataOf(first)['name']}`
  const object = await readAs(type, path)
  assert.deepEqual([object.apiVersion, object.kind], [apiVersionOf(kind), kind.kind])

  const list = await readAs(typeOf(kind, 'List')!, collectionOf(kind))
  assert.equal(list.kind, `${kind.kind}List`)
  const { items } = list.message as Message & { readonly items: readonly Message[] }
  const listed = items.find((item) => metadataOf(item)['name'] === metadataOf(first)['name'])
  assert.deepEqual(toBinary(type, listed!), toBinary(type, object.message))

  const bare = await readAs(partial, path, `${protobuf};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`)
  assert.equal(metadataOf(bare.message)['uid'], metadataOf(first)['uid'])

  assert.deepEqual(toBinary(type, await watched(type, kind, path)), toBinary(type, object.message))

  // Nothing of it was lost on the way: written back, it is what it was.
  const written = await request('PUT', path, close(object, type))
  assert.deepEqual([written.status, written.type], [200, protobuf], written.body.toString())
  assert.deepEqual(toBinary(type, open(written.body, type).message), toBinary(type, object.message))

  const before = (await json('GET', path)).body
  remember(kind, type, object, before)
  await json('DELETE', `${path}?gracePeriodSeconds=0`)
  if ((await json('GET', path)).status !== 404) return
  const metadata = metadataOf(object.message)
  for (const field of ['uid', 'resourceVersion', 'creationTimestamp']) delete metadata[field]
  metadata['managedFields'] = []
  const made = await request('POST', collectionOf(kind), close(object, type))
  assert.deepEqual([made.status, made.type], [201, protobuf], made.body.toString())
  known(type, open(made.body, type).message)
  assert.deepEqual(lasting((await json('GET', path)).body), lasting(before))
}

interface Stored {
  readonly kind: Kind
  readonly key: string
  readonly value: Uint8Array
  readonly json: ApiObject
}

const stored: Stored[] = []

/** What a server of the reference would have stored of an object: its message, without a revision, in its envelope. */
function remember(kind: Kind, type: DescMessage, object: Enveloped, json: Json): void {
  // Some kinds are stored in another version, which is remembered as itself.
  if (kind.storedAs !== undefined) return
  const { namespace = '', name } = metadataOf(json) as { namespace?: string; name: string }
  const message = fromBinary(type, toBinary(type, object.message))
  delete metadataOf(message)['resourceVersion']
  stored.push({
    kind,
    key: keyOf(kind, namespace, name),
    value: close({ ...object, message }, type),
    json: json as never,
  })
}

const asJson = (object: ApiObject) => JSON.parse(JSON.stringify(object)) as Json

/** Without what is each object's own, and without when this server found what it says of it. */
function lasting(object: Json): Json {
  const { uid: _, resourceVersion: __, creationTimestamp: ___, managedFields: ____, ...kept } = metadataOf(object)
  const { conditions, ...status } = (object['status'] ?? {}) as { readonly conditions?: readonly Json[] }
  if (!Array.isArray(conditions)) return { ...object, metadata: kept }
  const found = conditions.map(({ lastTransitionTime: _, ...condition }) => condition)
  return { ...object, metadata: kept, status: { ...status, conditions: found } }
}

async function readAs(type: DescMessage, path: string, accept: string = protobuf): Promise<Enveloped> {
  const answer = await request('GET', path, undefined, accept)
  assert.equal(answer.status, 200)
  assert.ok(answer.type.startsWith(protobuf), answer.type)
  return open(answer.body, type)
}

interface WatchEvent {
  readonly type: string
  readonly object: { readonly raw: Uint8Array }
}

/** The object as a watch of its collection delivers it first. */
async function watched(type: DescMessage, kind: Kind, path: string): Promise<Message> {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const query = `?watch=true&fieldSelector=metadata.name%3D${encodeURIComponent(name)}`
  const stream = send('GET', collectionOf(kind) + query, undefined, `${protobuf};stream=watch`)
  let bytes = Buffer.alloc(0)
  for await (const chunk of stream) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    const length = bytes.length < 4 ? Number.POSITIVE_INFINITY : bytes.readUInt32BE() + 4
    if (bytes.length >= length) break
  }
  const event = fromBinary(watchEvent, bytes.subarray(4, bytes.readUInt32BE() + 4)) as never as WatchEvent
  assert.equal(event.type, 'ADDED')
  return open(event.object.raw, type).message
}
