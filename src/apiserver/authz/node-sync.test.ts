import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { Resource } from '../resource.ts'
import { noOpinion } from './authz.ts'
import { NodeAuthorizer } from './node.ts'
import { nodeGraphOnDemand } from './node-sync.ts'

/** Resources without objects, of which it is written down who follows them until when. */
function emptyResources() {
  const followed = new Map<string, AbortSignal>()
  const refused = new Set<string>()
  const resources = <T extends ApiObject>(kind: Kind<T>) =>
    ({
      kind,
      async watch(_, { signal }, observer) {
        followed.set(kind.plural, signal)
        if (refused.has(kind.plural)) throw new Error('not now')
        observer.bookmark('1', true)
      },
    }) as Pick<Resource<T>, 'kind' | 'watch'> as Resource<T>
  return { followed, refused, resources }
}

const all = ['persistentvolumes', 'pods', 'resourceslices', 'volumeattachments']

test('the graph of nodes is kept from when somebody asks, and once for all who do', async () => {
  const { followed, resources } = emptyResources()
  const stop = new AbortController()
  const find = nodeGraphOnDemand(resources, () => {}, stop.signal)
  assert.deepEqual([...followed.keys()], [])
  const [first, second] = [find(), find()]
  assert.ok(first instanceof Promise)
  assert.equal(second, first)
  const graph = await first
  assert.deepEqual([...followed.keys()].sort(), all)
  followed.clear()
  assert.equal(find(), graph)
  assert.deepEqual([...followed.keys()], [])
})

test('who asks after it could not be made has it made anew', async () => {
  const { followed, refused, resources } = emptyResources()
  const stop = new AbortController()
  const find = nodeGraphOnDemand(resources, () => {}, stop.signal)
  refused.add('persistentvolumes')
  await assert.rejects(async () => find(), /not now/)
  assert.equal(followed.get('pods')!.aborted, true)
  refused.clear()
  const graph = await find()
  assert.equal(find(), graph)
  assert.equal(followed.get('pods')!.aborted, false)
  stop.abort()
  assert.equal(followed.get('pods')!.aborted, true)
})

test('while it cannot be made the authorizer says so, and leaves the question to the next', async () => {
  const { refused, resources } = emptyResources()
  const authorizer = new NodeAuthorizer(
    nodeGraphOnDemand(resources, () => {}, new AbortController().signal),
    [],
  )
  const user = { name: 'system:node:a', groups: ['system:nodes'] }
  const resource = { apiGroup: '', apiVersion: 'v1', resource: 'secrets', subresource: '', namespace: 'default' }
  const mayRead = () => authorizer.authorize({ user, verb: 'get', isResource: true, path: '', ...resource, name: 's' })
  refused.add('pods')
  const evaluationError = 'what nodes are related to is not known: not now'
  assert.deepEqual(await mayRead(), { ...noOpinion(), evaluationError })
  refused.clear()
  assert.deepEqual(await mayRead(), noOpinion("no relationship found between node 'a' and this object"))
})
