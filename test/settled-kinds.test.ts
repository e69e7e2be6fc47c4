/**
 * Objects as they are stored go through the hooks of their kinds again with every write, and share with what is stored
 * all that lies below the members of their members: no hook may write there, and defaults must leave alone what they
 * have filled in.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loosen, toStoredForm } from '../src/apiserver/storage/metadata.ts'
import { startCluster } from '../src/cluster/cluster.ts'
import { LimitRange } from '../src/kinds/core/limit-range.ts'
import { Namespace } from '../src/kinds/core/namespace.ts'
import { ServiceAccount } from '../src/kinds/core/service-account.ts'
import { kinds } from '../src/kinds/index.ts'
import { PriorityClass } from '../src/kinds/scheduling/priority-class.ts'
import { StorageClass } from '../src/kinds/storage/storage-class.ts'
import { decode } from '../src/schema/decode.ts'
import { clone, deepFreeze } from '../src/schema/freeze.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../src/schema/kind.ts'
import type { Mutable } from '../src/schema/types.ts'
import { haveRecordings } from './support/recorded.ts'
import { isReview, sampleNamespace, samplesOf } from './support/samples.ts'

for (const kind of kinds) {
  const samples = isReview(kind) ? [] : samplesOf(kind)
  if (samples.length === 0) continue
  test(`${apiVersionOf(kind)} ${kind.kind}: what is stored is not written to`, { skip: !haveRecordings }, () => {
    for (const sample of samples) {
      const stored = deepFreeze(storedOf(kind, sample))
      const again = sharingCopy(kind, stored)
      kind.defaults(again)
      assert.deepEqual(inOrder(kind, again), stored, 'after defaults')
      assert.deepEqual(
        after(kind, stored, (object) => kind.prepareUpdate(object, stored)),
        stored,
        'after an update',
      )
      for (const [name, side] of Object.entries({ status: kind.status, ...kind.sides })) {
        const written = after(kind, stored, (object) => side?.prepareUpdate?.(object, stored))
        assert.deepEqual(written, stored, `after a write to ${name}`)
      }
    }
  })
}

test('what admission puts into a new object is complete', { skip: !haveRecordings }, async () => {
  await using cluster = await startCluster({ apiOnly: true })
  const { client } = cluster
  const namespace = sampleNamespace
  await client.create(Namespace, { metadata: { name: namespace } })
  await client.create(ServiceAccount, {
    metadata: { name: 'default', namespace },
    imagePullSecrets: [{ name: 'pull' }],
  })
  await client.create(PriorityClass, { metadata: { name: 'usual' }, value: 7, globalDefault: true })
  const limits = [{ type: 'Container', default: { cpu: '500m' }, max: { memory: '1Gi' } }]
  await client.create(LimitRange, { metadata: { name: 'limits', namespace }, spec: { limits } })
  const isDefault = { 'storageclass.kubernetes.io/is-default-class': 'true' }
  await client.create(StorageClass, {
    metadata: { name: 'usual', annotations: isDefault },
    provisioner: 'sea.example/p',
  })
  let accepted = 0
  for (const kind of kinds.filter((each) => !isReview(each))) {
    for (const [at, sample] of samplesOf(kind).entries()) {
      const draft = decode(kind.schema, sample).object as unknown as Mutable<ApiObject>
      draft.metadata.name = `sample-${at}`
      if (kind.namespaced) draft.metadata.namespace = namespace
      const made = await client.create(kind, draft as ApiObject).catch(() => undefined)
      if (made === undefined) continue
      accepted++
      const again = sharingCopy(kind, made)
      kind.defaults(again)
      assert.deepEqual(inOrder(kind, again), inOrder(kind, made), `${kind.kind} ${at}`)
    }
  }
  assert.ok(accepted > 100, `${accepted} were accepted`)
})

function storedOf(kind: Kind, sample: object): ApiObject {
  const object = decode(kind.schema, sample).object as unknown as Mutable<ApiObject>
  if (kind.namespaced) object.metadata.namespace = sampleNamespace
  kind.defaults(object)
  kind.prepareCreate(object)
  Object.assign(object.metadata, { uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' })
  return inOrder(kind, object)
}

function after(kind: Kind, stored: ApiObject, write: (object: Mutable<ApiObject>) => void): ApiObject {
  const object = sharingCopy(kind, stored)
  write(object)
  return inOrder(kind, object)
}

function sharingCopy(kind: Kind, stored: ApiObject): Mutable<ApiObject> {
  const { metadata } = stored
  const object = toStoredForm(kind, { ...stored, metadata: clone(metadata) as ApiObject['metadata'] })
  const isMember = ([name, value]: [string, unknown]) =>
    name !== 'metadata' && typeof value === 'object' && value !== null
  loosen(
    object,
    Object.entries(object)
      .filter(isMember)
      .map(([name]) => name),
  )
  return object
}

const inOrder = (kind: Kind, object: object) =>
  toStoredForm(kind, decode(kind.schema, object).object as unknown as ApiObject) as unknown as ApiObject
