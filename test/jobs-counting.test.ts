import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cluster } from '../src/cluster/cluster.ts'
import { Job } from '../src/kinds/batch/job.ts'
import { Pod } from '../src/kinds/core/pod.ts'
import { seededRandom } from '../src/world/virtual.ts'
import type { Random } from '../src/world/world.ts'
import { virtualCluster } from './support/virtual-cluster.ts'
import { indexName } from './support/workshop.ts'

const namespace = 'default'
const ref = { namespace, name: 'a' }
const seeds = 5
const steps = 25

/** A job whose pods meet their ends by chance, and what became of them as the one who did it knows. */
class Fates {
  cluster: Cluster
  readonly #random: Random
  readonly #completions: number
  #succeeded = 0
  #failed = 0

  constructor(cluster: Cluster, random: Random, completions: number) {
    this.cluster = cluster
    this.#random = random
    this.#completions = completions
  }

  async active(): Promise<Pod[]> {
    const { items } = await this.cluster.client.list(Pod, { namespace })
    return items.filter(({ status }) => status.phase === 'Pending')
  }

  async step(): Promise<void> {
    const pods = await this.active()
    const pod = pods[this.#random.int(pods.length)]
    const choice = this.#random.int(10)
    if (choice < 3) await this.#change({ parallelism: this.#random.int(5) })
    else if (choice < 4) await this.#change({ suspend: this.#random.int(2) === 0 })
    // Whoever comes after has the state alone: it is as if the controllers had been killed and started again.
    else if (choice < 5) await this.#restart()
    else if (pod !== undefined) await this.#end(pod, choice)
    await this.cluster.advance(this.#random.int(2) === 0 ? 0 : 700_000)
  }

  async #end(pod: Pod, choice: number): Promise<void> {
    if (choice < 7) return this.finish(pod)
    this.#failed++
    if (choice < 9) return this.#report(pod, 'Failed')
    const { name = '' } = pod.metadata
    await this.cluster.client.delete(Pod, { namespace, name })
  }

  async finish(pod: Pod): Promise<void> {
    this.#succeeded++
    await this.#report(pod, 'Succeeded')
  }

  async #report({ metadata }: Pod, phase: 'Succeeded' | 'Failed'): Promise<void> {
    const body = { status: { phase } }
    await this.cluster.client.patch(
      Pod,
      { namespace, name: metadata.name! },
      { type: 'merge', body },
      { subresource: 'status' },
    )
  }

  async #change(spec: object): Promise<void> {
    await this.cluster.client.patch(Job, ref, { type: 'merge', body: { spec } })
  }

  async #restart(): Promise<void> {
    const before = this.cluster
    this.cluster = await before.fork()
    await before[Symbol.asyncDispose]()
    await this.cluster.settle()
  }

  /** What must hold whenever everything has settled. */
  async check(): Promise<void> {
    const { spec, status } = await this.cluster.client.get(Job, ref)
    const active = await this.active()
    const wanted = spec.suspend ? 0 : Math.min(spec.parallelism!, this.#completions - this.#succeeded)
    assert.ok(active.length <= Math.max(0, wanted), `${active.length} pods run, ${wanted} should at most`)
    const { succeeded = 0, failed = 0, active: counted = 0, uncountedTerminatedPods } = status
    assert.deepEqual(
      { succeeded, failed, counted, uncountedTerminatedPods },
      { succeeded: this.#succeeded, failed: this.#failed, counted: active.length, uncountedTerminatedPods: {} },
    )
    const indexes = active.map(({ metadata }) => metadata.labels?.[indexName]).filter((index) => index !== undefined)
    assert.equal(new Set(indexes).size, indexes.length, 'two pods have one index')
  }

  /** All go well from now on. */
  async conclude(): Promise<void> {
    await this.#change({ parallelism: 4, suspend: false })
    await this.cluster.advance(700_000)
    while (this.#succeeded < this.#completions) {
      const pods = await this.active()
      assert.ok(pods.length > 0, 'nothing runs, though not all is done')
      for (const pod of pods) await this.finish(pod)
      await this.cluster.advance(700_000)
    }
    await this.check()
    const { status } = await this.cluster.client.get(Job, ref)
    assert.equal(status.conditions?.at(-1)?.type, 'Complete')
    const { items } = await this.cluster.client.list(Pod, { namespace })
    assert.ok(items.every(({ metadata }) => metadata.finalizers === undefined))
  }
}

for (const completionMode of ['NonIndexed', 'Indexed'] as const) {
  test(`whatever happens to the pods of a job (${completionMode}), each end is counted once`, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const completions = 20
      const { cluster, faults } = await virtualCluster({ nodes: 0 })
      const template = {
        metadata: {},
        spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] },
      } as const
      const spec = { completions, parallelism: 3, completionMode, backoffLimit: 1000, template }
      await cluster.client.create(Job, { metadata: ref, spec })
      await cluster.settle()
      const fates = new Fates(cluster, seededRandom(seed), completions)
      try {
        for (let n = 0; n < steps; n++) {
          await fates.step()
          await fates.check()
        }
        await fates.conclude()
        assert.deepEqual(faults, [])
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      } finally {
        await fates.cluster[Symbol.asyncDispose]()
      }
    }
  })
}

test('whenever the controllers are killed, those who come after count the same', async () => {
  await using virtual = await virtualCluster({ nodes: 0 })
  const { cluster } = virtual
  const template = { metadata: {}, spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } as const
  const first = cluster.store.revision
  await cluster.client.create(Job, { metadata: ref, spec: { completions: 3, parallelism: 3, template } })
  await cluster.settle()
  const begun = cluster.store.revision
  const pods = (await cluster.client.list(Pod, { namespace })).items
  for (const [n, { metadata }] of pods.entries()) {
    const body = { status: { phase: n === 0 ? 'Failed' : 'Succeeded' } }
    const { name = '' } = metadata
    await cluster.client.patch(Pod, { namespace, name }, { type: 'merge', body }, { subresource: 'status' })
  }
  await cluster.settle()
  const last = cluster.store.revision
  assert.ok(last - begun > 8, 'ends are written in steps')
  for (let revision = first + 1; revision <= last; revision++) {
    await using fork = await cluster.fork({ revision })
    await fork.settle()
    if ((await fork.client.list(Job, { namespace })).items.length === 0) continue
    const { status } = await fork.client.get(Job, ref)
    const now = (await fork.client.list(Pod, { namespace })).items
    const count = (phase: string) => now.filter(({ status }) => status.phase === phase).length
    const { succeeded = 0, failed = 0, active = 0, uncountedTerminatedPods } = status
    assert.deepEqual(
      { succeeded, failed, active, uncountedTerminatedPods },
      { succeeded: count('Succeeded'), failed: count('Failed'), active: count('Pending'), uncountedTerminatedPods: {} },
      `from revision ${revision}`,
    )
    assert.ok(now.length <= 4, 'no pod was made twice')
  }
})
