/**
 * A whole cluster in virtual time under one seed: the API server, the controllers, the scheduler and the nodes, and
 * somebody who works with it, while calls fail, answers get lost, watches drop, nodes crash and the control plane starts
 * anew. Checkers look at every change; in the end the faults stop, and everything must come to rest as it was wanted.
 * One seed gives one history, to the byte.
 */
import { type Cluster, startCluster } from '../src/cluster/cluster.ts'
import { MemoryStore } from '../src/store/memory.ts'
import { VirtualWorld } from '../src/world/virtual.ts'
import { budgets } from './checkers/budget.ts'
import { unconverged } from './checkers/converged.ts'
import { generations } from './checkers/generation.ts'
import { identities } from './checkers/identity.ts'
import { quotas } from './checkers/quota.ts'
import { type FaultRates, type Faults, FaultyClient, noFaults } from './faults/client.ts'
import { type Checker, History } from './history.ts'
import { heal, prepare, roomless, type Scene, takeStep } from './workloads/random.ts'

export interface SimulationOptions {
  readonly seed: number
  /** Default 30. */
  readonly steps?: number
  readonly nodes?: number
  readonly rates?: FaultRates
  /** How often the control plane starts anew, for each step. */
  readonly restarts?: number
  /** Told as it goes. */
  readonly log?: (line: string) => void
}

export interface Outcome {
  readonly seed: number
  readonly revision: number
  /** Of every key, value and revision there was. */
  readonly digest: string
  readonly violations: readonly string[]
}

const checkers: readonly Checker[] = [budgets, quotas, identities, generations]
const usualRates: FaultRates = { refused: 0.03, answerLost: 0.02, slow: 0.05, watchDropped: 0.01 }
const longestPauseMs = 90_000
/** Longer than any back-off, and than what nodes that were away are waited for. */
const restMs = 45 * 60_000

export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const { seed, steps = 30, nodes = 3, rates = usualRates, restarts = 0.03, log = () => {} } = options
  const world = new VirtualWorld(seed)
  const random = world.random.fork('simulation')
  const faults: Faults = { clock: world.clock, random: world.random.fork('faults'), rates: noFaults }
  const store = new MemoryStore(world)
  const history = new History(checkers)
  history.follow(store)
  const connect: NonNullable<Parameters<typeof startCluster>[0]>['connect'] = (client) =>
    new FaultyClient(client, faults)
  let cluster = await startCluster({ world, store, nodes, connect })
  const scene = (): Scene => ({ client: cluster.client, nodes: cluster.nodes!, random })
  try {
    await cluster.settle()
    await prepare(scene())
    faults.rates = rates
    const taken: Promise<void>[] = []
    for (let step = 0; step < steps; step++) {
      // A step may take time, and time goes on only here.
      const at = new Date(world.clock.now()).toISOString()
      taken.push(takeStep(scene()).then((what) => log(`${at} ${what}`)))
      await world.advance(random.int(random.next() < 0.7 ? 2_000 : longestPauseMs))
      if (random.next() < restarts) cluster = await restarted(cluster, faults, history, world)
    }
    faults.rates = noFaults
    taken.push(heal(scene()))
    await cluster.advance(restMs)
    await Promise.all(taken)
    const violations = [...history.violations, ...unconverged(history.state, roomless)]
    return { seed, revision: history.revision, digest: history.digest, violations }
  } finally {
    await cluster[Symbol.asyncDispose]()
  }
}

/** Everything but the state begins anew: caches, queues, leaders. What was under way is lost with the old one. */
async function restarted(old: Cluster, faults: Faults, history: History, world: VirtualWorld): Promise<Cluster> {
  const { rates } = faults
  faults.rates = noFaults
  history.pause()
  const next = old.fork({ world, revision: history.revision })
  let isDone = false
  const done = next.then(async (cluster) => {
    history.follow(cluster.store)
    await old[Symbol.asyncDispose]()
    isDone = true
  })
  // Both take time, and time goes on only here.
  while (!isDone) await Promise.race([world.advance(100), done])
  faults.rates = rates
  return next
}
