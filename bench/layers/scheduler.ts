/**
 * What finding a place costs, with nobody to tell: `node bench/layers/scheduler.ts [SHAPE…]`. Prints microseconds of
 * processor time for each pod, and a sum over the places that were found: a change that should only be faster leaves it
 * as it was.
 */
import type { Node } from '../../src/kinds/core/node.ts'
import type { Pod } from '../../src/kinds/core/pod.ts'
import { ClusterState } from '../../src/scheduler/cluster-state.ts'
import { Cycle } from '../../src/scheduler/cycle.ts'
import { clusterOf } from '../../src/scheduler/fixtures.ts'
import { Known, Memory } from '../../src/scheduler/memory.ts'
import { unschedulable } from '../../src/scheduler/messages.ts'
import { Nominations } from '../../src/scheduler/nominations.ts'
import { defaultPlugins } from '../../src/scheduler/plugins/index.ts'
import { podState } from '../../src/scheduler/pod-state.ts'
import { type Found, preempt } from '../../src/scheduler/preemption.ts'
import { profileOf } from '../../src/scheduler/profile.ts'
import { seededRandom } from '../../src/world/virtual.ts'
import { nodeOf, nodes, type Shape, shapes } from '../scheduler.ts'

/** Places all pods of a shape; gives the sum over where they are. */
class Placing {
  readonly #state = new ClusterState()
  readonly #nominations = new Nominations((node) => this.#state.touch(node))
  readonly #cluster = clusterOf(this.#state)
  readonly #random = seededRandom(1)
  readonly #cycle = new Cycle(profileOf(defaultPlugins), this.#cluster, this.#nominations, this.#random)
  readonly #memory = new Memory(() => new Known<Found>())
  sum = 0

  constructor({ zone }: Shape) {
    for (let at = 0; at < nodes; at++) this.#state.setNode(nodeOf(`scheduler-perf-${at}`, zone(at)) as unknown as Node)
  }

  place(pod: Pod): void {
    let placement = this.#cycle.place(pod)
    if (!placement.node) {
      const context = { cycle: this.#cycle, cluster: this.#cluster, nominations: this.#nominations }
      const further = { random: this.#random, memory: this.#memory }
      const found = preempt(podState(pod), placement, { ...context, ...further })
      const message = unschedulable(nodes, placement, found.node ? undefined : found.message)
      if (!found.node) throw new Error(message)
      this.#nominations.set(podState(pod), found.node.name)
      for (const { uid } of found.victims) this.#state.remove(uid)
      placement = this.#cycle.place(pod)
      this.#nominations.delete(podState(pod).uid)
    }
    const { index, name } = placement.node!
    this.sum = (this.sum * 31 + index) % 1_000_000_007
    this.#state.place(pod, name)
  }
}

const pods = ({ count, spec, labels }: Shape['measured'], namespace: string, priority: number): Pod[] =>
  Array.from({ length: count }, (_, at) => {
    const name = `${namespace}-${at}`
    // As many objects as pods, as the API has them.
    const own = structuredClone({ metadata: { labels }, spec: { ...spec, priority } })
    return { ...own, metadata: { ...own.metadata, name, namespace, uid: name } } as unknown as Pod
  })

const wanted = process.argv.slice(2)
for (const shape of shapes) {
  if (wanted.length > 0 && !wanted.includes(shape.id)) continue
  const placing = new Placing(shape)
  for (const pod of pods(shape.before, 'sched-0', -10)) placing.place(pod)
  const measured = pods(shape.measured, 'sched-1', shape.id === 'preemption' ? 10 : 0)
  const before = process.threadCpuUsage()
  for (const pod of measured) placing.place(pod)
  const { user, system } = process.threadCpuUsage(before)
  const micros = (user + system) / measured.length
  process.stdout.write(`${shape.id.padEnd(20)} ${micros.toFixed(1).padStart(10)} µs  ${placing.sum}\n`)
}
