import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ReplicaSet } from '../kinds/apps/replica-set.ts'
import { ConfigMap } from '../kinds/core/config-map.ts'
import { Namespace } from '../kinds/core/namespace.ts'
import { ClusterRole } from '../kinds/rbac/cluster-role.ts'
import { ApiError, isAlreadyExists, isConflict, isExpired, isInvalid, isNotFound } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
import type { Client, WatchEvent } from './client.ts'

export interface ClientUnderTest extends AsyncDisposable {
  readonly client: Client
  /** A namespace that is there and empty. */
  readonly namespace: string
  /** Makes the server forget its history, where that can be done. */
  readonly compact?: () => Promise<void>
}

/** What every form of the client does: `open` gives a new one, connected to a server. */
export function clientConformance(name: string, open: () => Promise<ClientUnderTest>): void {
  const story = (title: string, tell: (under: ClientUnderTest) => Promise<void>) =>
    test(title, async () => {
      await using under = await open()
      await tell(under)
    })

  describe(`client: ${name}`, () => {
    story('creates, reads, updates and deletes', async ({ client, namespace }) => {
      const made = await client.create(ConfigMap, { metadata: { name: 'a', namespace }, data: { n: '1' } })
      assert.equal(made.kind, 'ConfigMap')
      assert.equal(made.apiVersion, 'v1')
      assert.ok(made.metadata.uid)
      const ref = { namespace, name: 'a' }
      assert.deepEqual(await client.get(ConfigMap, ref), made)
      const changed = await client.update(ConfigMap, { ...made, data: { n: '2' } })
      assert.deepEqual(changed.data, { n: '2' })
      assert.notEqual(changed.metadata.resourceVersion, made.metadata.resourceVersion)
      assert.equal(await client.delete(ConfigMap, ref), true)
      await assert.rejects(client.get(ConfigMap, ref), isNotFound)
    })

    story('gives frozen objects', async ({ client, namespace }) => {
      const made = await client.create(ConfigMap, { metadata: { name: 'a', namespace }, data: { n: '1' } })
      const read = await client.get(ConfigMap, { namespace, name: 'a' })
      const { items } = await client.list(ConfigMap, { namespace })
      for (const object of [made, read, ...items]) {
        assert.ok(Object.isFrozen(object) && Object.isFrozen(object.metadata) && Object.isFrozen(object.data))
      }
    })

    story('does not change or keep what it is given', async ({ client, namespace }) => {
      const draft = { metadata: { name: 'a', namespace, labels: { l: 'm' } }, data: { n: '1' } }
      const before = structuredClone(draft)
      const made = await client.create(ConfigMap, draft)
      assert.deepEqual(draft, before)
      draft.data.n = 'later'
      assert.deepEqual(made.data, { n: '1' })
      assert.deepEqual((await client.get(ConfigMap, { namespace, name: 'a' })).data, { n: '1' })
    })

    story('takes a field that is undefined for one that is absent', async ({ client, namespace }) => {
      const made = await client.create(ConfigMap, {
        metadata: { name: 'a', namespace, labels: undefined },
        data: undefined,
      })
      assert.equal(made.data, undefined)
      assert.ok(!('data' in made))
    })

    story('names what goes wrong', async ({ client, namespace }) => {
      const made = await client.create(ConfigMap, { metadata: { name: 'a', namespace } })
      await assert.rejects(client.create(ConfigMap, { metadata: { name: 'a', namespace } }), isAlreadyExists)
      await assert.rejects(client.create(ConfigMap, { metadata: { name: 'Not A Name', namespace } }), isInvalid)
      await client.update(ConfigMap, { ...made, data: { n: '2' } })
      await assert.rejects(client.update(ConfigMap, { ...made, data: { n: '3' } }), isConflict)
      await assert.rejects(client.delete(ConfigMap, { namespace, name: 'zz' }), isNotFound)
      const wrong = { namespace, name: 'a' }
      await assert.rejects(client.delete(ConfigMap, wrong, { preconditions: { uid: 'other' } }), isConflict)
    })

    story('patches in three ways', async ({ client, namespace }) => {
      const ref = { namespace, name: 'a' }
      await client.create(ConfigMap, { metadata: { name: 'a', namespace }, data: { a: '1', b: '2' } })
      const merged = await client.patch(ConfigMap, ref, { type: 'merge', body: { data: { a: null, c: '3' } } })
      assert.deepEqual(merged.data, { b: '2', c: '3' })
      const strategic = await client.patch(ConfigMap, ref, { type: 'strategic', body: { data: { d: '4' } } })
      assert.deepEqual(strategic.data, { b: '2', c: '3', d: '4' })
      const json = await client.patch(ConfigMap, ref, {
        type: 'json',
        body: [
          { op: 'test', path: '/data/b', value: '2' },
          { op: 'remove', path: '/data/b' },
        ],
      })
      assert.deepEqual(json.data, { c: '3', d: '4' })
      await assert.rejects(client.patch(ConfigMap, { namespace, name: 'zz' }, { type: 'merge', body: {} }), isNotFound)
    })

    story('tries without doing', async ({ client, namespace }) => {
      await client.create(ConfigMap, { metadata: { name: 'a', namespace } }, { dryRun: true })
      await assert.rejects(client.get(ConfigMap, { namespace, name: 'a' }), isNotFound)
    })

    story('lists by selector and page by page', async ({ client, namespace }) => {
      for (const name of ['a', 'b', 'c']) {
        await client.create(ConfigMap, { metadata: { name, namespace, labels: { vowel: String(name === 'a') } } })
      }
      const names = (items: readonly ConfigMap[]) => items.map(({ metadata }) => metadata.name)
      const vowels = await client.list(ConfigMap, { namespace, labelSelector: 'vowel=true' })
      assert.deepEqual(names(vowels.items), ['a'])
      const named = await client.list(ConfigMap, { namespace, fieldSelector: 'metadata.name!=b' })
      assert.deepEqual(names(named.items), ['a', 'c'])
      const first = await client.list(ConfigMap, { namespace, limit: 2 })
      assert.deepEqual(names(first.items), ['a', 'b'])
      const rest = await client.list(ConfigMap, { namespace, limit: 2, continue: first.continue! })
      assert.deepEqual([names(rest.items), rest.continue], [['c'], undefined])
      assert.equal(rest.resourceVersion, first.resourceVersion)
    })

    story('waits for finalizers', async ({ client, namespace }) => {
      const ref = { namespace, name: 'a' }
      await client.create(ConfigMap, { metadata: { name: 'a', namespace, finalizers: ['x.io/y'] } })
      assert.equal(await client.delete(ConfigMap, ref), false)
      assert.ok((await client.get(ConfigMap, ref)).metadata.deletionTimestamp)
      await client.patch(ConfigMap, ref, { type: 'merge', body: { metadata: { finalizers: null } } })
      await assert.rejects(client.get(ConfigMap, ref), isNotFound)
    })

    story('writes status apart from the rest', async ({ client }) => {
      const made = await client.create(Namespace, { metadata: { generateName: 'conformance-' } })
      const status = {
        phase: 'Active',
        conditions: [{ type: 'Seen', status: 'True', reason: 'Test', message: '' }],
      } as const
      const marked = await client.updateStatus(Namespace, { ...made, spec: {}, status })
      assert.equal(marked.status.conditions?.[0]?.type, 'Seen')
      assert.deepEqual(marked.spec, made.spec)
    })

    story('scales whatever has a scale', async ({ client, namespace }) => {
      const template = {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'main', image: 'web:1' }] },
      }
      const spec = { replicas: 2, selector: { matchLabels: { app: 'web' } }, template }
      const made = await client.create(ReplicaSet, { metadata: { name: 'web', namespace }, spec } as Draft<ReplicaSet>)
      const ref = { namespace, name: 'web' }
      const scale = await client.scale(ReplicaSet, ref)
      assert.deepEqual([scale.spec.replicas, scale.status], [2, { replicas: 0, selector: 'app=web' }])
      assert.equal(scale.metadata.resourceVersion, made.metadata.resourceVersion)
      const scaled = await client.updateScale(ReplicaSet, { ...scale, spec: { replicas: 5 } })
      assert.equal(scaled.spec.replicas, 5)
      assert.equal((await client.get(ReplicaSet, ref)).spec.replicas, 5)
      await assert.rejects(client.updateScale(ReplicaSet, { ...scale, spec: { replicas: 1 } }), isConflict)
      await assert.rejects(client.updateScale(ReplicaSet, { ...scaled, spec: { replicas: -1 } }), isInvalid)
      await assert.rejects(client.scale(ReplicaSet, { namespace, name: 'absent' }), isNotFound)
      await client.create(ConfigMap, { metadata: { name: 'a', namespace } })
      await assert.rejects(client.scale(ConfigMap, { namespace, name: 'a' }), isNotFound)
    })

    story('watches from a revision, each change once and in order', async ({ client, namespace }) => {
      const { resourceVersion } = await client.list(ConfigMap, { namespace })
      const made = await client.create(ConfigMap, { metadata: { name: 'a', namespace, labels: { in: 'yes' } } })
      await client.update(ConfigMap, { ...made, metadata: { ...made.metadata, labels: { in: 'no' } } })
      await client.delete(ConfigMap, { namespace, name: 'a' })
      const all = await take(client, 3, { namespace, resourceVersion })
      assert.deepEqual(all.map(typeAndLabel), ['ADDED yes', 'MODIFIED no', 'DELETED no'])
      const chosen = await take(client, 2, { namespace, resourceVersion, labelSelector: 'in=yes' })
      assert.deepEqual(chosen.map(typeAndLabel), ['ADDED yes', 'DELETED yes'])
    })

    story('watches what there is and what comes', async ({ client, namespace }) => {
      await client.create(ConfigMap, { metadata: { name: 'a', namespace } })
      const stop = new AbortController()
      const seen: string[] = []
      const options = { namespace, sendInitialEvents: true, allowWatchBookmarks: true, signal: stop.signal }
      for await (const event of client.watch(ConfigMap, options)) {
        if (event.type !== 'BOOKMARK') seen.push(`${event.type} ${event.object.metadata.name}`)
        else if (event.initialEventsEnd) {
          seen.push('END')
          await client.create(ConfigMap, { metadata: { name: 'b', namespace } })
        }
        if (seen.length === 3) stop.abort()
      }
      assert.deepEqual(seen, ['ADDED a', 'END', 'ADDED b'])
    })

    story('says when the past is forgotten', async ({ client, namespace, compact }) => {
      if (compact === undefined) return
      const { resourceVersion } = await client.list(ConfigMap, { namespace })
      for (const name of ['a', 'b', 'c']) await client.create(ConfigMap, { metadata: { name, namespace } })
      await compact()
      await assert.rejects(take(client, 1, { namespace, resourceVersion }), isExpired)
    })

    story('carries names, keys and texts as they are', async ({ client, namespace }) => {
      const made = await client.create(ClusterRole, { metadata: { name: 'conformance:a b' } })
      assert.deepEqual(await client.get(ClusterRole, { name: 'conformance:a b' }), made)
      assert.equal(await client.delete(ClusterRole, { name: 'conformance:a b' }), true)
      const text = 'Käse 🧀 \u2028 "\\\u0000'
      const data = { ['__proto__']: text, constructor: 'c', long: 'x'.repeat(500_000) }
      await client.create(ConfigMap, { metadata: { name: 'a', namespace, annotations: { 'x.io/y': text } }, data })
      const read = await client.get(ConfigMap, { namespace, name: 'a' })
      assert.deepEqual(Object.entries(read.data!).sort(), Object.entries(data).sort())
      assert.equal(read.metadata.annotations?.['x.io/y'], text)
    })

    story('refuses names that would lead elsewhere', async ({ client, namespace }) => {
      await client.create(ConfigMap, { metadata: { name: 'stays', namespace } })
      for (const name of ['', '.', '..', 'a/b', '%2e', '../stays', 'stays/status']) {
        await assert.rejects(client.get(ConfigMap, { namespace, name }), ApiError, `get ${name}`)
        await assert.rejects(client.delete(ConfigMap, { namespace, name }), ApiError, `delete ${name}`)
        await assert.rejects(client.patch(ConfigMap, { namespace, name }, { type: 'merge', body: {} }), ApiError)
      }
      await assert.rejects(client.delete(ConfigMap, { name: 'stays' }), ApiError)
      await assert.rejects(client.create(ConfigMap, { metadata: { name: 'a' } }), ApiError)
      assert.equal((await client.list(ConfigMap, { namespace })).items.length, 1)
    })

    story('loses nothing when events are taken slowly', async ({ client, namespace }) => {
      const stop = new AbortController()
      const { resourceVersion } = await client.list(ConfigMap, { namespace })
      const watch = client.watch(ConfigMap, { namespace, resourceVersion, signal: stop.signal })
      const data = { k: 'x'.repeat(50_000) }
      const names = Array.from({ length: 100 }, (_, index) => `a-${index}`)
      for (const name of names) await client.create(ConfigMap, { metadata: { name, namespace }, data })
      const seen: string[] = []
      for await (const event of watch) {
        if (event.type === 'ADDED') seen.push(event.object.metadata.name!)
        // Others go on meanwhile.
        if (seen.length % 20 === 0) await client.list(ConfigMap, { namespace, limit: 1 })
        if (seen.length === names.length) break
      }
      assert.deepEqual(seen, names)
    })

    story('holds as many watches as anybody wants', async ({ client, namespace }) => {
      const { resourceVersion } = await client.list(ConfigMap, { namespace })
      const watches = Array.from({ length: 300 }, () => take(client, 1, { namespace, resourceVersion }))
      const made = await client.create(ConfigMap, { metadata: { name: 'a', namespace } })
      const seen = await Promise.all(watches)
      const versions = seen.flat().map((event) => event.type === 'ADDED' && event.object.metadata.resourceVersion)
      assert.deepEqual(versions, Array(300).fill(made.metadata.resourceVersion))
    })

    story('ends a watch at once when it is called off', async ({ client, namespace }) => {
      const before = AbortSignal.abort()
      for await (const event of client.watch(ConfigMap, { namespace, signal: before })) assert.fail(event.type)
      const stop = new AbortController()
      const watch = client.watch(ConfigMap, { namespace, signal: stop.signal })[Symbol.asyncIterator]()
      const next = watch.next()
      stop.abort()
      assert.deepEqual(await next, { value: undefined, done: true })
    })

    story('says what is wrong with a watch', async ({ client, namespace }) => {
      const onOpen = () => assert.fail('it was refused')
      const options = { namespace, labelSelector: '=((', signal: new AbortController().signal, onOpen }
      const watch = client.watch(ConfigMap, options)[Symbol.asyncIterator]()
      await assert.rejects(watch.next(), { reason: 'BadRequest' })
    })

    story('says that a watch stands before there is anything to tell', async ({ client, namespace }) => {
      const { resourceVersion } = await client.list(ConfigMap, { namespace })
      const stop = new AbortController()
      const opened = Promise.withResolvers<void>()
      const options = { namespace, resourceVersion, signal: stop.signal, onOpen: opened.resolve }
      const next = client.watch(ConfigMap, options)[Symbol.asyncIterator]().next()
      await opened.promise
      stop.abort()
      assert.deepEqual(await next, { value: undefined, done: true })
    })

    story('acts as somebody else', async ({ client, namespace }) => {
      const other = client.as({ name: 'system:apiserver', groups: ['system:masters'], userAgent: 'other/1' })
      await other.create(ConfigMap, { metadata: { name: 'a', namespace } })
      assert.equal((await client.get(ConfigMap, { namespace, name: 'a' })).metadata.name, 'a')
    })
  })
}

interface Watched {
  readonly namespace: string
  readonly resourceVersion: string
  readonly labelSelector?: string
}

async function take(client: Client, count: number, options: Watched): Promise<readonly WatchEvent<ConfigMap>[]> {
  const stop = new AbortController()
  const events: WatchEvent<ConfigMap>[] = []
  for await (const event of client.watch(ConfigMap, { ...options, signal: stop.signal })) {
    events.push(event)
    if (events.length === count) break
  }
  stop.abort()
  return events
}

const typeAndLabel = (event: WatchEvent<ConfigMap>): string =>
  event.type === 'BOOKMARK' ? event.type : `${event.type} ${event.object.metadata.labels?.['in']}`
