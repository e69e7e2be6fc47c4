import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Role } from '../../kinds/rbac/role.ts'
import { clone } from '../../schema/freeze.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin } from '../admission.ts'
import { entryOf } from '../entry.ts'
import type { UpdateOptions } from '../resource.ts'
import { Boat, decoded, testContext, testServer } from '../testing.ts'
import { keyOf } from './keys.ts'

interface Given {
  readonly admission?: readonly AdmissionPlugin[]
  readonly defaults?: (boat: Mutable<Boat>) => void
  readonly finalizers?: readonly string[]
}

/** A boat that is stored, and ways to write it anew from what is stored. */
async function boat({ admission = [], defaults = Boat.defaults, finalizers = [] }: Given = {}) {
  const kind: Kind<Boat> = { ...Boat, kind: 'Ferry', plural: 'ferries', storagePrefix: 'ferries', defaults }
  const { registry, store, world } = testServer(admission, [kind])
  const resource = registry.resource(kind)
  const draft = { metadata: { name: 'a', finalizers }, spec: { harbour: 'Cork', seats: 2 } }
  const { object: made } = await resource.create('sea', decoded(kind, draft), testContext)
  type Change = (current: Boat) => object
  const change = async (give: Change, subresource = '', options: UpdateOptions = {}) => {
    const given = (current: Boat | undefined) => give(current!) as ApiObject
    return (await resource.update('sea', 'a', subresource, given, testContext, options)).entry.object
  }
  const labelled =
    (text: string): Change =>
    (current) => ({ ...current, metadata: { ...current.metadata, labels: { text } } })
  const label = (text: string) => change(labelled(text))
  const report = (...afloat: string[]) => change((current) => ({ ...current, status: { afloat } }), 'status')
  return { kind, resource, store, world, made, change, labelled, label, report }
}

const onUpdate = (admit: (boat: Mutable<Boat>) => void | Promise<void>): AdmissionPlugin => ({
  name: 'Test',
  handles: ({ operation }) => operation === 'UPDATE',
  admit: ({ object }) => admit(object as Mutable<Boat>),
})

describe('what a write leaves as it is stored', () => {
  test('stays the very same object', async () => {
    const { made, label, report } = await boat()
    const first = await report('yes')
    assert.equal(first.spec, made.spec)
    const named = await label('x')
    assert.equal(named.spec, made.spec)
    assert.equal(named.status, first.status)
    const second = await report('yes', 'still')
    assert.equal(second.spec, made.spec)
    assert.deepEqual([second.status, second.metadata.labels], [{ afloat: ['yes', 'still'] }, { text: 'x' }])
  })

  test('reaches the hooks as copies, which share what lies deeper once it is known to be settled', async () => {
    const seen: Mutable<Boat>['status'][] = []
    const { label, report } = await boat({ defaults: ({ status }) => void seen.push(status) })
    const { status } = await report('yes')
    await label('x')
    assert.notEqual(seen.at(-1)!.afloat, status.afloat, 'nobody knows yet')
    await label('y')
    assert.equal(seen.at(-1)!.afloat, status.afloat)
    assert.notEqual(seen.at(-1), status)
    await report('no')
    await label('z')
    assert.notDeepEqual(seen.at(-1)!.afloat, status.afloat)
  })

  test('raises no generation; another wish raises it by one', async () => {
    const { label, report, change } = await boat()
    for (const text of ['x', 'y', 'z']) assert.equal((await label(text)).metadata.generation, 1)
    assert.equal((await report('yes')).metadata.generation, 1)
    assert.equal((await change(clone)).metadata.generation, 1)
    const more = await change((current) => ({ ...current, spec: { ...current.spec, seats: 3 } }))
    assert.deepEqual([more.metadata.generation, more.spec], [2, { harbour: 'Cork', seats: 3 }])
    assert.equal((await label('a')).metadata.generation, 2)
    assert.equal((await change((current) => ({ ...current, spec: { seats: 3 } }))).metadata.generation, 3)
  })

  test('and is all there is, is not written, however late; the old revision is the answer', async () => {
    const { change, label, world, store } = await boat()
    const before = await label('x')
    await world.advance(5000)
    const { revision } = store
    for (const again of [await label('x'), await change((current) => current), await change(clone)]) {
      assert.equal(again, before)
    }
    assert.equal(store.revision, revision)
    const after = await label('y')
    const times = [before, after].map(({ metadata }) => (metadata.managedFields as { time: string }[])[0]!.time)
    assert.equal(Date.parse(times[1]!) - Date.parse(times[0]!), 5000)
  })

  test('leaves nothing behind when it was only tried', async () => {
    const { kind, resource, made, labelled, label } = await boat()
    const dryRun = { ...testContext, dryRun: true }
    const change = (current: Boat | undefined) => labelled('tried')(current!) as ApiObject
    const { entry } = await resource.update('sea', 'a', '', change, dryRun)
    assert.deepEqual(entry.object.metadata.labels, { text: 'tried' })
    const stored = (await resource.get('sea', 'a', {})).object
    assert.deepEqual(stored, made)
    const written = await label('x')
    assert.deepEqual([written.spec, written.kind], [made.spec, kind.kind])
  })

  test('goes with the last finalizer', async () => {
    const { resource, label, change } = await boat({ finalizers: ['sea.example/moored'] })
    await label('x')
    await resource.delete('sea', 'a', { gracePeriodSeconds: 0 }, testContext)
    const waiting = await label('y')
    assert.ok(waiting.metadata.deletionTimestamp)
    await change((current) => ({ ...current, metadata: { ...current.metadata, finalizers: [] } }))
    await assert.rejects(resource.get('sea', 'a', {}), { code: 404 })
  })
})

describe('a new object', () => {
  const dress = (completes: boolean): AdmissionPlugin => ({
    ...{ name: 'Dress', completes },
    handles: ({ operation }) => operation === 'CREATE',
    admit: ({ object }) => void Object.assign((object as Mutable<Boat>).spec, { harbour: 'Kiel' }),
  })
  for (const { what, admission, settled } of [
    { what: 'that nobody has changed is settled', admission: [], settled: ['spec', 'status'] },
    { what: 'that only such have changed as complete it is', admission: [dress(true)], settled: ['spec', 'status'] },
    { what: 'that others have changed is not', admission: [dress(true), dress(false)], settled: [] },
  ])
    test(`${what}, and a derived one is what it was`, async () => {
      const { kind, store, change } = await boat({ admission })
      const now = () => entryOf(kind, store.rangeNow({ from: keyOf(kind, 'sea', 'a') }).kvs[0]!).settled
      assert.deepEqual(now(), settled)
      const moved = ({ spec, ...rest }: Boat) => ({ ...rest, spec: { ...spec, harbour: 'Cork' } })
      assert.equal((await change(moved, '', { derived: true })).spec.harbour, 'Cork')
      assert.deepEqual(now().includes('spec'), settled.includes('spec'))
    })
})

describe('a wish that is stored without its defaults', () => {
  const thief: AdmissionPlugin = {
    name: 'Thief',
    handles: ({ operation }) => operation === 'CREATE',
    admit: ({ object }) => void delete (object as Mutable<Boat>).spec.seats,
  }

  // What is owned was decoded by the one who hands it over, but for what it has from the stored object.
  for (const owned of [false, true]) {
    test(`gets them with the next write, and the stored object is not touched (owned: ${owned})`, async () => {
      const { made, change, labelled } = await boat({ admission: [thief] })
      assert.deepEqual(made.spec, { harbour: 'Cork' })
      const next = await change(labelled('x'), '', { owned })
      assert.deepEqual([next.spec, next.metadata.generation], [{ harbour: 'Cork', seats: 1 }, 2])
      assert.deepEqual(made.spec, { harbour: 'Cork' })
      const last = await change(labelled('y'), '', { owned })
      assert.deepEqual([last.spec, last.metadata.generation], [next.spec, 2])
    })
  }

  test('keeps lacking them while only its status is written', async () => {
    const { report } = await boat({ admission: [thief] })
    for (const text of ['a', 'b', 'c']) assert.deepEqual((await report(text)).spec, { harbour: 'Cork' })
  })
})

describe('admission', () => {
  test('changes what the writer left as it was, and not what is stored', async () => {
    let seats = 2
    const seating = onUpdate(({ spec }) => void Object.assign(spec, { seats }))
    const { made, label } = await boat({ admission: [seating] })
    await label('x')
    const before = await label('y')
    assert.equal(before.spec, made.spec)
    seats = 7
    const after = await label('z')
    assert.deepEqual([after.spec, after.metadata.generation], [{ harbour: 'Cork', seats: 7 }, 2])
    assert.deepEqual([before.spec, before.metadata.generation], [{ harbour: 'Cork', seats: 2 }, 1])
    assert.equal((await label('z')).metadata.generation, 2)
  })

  test('may put another object in the place of the whole, as webhooks do', async () => {
    const replaced = onUpdate(async (object) => {
      const { status: _, ...rest } = clone(object)
      await null
      for (const name of Object.keys(object)) delete (object as Record<string, unknown>)[name]
      Object.assign(object, { ...rest, spec: { seats: rest.spec.seats! + 1 } })
    })
    const { label, report } = await boat({ admission: [replaced] })
    assert.deepEqual((await label('x')).spec, { seats: 3 })
    const { spec, status, metadata } = await label('y')
    assert.deepEqual([spec, status, metadata.generation], [{ seats: 4 }, {}, 3])
    // Through the status nobody changes a wish, nor can admission.
    assert.deepEqual((await report('yes')).spec, { seats: 4 })
  })
})

test('a derived object is taken as it is, and stored in the order of its type', async () => {
  let calls = 0
  const { change, made } = await boat({ defaults: () => void calls++ })
  const moved = ({ spec: { harbour: _, ...spec }, ...rest }: Boat) => ({ ...rest, spec: { ...spec, harbour: 'Kiel' } })
  const { spec } = await change(moved, '', { derived: true })
  assert.equal(JSON.stringify(spec), '{"harbour":"Kiel","seats":2}')
  assert.deepEqual([made.spec, calls], [{ harbour: 'Cork', seats: 2 }, 1])
})

test('a list that must be given and was not stays null', async () => {
  const { registry } = testServer([], [Role])
  const roles = registry.resource(Role)
  await roles.create('sea', decoded(Role, { metadata: { name: 'a' } }), testContext)
  for (const text of ['x', 'y', 'z']) {
    const labelled = (current: Role | undefined) =>
      ({ ...current, metadata: { ...current!.metadata, labels: { text } } }) as ApiObject
    const { object } = (await roles.update('sea', 'a', '', labelled, testContext)).entry
    assert.deepEqual([object.rules, object.metadata.labels], [null, { text }])
  }
})

test('versions that are stored as another one are written through either', async () => {
  const renamed = (version: string) => (object: ApiObject) =>
    ({ ...object, apiVersion: `sea.example/${version}` }) as Boat
  const storedAs = { group: Boat.group, version: 'v1', toStored: renamed('v1'), fromStored: renamed('v2') }
  const second = { ...Boat, version: 'v2', storedAs } as unknown as Kind<Boat>
  const { registry } = testServer([], [second])
  await registry
    .resource(Boat)
    .create('sea', decoded(Boat, { metadata: { name: 'a' }, spec: { seats: 2 } }), testContext)
  for (const [round, kind] of [Boat, second, second, Boat, second, Boat].entries()) {
    const labelled = (current: Boat | undefined) =>
      ({ ...current, metadata: { ...current!.metadata, labels: { round: `${round}` } } }) as ApiObject
    const { object } = (await registry.resource(kind).update('sea', 'a', '', labelled, testContext)).entry
    assert.deepEqual(
      [object.apiVersion, object.spec, object.metadata.generation],
      [`sea.example/${kind.version}`, { seats: 2 }, 1],
    )
    for (const shown of [Boat, second]) {
      const { metadata } = (await registry.resource(shown).get('sea', 'a', {})).object
      assert.equal(metadata.labels!['round'], `${round}`)
    }
  }
})
