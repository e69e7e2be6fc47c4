import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deployment } from '../../kinds/apps/deployment.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { ManagedFieldsEntryLike } from '../../schema/managed-fields/owners.ts'
import { ApiError } from '../../schema/status.ts'
import { Boat, decoded, testContext, testServer } from '../testing.ts'

const by = (fieldManager: string) => ({ ...testContext, fieldManager })
const boat = (spec: object | undefined, metadata: object = { name: 'a' }) => ({
  apiVersion: 'sea.example/v1',
  kind: 'Boat',
  metadata,
  ...(spec && { spec }),
})

function harbour(kind: Kind = Boat as Kind) {
  const server = testServer([], [Deployment as unknown as Kind])
  const resource = server.registry.resource(kind)
  const apply = async (
    manager: string,
    configuration: unknown,
    more: { subresource?: string; force?: boolean } = {},
  ) => {
    const { subresource = '', force = false } = more
    const options = { force, problems: [] }
    const { entry } = await resource.apply('sea', 'a', subresource, configuration, options, by(manager))
    return entry.object
  }
  const update = async (manager: string, change: (object: ApiObject) => object, subresource = '') => {
    const draft = (current: ApiObject | undefined) => decoded(kind, change(current!))
    return (await resource.update('sea', 'a', subresource, draft, by(manager))).entry.object
  }
  return { ...server, resource, apply, update }
}

const managed = ({ metadata }: ApiObject) =>
  ((metadata.managedFields ?? []) as ManagedFieldsEntryLike[]).map(
    ({ manager, operation, subresource = '', fieldsV1 }) =>
      `${manager} ${operation} ${subresource} ${JSON.stringify(fieldsV1)}`,
  )

async function failure(action: Promise<unknown>): Promise<string> {
  try {
    await action
  } catch (error) {
    if (error instanceof ApiError) return `${error.code} ${error.message}`
    throw error
  }
  throw new Error('it did not fail')
}

test('apply makes what is not there, and writes nothing when nothing changes', async () => {
  const { apply, resource, world } = harbour()
  const made = await apply('ops', boat({ harbour: 'Kiel' }, { name: 'a', resourceVersion: '7' }))
  assert.deepEqual(managed(made), ['ops Apply  {"f:spec":{"f:harbour":{}}}'])
  await world.advance(60_000)
  const again = await apply('ops', boat({ harbour: 'Kiel' }))
  assert.equal(again.metadata.resourceVersion, made.metadata.resourceVersion)
  const gone = await apply('ops', boat(undefined))
  assert.equal((gone as unknown as Boat).spec.harbour, undefined)
  assert.equal((await resource.get('sea', 'a')).object.metadata.managedFields, undefined)
})

test('every way of writing has its owner, and what the server fills in has none', async () => {
  const { resource, update, world } = harbour()
  await resource.create('sea', decoded(Boat, { metadata: { name: 'a', labels: { l: '1' } }, spec: {} }), by('one'))
  await world.advance(1000)
  const afloat = await update('captain', (object) => ({ ...object, status: { afloat: ['yes'] } }), 'status')
  assert.deepEqual(managed(afloat), [
    'one Update  {"f:metadata":{"f:labels":{".":{},"f:l":{}}},"f:spec":{"f:seats":{}}}',
    'captain Update status {"f:status":{"f:afloat":{}}}',
  ])
  const moved = await update('two', (object) => ({ ...object, spec: { harbour: 'Kiel', seats: 1 }, status: {} }))
  assert.deepEqual(managed(moved).slice(1).sort(), [
    'captain Update status {"f:status":{"f:afloat":{}}}',
    'two Update  {"f:spec":{"f:harbour":{}}}',
  ])
})

test('who writes again is not written down again unless something changes', async () => {
  const { resource, update, world } = harbour()
  const entry = await resource.create('sea', decoded(Boat, { metadata: { name: 'a' }, spec: {} }), by('one'))
  await world.advance(60_000)
  const same = await update('one', (object) => ({ ...object, status: { afloat: ['no'] } }))
  assert.equal(same.metadata.resourceVersion, entry.object.metadata.resourceVersion)
})

test('managed fields can be put away, and come back with the next apply', async () => {
  const { apply, update } = harbour()
  await apply('ops', boat({ harbour: 'Kiel' }))
  const put = (managedFields: unknown[]) => (object: ApiObject) => ({
    ...object,
    metadata: { ...object.metadata, managedFields },
  })
  const bad = await update('x', put([{ manager: 'x', operation: 'Bad' }]))
  assert.equal(managed(bad).length, 1)
  assert.deepEqual(managed(await update('x', put([{}]))), [])
  const refusal = await failure(apply('ops', boat({ harbour: 'Bremen' })))
  assert.equal(
    refusal,
    '409 Apply failed with 1 conflict: conflict with "before-first-apply" using sea.example/v1: .spec.harbour',
  )
})

test('what is no configuration of the object is refused', async () => {
  const { apply } = harbour()
  const refused = (configuration: unknown, subresource = '') => failure(apply('ops', configuration, { subresource }))
  assert.equal(await refused(null), '400 invalid object type: /, Kind=')
  assert.equal(await refused({ ...boat({}), apiVersion: 'v1' }), '400 invalid object type: /v1, Kind=Boat')
  assert.equal(await refused(boat({}, { name: 'a', managedFields: [{}] })), '400 metadata.managedFields must be nil')
  assert.equal(
    await refused(boat({}, {})),
    '400 the name of the object (a based on URL) was undeterminable: name must be provided',
  )
  assert.equal(
    await refused(boat({ seats: 'x' })),
    '500 failed to create typed patch object (/a; sea.example/v1, Kind=Boat): ' +
      '.spec.seats: expected numeric (int or float), got string',
  )
  assert.equal(await refused(boat({}), 'status'), '404 boats.sea.example "a" not found')
})

test('a scale is applied to, and owns the replicas', async () => {
  const { apply, resource } = harbour(Deployment as unknown as Kind)
  const labels = { app: 'a' }
  const draft = {
    metadata: { name: 'a' },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  }
  await resource.create('sea', decoded(Deployment, draft), by('one'))
  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'a' }, spec: { replicas: 5 } }
  assert.equal(
    await failure(apply('scaler', scale, { subresource: 'scale' })),
    '409 Apply failed with 1 conflict: conflict with "one" using autoscaling/v1: .spec.replicas',
  )
  const scaled = await apply('scaler', scale, { subresource: 'scale', force: true })
  assert.equal((scaled as unknown as Deployment).spec.replicas, 5)
  const [first, second] = managed(scaled)
  assert.equal(first, 'scaler Apply scale {"f:spec":{"f:replicas":{}}}')
  assert.match(second!, /^one Update /)
  assert.doesNotMatch(second!, /replicas/)
})
