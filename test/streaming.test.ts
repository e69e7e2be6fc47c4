import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { listToProtobuf, partialObjectMetadataList, toProtobuf } from '../src/apiserver/protobuf-body.ts'
import type { ApiRequest, ApiResponse, Sink } from '../src/apiserver/request.ts'
import { goYaml } from '../src/base/go-yaml.ts'
import { type Cluster, startCluster } from '../src/cluster/cluster.ts'
import { CustomResourceDefinition } from '../src/kinds/apiextensions/custom-resource-definition.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { apiVersionOf, type Kind } from '../src/schema/kind.ts'
import { VirtualWorld } from '../src/world/virtual.ts'

const certificate = { commonName: 'admin', organizations: ['system:masters'], fingerprint: 'none' }

function ask(cluster: Cluster, method: string, url: string, more: Partial<ApiRequest> = {}): Promise<ApiResponse> {
  return cluster.handler({
    method,
    url,
    headers: {},
    body: async () => Buffer.alloc(0),
    certificate,
    remoteAddress: '127.0.0.1',
    signal: new AbortController().signal,
    ...more,
  })
}

const post = (cluster: Cluster, url: string, body: object) =>
  ask(cluster, 'POST', url, {
    headers: { 'content-type': 'application/json' },
    body: async () => Buffer.from(JSON.stringify(body)),
  })

/** What an answer that is written as it goes writes until `isEnough` or its end. */
async function read({ body }: ApiResponse, isEnough: (text: string) => boolean = () => false): Promise<Buffer> {
  if (typeof body !== 'function') return Buffer.from(body)
  const gone = new AbortController()
  const chunks: Buffer[] = []
  await body({
    write(chunk) {
      chunks.push(Buffer.from(chunk))
      if (isEnough(Buffer.concat(chunks).toString())) gone.abort()
    },
    backlog: 0,
    drained: async () => {},
    signal: gone.signal,
  })
  return Buffer.concat(chunks)
}

const boats = '/apis/sea.example.com/v1/namespaces/default/boats'

async function withBoats(count: number): Promise<Cluster> {
  const cluster = await startCluster({ apiOnly: true })
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  await post(cluster, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'boats.sea.example.com' },
    spec: {
      group: 'sea.example.com',
      scope: 'Namespaced',
      names: { plural: 'boats', kind: 'Boat' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  await cluster.settle()
  for (let n = 0; n < count; n++) {
    const name = `boat-${String(n).padStart(4, '0')}`
    const { status } = await post(cluster, boats, {
      apiVersion: 'sea.example.com/v1',
      kind: 'Boat',
      metadata: { name },
      spec: { cargo: 'x'.repeat(500) },
    })
    assert.equal(status, 201)
  }
  return cluster
}

const collectionOf = ({ group, version, plural }: Kind) =>
  group === '' ? `/api/${version}/${plural}` : `/apis/${group}/${version}/${plural}`

describe('a list as a stream of a watch', () => {
  it('comes whole, for every kind, and ends with a bookmark that says so', async () => {
    await using cluster = await withBoats(2)
    const watchable = cluster.registry.kinds.filter(({ verbs }) => verbs.includes('watch'))
    assert.ok(watchable.includes(CustomResourceDefinition as unknown as Kind))
    assert.ok(watchable.some(({ kind }) => kind === 'Boat'))
    for (const kind of watchable) {
      const url = collectionOf(kind)
      const listed = JSON.parse((await read(await ask(cluster, 'GET', url))).toString())
      const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
      const answer = await ask(cluster, 'GET', `${url}?${query}`)
      assert.equal(answer.status, 200, url)
      const text = (await read(answer, (so) => so.includes('"BOOKMARK"') && so.endsWith('\n'))).toString()
      const events = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      const end = events.pop()
      assert.equal(end.object.kind, kind.kind)
      assert.equal(end.object.apiVersion, apiVersionOf(kind))
      assert.deepEqual(end.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' })
      assert.equal(end.object.metadata.resourceVersion, listed.metadata.resourceVersion)
      const names = (objects: { metadata: { name: string } }[]) => objects.map(({ metadata }) => metadata.name)
      assert.deepEqual(names(events.map(({ object }) => object)), names(listed.items), url)
      assert.ok(events.every(({ type }) => type === 'ADDED'))

      const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
      const facts = await ask(cluster, 'GET', `${url}?${query}`, { headers: { accept } })
      const inShort = (await read(facts, (so) => so.includes('"BOOKMARK"') && so.endsWith('\n'))).toString()
      const shown = inShort
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).object)
      assert.ok(shown.every((object) => object.kind === 'PartialObjectMetadata'))
      assert.deepEqual(names(shown.slice(0, -1)), names(listed.items), url)
      assert.deepEqual(shown.at(-1).metadata.annotations, { 'k8s.io/initial-events-end': 'true' })
    }
  })
})

describe('a list of custom resources', () => {
  it('goes on in pages across a compaction, at the newest revision with the token of the refusal', async () => {
    await using cluster = await withBoats(9)
    const page = async (query: string) => {
      const answer = await ask(cluster, 'GET', `${boats}?limit=4${query}`)
      return { status: answer.status, ...JSON.parse((await read(answer)).toString()) }
    }
    const first = await page('')
    assert.equal(first.items.length, 4)
    assert.equal(first.metadata.remainingItemCount, 5)
    await ask(cluster, 'DELETE', `${boats}/boat-0005`)
    const second = await page(`&continue=${first.metadata.continue}`)
    assert.equal(second.items.length, 4, 'at the revision of the first page')
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)

    await cluster.store.compact(cluster.store.revision)
    const refused = await page(`&continue=${first.metadata.continue}`)
    assert.deepEqual([refused.code, refused.reason], [410, 'Expired'])
    assert.match(refused.message, /^The provided continue parameter is too old to display a consistent list result\./)
    const rest = await page(`&continue=${refused.metadata.continue}`)
    assert.deepEqual(
      rest.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
      ['boat-0004', 'boat-0006', 'boat-0007', 'boat-0008'],
    )
    assert.equal(rest.metadata.resourceVersion, String(cluster.store.revision))
    const old = await page(`&resourceVersion=${first.metadata.resourceVersion}&resourceVersionMatch=Exact`)
    assert.deepEqual([old.code, old.reason], [410, 'Expired'])
  })

  it('is compressed for those who take it, in one piece or as it is made', async () => {
    await using cluster = await withBoats(400)
    for (const query of ['', '?limit=390']) {
      const plain = await read(await ask(cluster, 'GET', `${boats}${query}`))
      const packed = await ask(cluster, 'GET', `${boats}${query}`, { headers: { 'accept-encoding': 'gzip' } })
      assert.equal(packed.headers['content-encoding'], 'gzip')
      const bytes = await read(packed)
      assert.ok(bytes.length < plain.length / 4)
      assert.ok(gunzipSync(bytes).equals(plain))
    }
  })

  it('stops when the client is gone, without being written to its end', async () => {
    await using cluster = await withBoats(400)
    // As much as makes the answer one that is sent piece by piece.
    const big = { apiVersion: 'sea.example.com/v1', kind: 'Boat', spec: { cargo: 'x'.repeat(500_000) } }
    for (let n = 0; n < 8; n++) await post(cluster, boats, { ...big, metadata: { name: `z-${n}` } })
    const { body } = await ask(cluster, 'GET', boats)
    assert.ok(typeof body === 'function')
    let written = 0
    const sink: Sink = {
      write(chunk) {
        written += chunk.length
      },
      get backlog() {
        return written
      },
      drained: async () => {
        throw new Error('the client is gone')
      },
      signal: new AbortController().signal,
    }
    await assert.rejects(body(sink), { message: 'the client is gone' })
    assert.ok(written < 3_000_000, `${written} bytes were made for nobody`)
  })
})

describe('a long list', () => {
  it('is written in parts as tables, metadata, protobuf, YAML and JSON for people, and says what a short one does', async () => {
    // Time stands still: rows tell the age of objects.
    await using cluster = await startCluster({ apiOnly: true, world: new VirtualWorld() })
    const url = '/api/v1/namespaces/default/configmaps'
    const count = 700
    for (let n = 0; n < count; n++) {
      const labels = n % 7 === 0 ? { seventh: 'yes' } : {}
      const metadata = { name: `map-${String(n).padStart(4, '0')}`, labels }
      await post(cluster, url, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { text: 'é'.repeat(800) } })
    }
    const listed = async (accept: string, query = '') => {
      const answer = await ask(cluster, 'GET', `${url}${query}`, { headers: { accept } })
      return { isWritten: typeof answer.body === 'function', bytes: await read(answer) }
    }
    /** A list by pages so short that each is made as a whole. */
    const byPages = async (accept: string, member: string) => {
      const items: unknown[] = []
      for (let query = '?limit=300'; ; ) {
        const { isWritten, bytes } = await listed(accept, query)
        assert.equal(isWritten, false)
        const page = JSON.parse(bytes.toString())
        items.push(...page[member])
        if (!page.metadata.continue) return { ...page, [member]: items }
        query = `?limit=300&continue=${page.metadata.continue}`
      }
    }
    const forms = [
      ['application/json;as=Table;g=meta.k8s.io;v=v1', 'rows'],
      ['application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', 'items'],
    ] as const
    const yaml = 'application/yaml'
    /** In one go, as a form is made of the list in JSON. */
    const isMadeOf = async (list: object, type: string) => {
      for (const [accept, query, text] of [
        [type, '?pretty=true', JSON.stringify(list, undefined, 2)],
        [type.replace('application/json', yaml), '', goYaml(list)],
      ] as const) {
        const { isWritten, bytes } = await listed(accept, query)
        assert.equal(isWritten, true, accept)
        assert.ok(bytes.equals(Buffer.from(text)), accept)
      }
    }
    for (const [accept, member] of forms) {
      const { isWritten, bytes } = await listed(accept)
      assert.equal(isWritten, true)
      const list = JSON.parse(bytes.toString())
      assert.deepEqual(list, await byPages(accept, member))
      await isMadeOf(list, accept)
    }
    // What goes through many objects keeps none of them in memory, and finds the same.
    const sevenths = JSON.parse((await listed('application/json', '?labelSelector=seventh')).bytes.toString())
    assert.equal(sevenths.items.length, count / 7)

    const protobuf = 'application/vnd.kubernetes.protobuf'
    const long = await listed(protobuf)
    assert.equal(long.isWritten, true)
    const whole = JSON.parse((await listed('application/json')).bytes.toString())
    const objects = whole.items.map((item: object) => ({ ...item, kind: 'ConfigMap', apiVersion: 'v1' }))
    assert.ok(long.bytes.equals(listToProtobuf(ConfigMap as unknown as Kind, whole.metadata, objects)))
    await isMadeOf(whole, 'application/json')

    const facts = 'as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
    const inProtobuf = await listed(`${protobuf};${facts}`)
    assert.equal(inProtobuf.isWritten, true)
    const inJson = JSON.parse((await listed(`application/json;${facts}`)).bytes.toString())
    assert.ok(inProtobuf.bytes.equals(toProtobuf(inJson, partialObjectMetadataList)))

    const refused = await ask(cluster, 'GET', url, {
      headers: { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' },
    })
    assert.equal(refused.status, 406)
  })
})
