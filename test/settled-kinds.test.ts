/**
 * Objects as they are stored go through the hooks of their kinds again with every write, and share with what is stored
 * all that lies below the members of their members: no hook may write there, and defaults must leave alone what they
 * have filled in.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loosen, toStoredForm } from '../src/apiserver/storage/metadata.ts'
import { kinds } from '../src/kinds/index.ts'
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
