import assert from 'node:assert/strict'
import { type Faults, FaultyClient, noFaults } from '../../sim/faults/client.ts'
import { elected, type Part } from '../../src/cluster/elected.ts'
import { startControllers } from '../../src/controllers/index.ts'
import { Scheduler } from '../../src/scheduler/scheduler.ts'
import { type Scene, stories } from '../support/kubectl.ts'

const secondMs = 1_000

/** The control plane of one more machine, beside the API of the story. */
interface Master extends AsyncDisposable {
  startManager(): void
  startScheduler(): void
  /** From now on it reaches nobody. */
  cutOff(): void
}

function master(name: string, { cluster, world }: Scene): Master {
  const faults: Faults = { ...world, rates: noFaults }
  const client = new FaultyClient(cluster.client, faults)
  const runtime = { client, caches: cluster.caches, world }
  const parts: Part[] = []
  const compete = (component: string, start: () => Part) => {
    const lease = { namespace: 'kube-system', name: `kube-${component}`, identity: `${name}_5dbd75ef` }
    parts.push(elected({ client, world, ...lease }, start))
  }
  return {
    startManager: () => compete('controller-manager', () => startControllers(runtime)),
    startScheduler: () => compete('scheduler', () => new Scheduler(runtime)),
    cutOff() {
      faults.rates = { ...noFaults, refused: 1 }
    },
    async [Symbol.asyncDispose]() {
      faults.rates = noFaults
      await Promise.all(parts.map((part) => part.stop()))
    },
  }
}

async function leaseOf({ kubectl }: Scene, component: string): Promise<Record<string, string>> {
  const text = await kubectl(`get lease kube-${component} -n kube-system -o yaml`)
  return Object.fromEntries([...text.matchAll(/^ {2}(\w+): "?([^"\n]+)"?$/gm)].map(([, key, value]) => [key, value]))
}

const pods = async ({ kubectl }: Scene) =>
  (await kubectl('get pods -o name --ignore-not-found')).split('\n').filter(Boolean)

stories(
  {
    'Leases say who leads: one scheduler and one controller manager, each for itself [CMP-06 CMP-07 CMP-08]': async (
      scene,
    ) => {
      const { kubectl, cluster } = scene
      await using one = master('master01', scene)
      await using two = master('master02', scene)
      one.startManager()
      two.startScheduler()
      await cluster.advance(secondMs)
      two.startManager()
      one.startScheduler()
      await cluster.advance(20 * secondMs)

      const leases = await kubectl.rows('get leases -n kube-system')
      assert.deepEqual(
        leases.map(({ NAME, HOLDER }) => [NAME, HOLDER]),
        [
          ['kube-controller-manager', 'master01_5dbd75ef'],
          ['kube-scheduler', 'master02_5dbd75ef'],
        ],
      )
      for (const component of ['scheduler', 'controller-manager'])
        assert.match(
          await kubectl.refused(`get endpoints kube-${component} -n kube-system`),
          /endpoints "kube-[a-z-]+" not found$/,
        )

      const before = await leaseOf(scene, 'scheduler')
      assert.equal(before['leaseDurationSeconds'], '15')
      await cluster.advance(5 * secondMs)
      const { renewTime, ...after } = await leaseOf(scene, 'scheduler')
      const { renewTime: renewedBefore, resourceVersion: _, ...same } = before
      const renewedAfterMs = Date.parse(renewTime!) - Date.parse(renewedBefore!)
      assert.ok(renewedAfterMs >= 4 * secondMs && renewedAfterMs <= 6 * secondMs, `renewed after ${renewedAfterMs} ms`)
      for (const key of ['holderIdentity', 'acquireTime', 'leaseTransitions', 'leaseDurationSeconds'])
        assert.equal(after[key], same[key], key)
    },

    'When the leader is cut off the other takes over, and nobody works in between [CMP-09 TOP-03]': async (scene) => {
      const { kubectl, cluster } = scene
      await using one = master('master01', scene)
      await using two = master('master02', scene)
      one.startManager()
      await cluster.advance(secondMs)
      two.startManager()
      await kubectl('create deployment web --image=nginx --replicas=2')
      await cluster.advance(5 * secondMs)
      assert.equal((await pods(scene)).length, 2, 'one of the two has worked, not both')
      const before = await leaseOf(scene, 'controller-manager')
      assert.equal(before['holderIdentity'], 'master01_5dbd75ef')

      one.cutOff()
      await kubectl('scale deployment web --replicas=4')
      await cluster.advance(10 * secondMs)
      assert.equal((await leaseOf(scene, 'controller-manager'))['holderIdentity'], 'master01_5dbd75ef')
      assert.equal((await pods(scene)).length, 2)

      await cluster.advance(15 * secondMs)
      const after = await leaseOf(scene, 'controller-manager')
      assert.equal(after['holderIdentity'], 'master02_5dbd75ef')
      assert.equal(Number(after['leaseTransitions']), Number(before['leaseTransitions']) + 1)
      const sinceRenewalMs = Date.parse(after['acquireTime']!) - Date.parse(before['renewTime']!)
      assert.ok(sinceRenewalMs >= 15 * secondMs, `taken after ${sinceRenewalMs} ms`)
      assert.equal((await pods(scene)).length, 4)
    },
  },
  { own: true, apiOnly: true, virtualTime: true },
)
