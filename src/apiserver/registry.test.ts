import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigMap } from '../kinds/core/config-map.ts'
import { deepFreeze } from '../schema/freeze.ts'
import type { ApiObject } from '../schema/kind.ts'
import { ApiError } from '../schema/status.ts'
import type { Mutable } from '../schema/types.ts'
import type { Op } from '../store/store.ts'
import type { AdmissionPlugin } from './admission.ts'
import { Registry } from './registry.ts'
import type { DeleteOptions } from './resource.ts'
import type { WriteHook } from './storage/write-hook.ts'
import { Boat, decoded, testContext, testServer } from './testing.ts'

const dryRun = { ...testContext, dryRun: true }

function boats() {
  const server = testServer()
  const resource = server.registry.resource(Boat)
  const create = (name: string, more: object = {}, spec: object = {}) =>
    resource.create('sea', decoded(Boat, { metadata: { name, ...more }, spec }), testContext)
  const change = (name: string, draft: (boat: Boat) => object, subresource = '') =>
    resource.update('sea', name, subresource, (boat) => decoded(Boat, draft(boat!)), testContext)
  const remove = (name: string, options: DeleteOptions = {}) => resource.delete('sea', name, options, testContext)
  return { ...server, resource, create, change, remove }
}

/** The message and code of what it throws. */
async function failure(action: Promise<unknown>): Promise<string> {
  const error = await action.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof ApiError)) throw new Error('it did not fail with an ApiError', { cause: error })
  return `${error.code} ${error.message}`
}

describe('create', () => {
  test('fills in what the server knows, in the order of the type', async () => {
    const { create } = boats()
    const { object } = await create('a', { uid: 'mine', resourceVersion: '', generation: 9 })
    assert.deepEqual(Object.keys(object.metadata), [
      'name',
      'namespace',
      'uid',
      'resourceVersion',
      'generation',
      'creationTimestamp',
      'managedFields',
    ])
    assert.notEqual(object.metadata.uid, 'mine')
    assert.equal(object.metadata.creationTimestamp, '2026-01-01T00:00:00Z')
    assert.deepEqual(object.spec, { seats: 1 })
  })

  test('refuses', async () => {
    const { create, resource } = boats()
    await create('a')
    await create('dying', { finalizers: ['x.io/y'] })
    await resource.delete('sea', 'dying', {}, testContext)
    const cases: readonly [Promise<unknown>, string][] = [
      [create('a'), '409 boats.sea.example "a" already exists'],
      [create('dying'), '409 object is being deleted: boats.sea.example "dying" already exists'],
      [create('b', { resourceVersion: '5' }), '500 resourceVersion should not be set on objects to be created'],
      [
        create('b', { namespace: 'land' }),
        '400 the namespace of the provided object does not match the namespace sent on the request',
      ],
      [
        create('b', {}, { seats: -1 }),
        '422 Boat.sea.example "b" is invalid: spec.seats: Invalid value: -1: must not be negative',
      ],
      [
        create(''),
        '422 Boat.sea.example "" is invalid: metadata.name: Required value: name or generateName is required',
      ],
    ]
    for (const [action, expected] of cases) assert.equal(await failure(action), expected)
  })

  test('generates names of at most 63 characters, and others when one is taken', async () => {
    const { create, world } = boats()
    const long = 'x'.repeat(70)
    assert.match(
      (await create('', { generateName: long })).object.metadata.name!,
      /^x{58}[bcdfghjklmnpqrstvwxz2456789]{5}$/,
    )
    // The same numbers once more: the first name is taken, the second is not.
    const numbers = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    let at = 0
    Object.assign(world.random, { int: () => numbers[at++] ?? 2 })
    assert.equal((await create('', { generateName: 'g-' })).object.metadata.name, 'g-bbbbb')
    assert.equal((await create('', { generateName: 'g-' })).object.metadata.name, 'g-ccccc')
  })

  test('gives up when eight names are taken', async () => {
    const { create, world } = boats()
    Object.assign(world.random, { int: () => 0 })
    await create('', { generateName: 'g-' })
    assert.equal(
      await failure(create('', { generateName: 'g-' })),
      '409 boats.sea.example "g-bbbbb" already exists, the server was not able to generate a unique name for the object',
    )
  })

  test('a dry run checks everything and leaves nothing', async () => {
    const { resource, create, store } = boats()
    await create('there')
    const revision = store.revision
    const draft = (name: string) => decoded(Boat, { metadata: { name } })
    const { object } = await resource.create('sea', draft('a'), dryRun)
    assert.equal(object.metadata.resourceVersion, undefined)
    assert.equal(
      await failure(resource.create('sea', draft('there'), dryRun)),
      '409 boats.sea.example "there" already exists',
    )
    assert.equal(store.revision, revision)
  })

  test('admission changes the object before it is checked, and may refuse it after', async () => {
    const seen: string[] = []
    const { registry } = testServer([
      {
        name: 'seats',
        handles: ({ operation }) => operation === 'CREATE',
        admit({ object }) {
          const boat = object as unknown as { spec: { seats: number } }
          seen.push(`admit ${boat.spec.seats}`)
          boat.spec.seats = 4
        },
        async validate({ object, name }) {
          seen.push(`validate ${name} ${(object as unknown as Boat).spec.seats}`)
          if (name === 'bad') throw new ApiError('Forbidden', 'no')
        },
      },
    ])
    const resource = registry.resource(Boat)
    const create = (name: string) => resource.create('sea', decoded(Boat, { metadata: { name } }), testContext)
    assert.equal((await create('a')).object.spec.seats, 4)
    assert.equal(await failure(create('bad')), '403 no')
    assert.deepEqual(seen, ['admit 1', 'validate a 4', 'admit 1', 'validate bad 4'])
  })

  describe('of a constant draft', () => {
    const makes = async (
      draft: ApiObject,
      { constant = true, laterMs = 0, admission = [] as AdmissionPlugin[] } = {},
    ) => {
      const { registry, world } = testServer(admission)
      await world.clock.advance(laterMs)
      const entry = await registry.resource(Boat).create('sea', draft, testContext, { constant })
      return entry.json().toString()
    }
    const draftOf = (name: string) =>
      deepFreeze(decoded(Boat, { metadata: { name, labels: { of: 'old' } }, spec: { harbour: 'Cork' } }))

    test('gives in each cluster what it would give in the first, at its own time', async () => {
      const draft = draftOf('a')
      const first = await makes(draft)
      assert.equal(first, await makes(draft, { constant: false }))
      assert.equal(await makes(draft), first)
      const later = await makes(draft, { laterMs: 60_000 })
      assert.equal(later, await makes(draft, { laterMs: 60_000, constant: false }))
      assert.equal(later.match(/2026-01-01T00:01:00Z/g)?.length, 2)
    })

    test('does not complete and check it again', async (t) => {
      const validate = t.mock.method(Boat, 'validate')
      const draft = draftOf('b')
      for (let cluster = 0; cluster < 3; cluster++) await makes(draft)
      assert.equal(validate.mock.callCount(), 1)
      await makes(draft, { constant: false })
      assert.equal(validate.mock.callCount(), 2)
    })

    test('is still for admission to change or refuse, in each cluster', async () => {
      const draft = draftOf('c')
      const first = await makes(draft)
      const changes: AdmissionPlugin = {
        name: 'changes',
        handles: () => true,
        admit: ({ object }) => void Object.assign((object as unknown as Mutable<Boat>).spec, { seats: 7 }),
      }
      assert.match(await makes(draft, { admission: [changes] }), /"seats":7/)
      const refuses: AdmissionPlugin = {
        name: 'refuses',
        handles: () => true,
        async validate() {
          throw new ApiError('Forbidden', 'no')
        },
      }
      assert.equal(await failure(makes(draft, { admission: [refuses] })), '403 no')
      assert.equal(await makes(draft), first)
    })
  })
})

describe('update', () => {
  test('keeps the system fields, counts changes of the wish, leaves the status', async () => {
    const { create, change } = boats()
    const made = (await create('a')).object
    const { entry } = await change('a', (boat) => ({ ...boat, spec: { seats: 2 }, status: { afloat: ['yes'] } }))
    assert.equal(entry.object.metadata.generation, 2)
    assert.equal(entry.object.metadata.uid, made.metadata.uid)
    assert.deepEqual(entry.object.status, {})
    const status = await change('a', (boat) => ({ ...boat, spec: { seats: 9 }, status: { afloat: ['yes'] } }), 'status')
    assert.deepEqual(status.entry.object.status, { afloat: ['yes'] })
    assert.equal(status.entry.object.spec.seats, 2)
    assert.equal(status.entry.object.metadata.generation, 2)
  })

  test('writes nothing when nothing changes', async () => {
    const { create, change, store } = boats()
    const made = await create('a')
    const revision = store.revision
    const { entry } = await change('a', (boat) => ({ ...boat, metadata: { ...boat.metadata, labels: {} } }))
    assert.equal(entry.object, made.object)
    assert.equal(store.revision, revision)
  })

  test('refuses what is old or does not say how old it is', async () => {
    const { create, change } = boats()
    const { object } = await create('a')
    await change('a', (boat) => ({ ...boat, spec: { seats: 3 } }))
    const conflict =
      '409 Operation cannot be fulfilled on boats.sea.example "a": the object has been modified; ' +
      'please apply your changes to the latest version and try again'
    assert.equal(await failure(change('a', () => object)), conflict)
    assert.equal(
      await failure(change('a', (boat) => ({ ...boat, metadata: { name: 'a' } }))),
      '422 boats.sea.example "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    )
  })

  test('begins again when somebody else was faster', async () => {
    const { create, change, resource } = boats()
    await create('a')
    let attempts = 0
    const { entry } = await resource.update(
      'sea',
      'a',
      '',
      async (boat) => {
        if (attempts++ === 0) await change('a', (other) => ({ ...other, spec: { harbour: 'Cork' } }))
        return decoded(Boat, { ...boat, spec: { ...boat!.spec, seats: 7 } })
      },
      testContext,
    )
    assert.equal(attempts, 2)
    assert.deepEqual(entry.object.spec, { harbour: 'Cork', seats: 7 })
  })

  test('all who write at once get their change in, at the second try at the latest', async () => {
    const { create, change } = boats()
    await create('a', {}, { seats: 0 })
    let attempts = 0
    await Promise.all(
      Array.from({ length: 20 }, () =>
        change('a', (boat) => {
          attempts++
          return { ...boat, spec: { seats: (boat.spec.seats ?? 0) + 1 } }
        }),
      ),
    )
    assert.equal(attempts, 39)
    // Nought seats are the default's one.
    assert.equal((await change('a', (boat) => boat)).entry.object.spec.seats, 21)
  })

  test('a PUT states the uid of the object that it means', async () => {
    const { create, resource } = boats()
    const { object } = await create('a')
    const action = resource.update('sea', 'a', '', () => decoded(Boat, object), testContext, { uid: 'other' })
    assert.equal(
      await failure(action),
      '409 Operation cannot be fulfilled on boats.sea.example "a": StorageError: invalid object, Code: 4, Key: ' +
        '/registry/boats/sea/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: other, ' +
        `UID in object meta: ${object.metadata.uid}`,
    )
  })

  test('creates where the kind allows it', async () => {
    const { resource, registry } = boats()
    const made = await resource.update(
      'sea',
      'new',
      '',
      () => decoded(Boat, { metadata: { name: 'new' } }),
      testContext,
    )
    assert.equal(made.created, true)
    assert.equal(made.entry.object.metadata.generation, 1)
    const maps = registry.resource(ConfigMap)
    const put = maps.update('sea', 'new', '', () => decoded(ConfigMap, { metadata: { name: 'new' } }), testContext)
    assert.equal(await failure(put), '404 configmaps "new" not found')
  })
})

describe('delete', () => {
  test('what has no finalizers and no grace period goes at once', async () => {
    const { create, remove, resource } = boats()
    await create('a')
    assert.equal((await remove('a')).gone, true)
    assert.equal(await failure(resource.get('sea', 'a')), '404 boats.sea.example "a" not found')
    assert.equal(await failure(remove('a')), '404 boats.sea.example "a" not found')
  })

  test('a grace period can become shorter, never longer', async () => {
    const { create, remove, world } = boats()
    await create('a', {}, { harbour: 'Cork' })
    const waits = async (gracePeriodSeconds?: number) => {
      const { entry, gone } = await remove('a', gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds })
      const { deletionTimestamp, deletionGracePeriodSeconds, generation } = entry.object.metadata
      return [gone, deletionTimestamp, deletionGracePeriodSeconds, generation]
    }
    assert.deepEqual(await waits(), [false, '2026-01-01T00:00:30Z', 30, 2])
    await world.advance(3000)
    assert.deepEqual(await waits(100), [false, '2026-01-01T00:00:30Z', 30, 2])
    assert.deepEqual(await waits(5), [false, '2026-01-01T00:00:05Z', 5, 2])
    assert.deepEqual(await waits(-7), [false, '2026-01-01T00:00:01Z', 1, 2])
    assert.deepEqual(await waits(0), [true, '2026-01-01T00:00:00Z', 0, 2])
  })

  test('finalizers hold an object; taking the last one lets it go', async () => {
    const { create, remove, change, resource } = boats()
    await create('a', { finalizers: ['a.io/b', 'c.io/d'] })
    const marked = await remove('a')
    assert.equal(marked.gone, false)
    assert.equal((await remove('a')).entry.object, marked.entry.object)
    const without = (finalizers: readonly string[]) =>
      change('a', (boat) => ({ ...boat, metadata: { ...boat.metadata, finalizers } }))
    assert.match(await failure(without(['a.io/b', 'c.io/d', 'e.io/f'])), /no new finalizers can be added/)
    await without(['c.io/d'])
    assert.deepEqual((await resource.get('sea', 'a')).object.metadata.finalizers, ['c.io/d'])
    const last = await without([])
    assert.equal(last.entry.object.metadata.finalizers, undefined)
    assert.equal(await failure(resource.get('sea', 'a')), '404 boats.sea.example "a" not found')
  })

  test('dependents are orphaned, deleted first, or left to the collector', async () => {
    const { create, remove } = boats()
    const finalizers = async (options: DeleteOptions) => {
      const deletion = await remove('a', options)
      return deletion.gone ? 'gone' : deletion.entry.object.metadata.finalizers
    }
    await create('a')
    assert.deepEqual(await finalizers({ propagationPolicy: 'Orphan' }), ['orphan'])
    assert.deepEqual(await finalizers({ propagationPolicy: 'Foreground' }), ['foregroundDeletion'])
    assert.deepEqual(await finalizers({}), ['foregroundDeletion'])
    assert.equal(await finalizers({ propagationPolicy: 'Background' }), 'gone')
    await create('a')
    assert.deepEqual(await finalizers({ orphanDependents: true }), ['orphan'])
  })

  test('preconditions name the kind when they fail', async () => {
    const { create, remove } = boats()
    const { object } = await create('a')
    assert.equal(
      await failure(remove('a', { preconditions: { uid: 'other' } })),
      `409 Operation cannot be fulfilled on Boat.sea.example "a": the UID in the precondition (other) does not match the UID in record (${object.metadata.uid}). The object might have been deleted and then recreated`,
    )
    assert.match(
      await failure(remove('a', { preconditions: { resourceVersion: '1' } })),
      /ResourceVersion in the precondition \(1\)/,
    )
    assert.equal((await remove('a', { preconditions: { uid: object.metadata.uid! } })).gone, true)
  })

  test('a collection answers what it deleted', async () => {
    const { create, resource } = boats()
    await create('a', { labels: { kind: 'dinghy' } })
    await create('b')
    const page = await resource.deleteCollection('sea', { labelSelector: 'kind=dinghy' }, {}, testContext)
    assert.deepEqual(names(page.entries), ['a'])
    assert.deepEqual(names((await resource.list('sea', {})).entries), ['b'])
  })
})

const names = (entries: readonly { readonly object: ApiObject }[]) => entries.map(({ object }) => object.metadata.name)

describe('list', () => {
  async function fleet() {
    const server = boats()
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await server.create(
        name,
        { labels: { odd: String('ace'.includes(name)) } },
        { harbour: name < 'c' ? 'Cork' : 'Galway' },
      )
    }
    return server
  }

  test('pages show one revision, whatever happens meanwhile', async () => {
    const { resource, create, remove } = await fleet()
    const first = await resource.list('sea', { limit: 2 })
    assert.deepEqual([names(first.entries), first.remainingItemCount], [['a', 'b'], 3])
    await create('bb')
    await remove('c', { gracePeriodSeconds: 0 })
    const second = await resource.list('sea', { limit: 2, continue: first.continue })
    assert.deepEqual([names(second.entries), second.remainingItemCount], [['c', 'd'], 1])
    assert.equal(second.resourceVersion, first.resourceVersion)
    const third = await resource.list('sea', { limit: 2, continue: second.continue })
    assert.deepEqual([names(third.entries), third.continue, third.remainingItemCount], [['e'], '', undefined])
  })

  test('selectors choose, page by page, without a count of what is left', async () => {
    const { resource } = await fleet()
    const first = await resource.list('', { limit: 2, labelSelector: 'odd=true' })
    assert.deepEqual([names(first.entries), first.remainingItemCount], [['a', 'c'], undefined])
    const second = await resource.list('', { limit: 2, labelSelector: 'odd=true', continue: first.continue })
    assert.deepEqual([names(second.entries), second.continue], [['e'], ''])
    const cork = await resource.list('sea', { fieldSelector: 'spec.harbour=Cork' })
    assert.deepEqual(names(cork.entries), ['a', 'b'])
    assert.deepEqual(names((await resource.list('sea', { fieldSelector: 'metadata.name=d' })).entries), ['d'])
  })

  test("continue tokens are the reference's", async () => {
    const { resource, store } = await fleet()
    const page = await resource.list('', { limit: 1 })
    assert.deepEqual(JSON.parse(Buffer.from(page.continue, 'base64url').toString()), {
      v: 'meta.k8s.io/v1',
      rv: store.revision,
      start: 'sea/a\0',
    })
  })

  test('refuses', async () => {
    const { resource, store } = await fleet()
    const { continue: token } = await resource.list('sea', { limit: 1 })
    const revision = store.revision
    const invalid = '422 ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch:'
    const cases: readonly [object, string][] = [
      [
        { continue: 'bogus' },
        '400 invalid continue token: continue key is not valid: illegal base64 data at input byte 4',
      ],
      [
        { continue: 'e30' },
        '400 invalid continue token: continue key is not valid: server does not recognize this encoded version ',
      ],
      [{ continue: token, resourceVersion: '5' }, '400 specifying resource version is not allowed when using continue'],
      [
        { resourceVersion: 'abc' },
        '400 invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
      ],
      [{ resourceVersion: '999' }, `504 Timeout: Too large resource version: 999, current: ${revision}`],
      [
        { resourceVersionMatch: 'Exact' },
        `${invalid} Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided`,
      ],
      [
        { resourceVersionMatch: 'Exact', resourceVersion: '0' },
        `${invalid} Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"`,
      ],
      [
        { resourceVersionMatch: 'Foo', resourceVersion: '1' },
        `${invalid} Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""`,
      ],
      [{ fieldSelector: 'spec.mast=1' }, '400 field label not supported: spec.mast'],
    ]
    for (const [options, expected] of cases) assert.equal(await failure(resource.list('sea', options)), expected)
  })

  test('what is compacted is gone; a page can be continued at the newest revision', async () => {
    const { resource, store, create } = await fleet()
    const { continue: token, resourceVersion } = await resource.list('sea', { limit: 1 })
    await create('f')
    await store.compact(store.revision)
    const old = resource.list('sea', { resourceVersion, resourceVersionMatch: 'Exact' })
    assert.equal(await failure(old), '410 The resourceVersion for the provided list is too old.')
    const error = await resource.list('sea', { continue: token }).catch((error: ApiError) => error)
    assert.ok(error instanceof ApiError && error.code === 410)
    const rest = await resource.list('sea', { continue: String(error.toStatus().metadata['continue']) })
    assert.deepEqual(names(rest.entries), ['b', 'c', 'd', 'e', 'f'])
  })
})

test('a fork goes its own way', async () => {
  const { store, world, create, registry } = boats()
  await create('a')
  const forked = new Registry({ store: await store.fork(), kinds: registry.kinds, world, admission: [] })
  await forked.resource(Boat).delete('sea', 'a', {}, testContext)
  assert.equal((await registry.resource(Boat).list('', {})).entries.length, 1)
  assert.equal((await forked.resource(Boat).list('', {})).entries.length, 0)
})

test('what a kind reserves is written with its objects, and given back when they are not', async () => {
  const { store, world } = testServer()
  const told: string[] = []
  const berth = (harbour: string) => `/berths/${harbour}`
  const reserve = (what: string, ops: readonly Op[]) => ({
    ops: () => ops,
    commit: () => told.push(`commit ${what}`),
    revert: () => told.push(`revert ${what}`),
  })
  const hook: WriteHook<Boat> = {
    create(boat) {
      boat.spec.harbour ??= 'Cork'
      const key = berth(boat.spec.harbour)
      return reserve('create', [{ type: 'put', key, value: Buffer.from(boat.metadata.name ?? '') }])
    },
    update: () => reserve('update', []),
    remove: (boat) => reserve('remove', [{ type: 'delete', from: berth(boat.spec.harbour ?? '') }]),
  }
  const registry = new Registry({ store, kinds: [Boat], world, admission: [], hooks: new Map([[Boat, hook]]) })
  const resource = registry.resource(Boat)
  const create = (spec: object) => resource.create('sea', decoded(Boat, { metadata: { name: 'a' }, spec }), testContext)
  assert.equal((await create({})).object.spec.harbour, 'Cork')
  const [written] = store.rangeNow({ from: berth('Cork') }).kvs
  assert.equal(written?.modRevision, store.revision)
  assert.equal((await failure(create({}))).slice(0, 3), '409')
  assert.equal((await failure(create({ seats: -1 }))).slice(0, 3), '422')
  await resource.update(
    'sea',
    'a',
    '',
    (boat) => decoded(Boat, { ...boat, spec: { ...boat!.spec, seats: 5 } }),
    testContext,
  )
  await resource.delete('sea', 'a', { gracePeriodSeconds: 0 }, testContext)
  assert.equal(store.rangeNow({ from: berth('Cork') }).count, 0)
  assert.deepEqual(told, ['commit create', 'revert create', 'revert create', 'commit update', 'commit remove'])
})
