import assert from 'node:assert/strict'
import { Job } from '../../src/kinds/batch/job.ts'
import { Event } from '../../src/kinds/core/event.ts'
import { Pod } from '../../src/kinds/core/pod.ts'
import type { Draft } from '../../src/schema/types.ts'
import { type VirtualCluster, virtualCluster } from './virtual-cluster.ts'

export const namespace = 'default'
export const indexName = 'batch.kubernetes.io/job-completion-index'
const ref = { namespace, name: 'a' }

type Spec = Draft<Job['spec']>
type PodSpec = Draft<Job['spec']['template']['spec']>

/** One job in a cluster without nodes, and hands that do with its pods what a test says. */
export class Workshop implements AsyncDisposable {
  readonly #in: VirtualCluster

  private constructor(cluster: VirtualCluster) {
    this.#in = cluster
  }

  /** A job named `a` has been created, and what follows at once has happened. */
  static async open(spec: Spec, podSpec: PodSpec = {}): Promise<Workshop> {
    const workshop = new Workshop(await virtualCluster({ nodes: 0 }))
    const containers = [{ name: 'c', image: 'i' }]
    const template = { metadata: {}, spec: { restartPolicy: 'Never', containers, ...podSpec } }
    await workshop.cluster.client.create(Job, { metadata: ref, spec: { template, ...spec } } as Draft<Job>)
    await workshop.cluster.settle()
    return workshop
  }

  get cluster() {
    return this.#in.cluster
  }

  get now(): string {
    return this.#in.now()
  }

  get faults(): readonly string[] {
    return this.#in.faults
  }

  async change(spec: object): Promise<void> {
    await this.cluster.client.patch(Job, ref, { type: 'merge', body: { spec } })
    await this.cluster.settle()
  }

  async pass(seconds: number): Promise<void> {
    await this.cluster.advance(seconds * 1000)
  }

  job(): Promise<Job> {
    return this.cluster.client.get(Job, ref)
  }

  async status(): Promise<Job['status']> {
    return (await this.job()).status
  }

  /** `Type Status Reason` of every condition, in order. */
  async conditions(): Promise<string[]> {
    const { conditions = [] } = await this.status()
    return conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`)
  }

  async allPods(): Promise<readonly Pod[]> {
    return (await this.cluster.client.list(Pod, { namespace })).items
  }

  /** Those that have not ended, by name. */
  async pods(): Promise<Pod[]> {
    const pods = await this.allPods()
    return pods.filter(({ status }) => status.phase !== 'Succeeded' && status.phase !== 'Failed')
  }

  /** The indexes of the pods that have not ended. */
  async indexes(): Promise<number[]> {
    return (await this.pods()).map(({ metadata }) => Number(metadata.labels?.[indexName])).sort((a, b) => a - b)
  }

  async podAt(index: number): Promise<Pod> {
    const pod = (await this.pods()).find(({ metadata }) => metadata.labels?.[indexName] === String(index))
    assert.ok(pod, `no pod of index ${index} is there`)
    return pod
  }

  succeed(pod: Pod): Promise<void> {
    return this.#end(pod, 'Succeeded', 0)
  }

  fail(pod: Pod, exitCode = 1): Promise<void> {
    return this.#end(pod, 'Failed', exitCode)
  }

  async #end(pod: Pod, phase: 'Succeeded' | 'Failed', exitCode: number): Promise<void> {
    const state = { terminated: { exitCode, finishedAt: this.now } }
    const containerStatuses = [{ name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, state }]
    await this.report(pod, { phase, containerStatuses })
  }

  /** As a node would. */
  async report(pod: Pod, status: Draft<Pod['status']>): Promise<void> {
    const { client } = this.cluster
    const { name = '' } = pod.metadata
    await client.patch(Pod, { namespace, name }, { type: 'strategic', body: { status } }, { subresource: 'status' })
    await this.cluster.settle()
  }

  /** Events about the job, those of single pods aside. */
  async events(): Promise<string[]> {
    const { items } = await this.cluster.client.list(Event, { namespace })
    return items
      .filter(({ involvedObject, message }) => involvedObject.kind === 'Job' && !message?.includes(' pod: '))
      .map(({ type, reason, message }) => `${type} ${reason}: ${message}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#in[Symbol.asyncDispose]()
  }
}
