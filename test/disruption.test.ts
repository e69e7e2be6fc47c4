import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CustomResourceDefinition } from '../src/kinds/apiextensions/custom-resource-definition.ts'
import { Event } from '../src/kinds/core/event.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { PodDisruptionBudget } from '../src/kinds/policy/pod-disruption-budget.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../src/schema/kind.ts'
import { ApiError } from '../src/schema/status.ts'
import type { Draft } from '../src/schema/types.ts'
import { virtualCluster } from './support/virtual-cluster.ts'

const namespace = 'default'
const group = 'sea.example'
const plain = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

const version = (name: string, isScaled: boolean, more: object = {}) => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: { openAPIV3Schema: { type: 'object', properties: { spec: plain, status: plain } } },
  ...(isScaled && {
    subresources: { scale: { specReplicasPath: '.spec.ships', statusReplicasPath: '.status.ships' } },
  }),
  ...more,
})

const definition = (plural: string, kind: string, versions: readonly object[]) =>
  ({
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope: 'Namespaced', names: { plural, kind }, versions },
  }) as unknown as Draft<CustomResourceDefinition>

/** A cluster in which fleets have ships, boats have no scale, and a budget lets one pod in two go. */
async function harbour() {
  const { cluster, ...rest } = await virtualCluster({ nodes: 0 })
  const { client } = cluster
  const old = version('v1alpha1', true, { served: false })
  await client.create(CustomResourceDefinition, definition('fleets', 'Fleet', [old, version('v1', true)]))
  await client.create(CustomResourceDefinition, definition('boats', 'Boat', [version('v1', false)]))
  await cluster.advance(100)
  const kindOf = (plural: string) => cluster.registry.find(group, 'v1', plural) as Kind
  const spec = { selector: { matchLabels: { app: 'sea' } }, maxUnavailable: 1 }
  await client.create(PodDisruptionBudget, { metadata: { namespace, name: 'b' }, spec })
  const budget = async () => (await client.get(PodDisruptionBudget, { namespace, name: 'b' })).status
  return {
    ...rest,
    client,
    settle: () => cluster.advance(1_000),
    fleets: kindOf('fleets'),
    own: (plural: string, name: string, spec: object) =>
      client.create(kindOf(plural), { metadata: { namespace, name }, spec } as Draft<ApiObject>),
    /** A pod that is ready, of this owner. */
    async launch(name: string, kind: Kind, owner: ApiObject, apiVersion = apiVersionOf(kind)) {
      const { name: ownerName = '', uid = '' } = owner.metadata
      const reference = { apiVersion, kind: kind.kind, name: ownerName, uid, controller: true }
      await client.create(Pod, {
        metadata: { namespace, name, labels: { app: 'sea' }, ownerReferences: [reference] },
        spec: { nodeName: 'n', containers: [{ name: 'main', image: 'sea:1' }] },
      } as Draft<Pod>)
      const body = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }
      await client.patch(Pod, { namespace, name }, { type: 'merge', body }, { subresource: 'status' })
    },
    counts: async () => {
      const { expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed } = await budget()
      return [expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed]
    },
    /** Why the budget could not be counted. */
    fault: async () => (await budget()).conditions?.find(({ reason }) => reason === 'SyncFailed')?.message,
    events: async (reason: string) =>
      (await client.list(Event, { namespace })).items.filter((each) => each.reason === reason),
  }
}

const evict = (client: Awaited<ReturnType<typeof harbour>>['client'], name: string) =>
  client.createSubresource(Pod, { namespace, name }, 'eviction', {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { namespace, name },
  })

test('a budget counts the pods of a custom resource by its scale, and follows it at the next change of a pod', async () => {
  await using scene = await harbour()
  const { client, fleets, launch, settle, counts } = scene
  const fleet = await scene.own('fleets', 'f', { ships: 2 })
  await launch('a', fleets, fleet)
  // As one that was made before the version was given up.
  await launch('b', fleets, fleet, `${group}/v1alpha1`)
  await settle()
  assert.deepEqual(await counts(), [2, 2, 1, 1])

  await client.patch(fleets, { namespace, name: 'f' }, { type: 'merge', body: { spec: { ships: 4 } } })
  await settle()
  assert.deepEqual(await counts(), [2, 2, 1, 1])
  const body = { metadata: { annotations: { seen: 'yes' } } }
  await client.patch(Pod, { namespace, name: 'a' }, { type: 'merge', body })
  await settle()
  assert.deepEqual(await counts(), [4, 2, 3, 0])
  assert.deepEqual(scene.faults, [])
})

test('owners without a scale, of no kind, or gone: the budget says so, and so does the refusal of an eviction', async () => {
  await using scene = await harbour()
  const { client, fleets, launch, settle, fault } = scene
  const fleet = await scene.own('fleets', 'f', { ships: 1 })
  await launch('a', fleets, fleet)
  await settle()
  assert.equal(await fault(), undefined)

  const boat = await scene.own('boats', 'n', {})
  await launch('b', { ...fleets, kind: 'Boat' } as Kind, boat)
  await settle()
  assert.equal(await fault(), 'boats.sea.example does not implement the scale subresource')
  const [event] = await scene.events('CalculateExpectedPodCountFailed')
  assert.equal(
    event?.message,
    'Failed to calculate the number of expected pods: boats.sea.example does not implement the scale subresource',
  )
  await assert.rejects(evict(client, 'a'), (error) => {
    assert.ok(error instanceof ApiError)
    assert.deepEqual(error.details?.causes, [
      {
        reason: 'DisruptionBudget',
        message:
          'The disruption budget b does not allow evicting pods currently because it failed sync: boats.sea.example does not implement the scale subresource',
      },
    ])
    return true
  })

  await client.delete(Pod, { namespace, name: 'b' }, { gracePeriodSeconds: 0 })
  await launch('c', { ...fleets, kind: 'Raft' } as Kind, boat)
  await settle()
  assert.equal(await fault(), 'no matches for kind "Raft" in version "sea.example/v1"')

  await client.delete(Pod, { namespace, name: 'c' }, { gracePeriodSeconds: 0 })
  await settle()
  assert.equal(await fault(), undefined)
  // Its owner has gone, and another has taken the name.
  await launch('d', fleets, { metadata: { name: 'f', uid: 'before' } })
  await settle()
  assert.equal(await fault(), 'found no controllers for pod "d"')
})

test('pods of Jobs and DaemonSets have no scale either', async () => {
  await using scene = await harbour()
  const boat = await scene.own('boats', 'n', {})
  const owners = [
    ['batch/v1', 'Job', 'jobs.batch'],
    ['apps/v1', 'DaemonSet', 'daemonsets.apps'],
    ['v1', 'Node', 'nodes'],
  ] as const
  for (const [apiVersion, kind, name] of owners) {
    await scene.launch(kind.toLowerCase(), { ...scene.fleets, kind } as Kind, boat, apiVersion)
    await scene.settle()
    assert.equal(await scene.fault(), `${name} does not implement the scale subresource`)
    await scene.client.delete(Pod, { namespace, name: kind.toLowerCase() }, { gracePeriodSeconds: 0 })
  }
})

test('a second budget over one pod is told of on the pod', async () => {
  await using scene = await harbour()
  const { client, fleets } = scene
  const spec = { selector: { matchLabels: { app: 'sea' } }, maxUnavailable: 1 }
  await client.create(PodDisruptionBudget, { metadata: { namespace, name: 'c' }, spec })
  await scene.launch('a', fleets, await scene.own('fleets', 'f', { ships: 1 }))
  await scene.settle()
  const [event] = await scene.events('MultiplePodDisruptionBudgets')
  assert.deepEqual(
    [event?.type, event?.involvedObject.kind, event?.involvedObject.name, event?.source.component, event?.message],
    [
      'Warning',
      'Pod',
      'a',
      'controllermanager',
      'Pod "default"/"a" matches multiple PodDisruptionBudgets.  Chose "b" arbitrarily.',
    ],
  )
})
