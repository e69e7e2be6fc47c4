/** Every kind by the official JavaScript client, in JSON: its types read what we answer, and we what they write. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ApiException, KubeConfig, type KubernetesObject, KubernetesObjectApi, Watch } from '@kubernetes/client-node'
import { kinds } from '../src/kinds/index.ts'
import { putIntoKubeconfig } from '../src/lifecycle/kubeconfig.ts'
import { apiVersionOf, type Kind } from '../src/schema/kind.ts'
import { haveRecordings } from './support/recorded.ts'
import { collectionOf, isReview, sampleNamespace, samplesOf } from './support/samples.ts'
import { serve } from './support/served.ts'

const served = await serve()
after(() => served[Symbol.asyncDispose]())
const config = new KubeConfig()
config.loadFromString(putIntoKubeconfig(undefined, { name: 'coracle', ...served.admin }))
const objects = KubernetesObjectApi.makeApiClient(config)

/** Objects that cannot be made, only read or written below others. */
const never = /^(Binding|ComponentStatus)$/

describe('the official JavaScript client', { skip: !haveRecordings }, () => {
  before(async () => {
    await objects.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: sampleNamespace } })
    const metadata = { name: 'default', namespace: sampleNamespace }
    await objects.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  })

  for (const kind of kinds) {
    if (never.test(kind.kind) || isReview(kind)) continue
    test(`creates, reads, lists, watches and deletes ${apiVersionOf(kind)} ${kind.kind}`, async () => {
      const made = await createAny(kind)
      const ref = { ...identity(kind), metadata: { name: made.metadata!.name!, namespace: made.metadata!.namespace! } }
      assert.equal(sent(await objects.read(ref)), sent(made))

      const list = await objects.list(apiVersionOf(kind), kind.kind, kind.namespaced ? sampleNamespace : undefined)
      assert.ok(list.items.some(({ metadata }) => metadata?.uid === made.metadata!.uid))

      assert.equal((await watched(kind, ref.metadata.name)).metadata?.uid, made.metadata!.uid)

      await writesBack(ref)
      await objects.delete(ref, undefined, undefined, 0)
    })
  }
})

/** Of some objects the server writes a status in its own time. */
function sent(object: KubernetesObject): string {
  const { status: _, metadata, ...rest } = object as KubernetesObject & { readonly status?: unknown }
  const { managedFields: __, resourceVersion: ___, ...kept } = metadata!
  return JSON.stringify({ metadata: kept, ...rest })
}

/** What it has read it writes again, and nothing changes. */
async function writesBack(ref: Parameters<typeof objects.read>[0]): Promise<void> {
  for (;;) {
    const read = await objects.read(ref)
    try {
      const { metadata } = await objects.replace(read)
      return assert.equal(metadata?.resourceVersion, read.metadata!.resourceVersion)
    } catch (error) {
      if (!(error instanceof ApiException) || error.code !== 409) throw error
    }
  }
}

const identity = (kind: Kind) => ({ apiVersion: apiVersionOf(kind), kind: kind.kind })

/** The first sample that can be made here. */
async function createAny(kind: Kind): Promise<KubernetesObject> {
  const refusals: string[] = []
  for (const sample of samplesOf(kind)) {
    try {
      const metadata = { ...(sample['metadata'] as object), ...(kind.namespaced && { namespace: sampleNamespace }) }
      return await objects.create({ ...sample, ...identity(kind), metadata } as never)
    } catch (error) {
      if (!(error instanceof ApiException)) throw error
      refusals.push(error.message)
    }
  }
  return assert.fail(`no sample of ${kind.kind} is taken: ${refusals.join('\n')}`)
}

/** An object as a watch delivers it. */
async function watched(kind: Kind, name: string): Promise<KubernetesObject> {
  const { promise, resolve, reject } = Promise.withResolvers<KubernetesObject>()
  const query = { fieldSelector: `metadata.name=${name}` }
  const abort = await new Watch(config).watch(
    collectionOf(kind),
    query,
    (_phase, object) => resolve(object as KubernetesObject),
    (error) => reject(error),
  )
  const object = await promise
  abort.abort()
  return object
}
