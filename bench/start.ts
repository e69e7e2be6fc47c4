import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Benchmark } from './benchmark.ts'
import { scratchFolder, serve } from './process.ts'

const aimMs = 300

/** From the start of the process until the API says that three nodes are ready. */
export const start: Benchmark = {
  name: 'start',
  rounds: 10,
  rows: [
    {
      id: 'fresh',
      what: 'Start to 3 Ready nodes, new data directory',
      unit: 'ms',
      aim: aimMs,
      reference: '3,400 (API alone)',
    },
    { id: 'again', what: 'Start to 3 Ready nodes, existing data directory', unit: 'ms', aim: aimMs },
    { id: 'ephemeral', what: 'Start to 3 Ready nodes, in memory', unit: 'ms', aim: aimMs },
  ],

  async run(bundle) {
    await using folder = await scratchFolder()
    const dataDir = join(folder.path, 'data')
    const fresh = await startOnce(bundle, { dataDir })
    const again = await startOnce(bundle, { dataDir })
    const ephemeral = await startOnce(bundle, { ephemeral: true })
    return { fresh, again, ephemeral }
  },
}

async function startOnce(bundle: string, where: { dataDir?: string; ephemeral?: boolean }): Promise<number> {
  await using cluster = await serve(bundle, { nodes: 3, ...where })
  return cluster.readyMs
}

const idleSeconds = 20

/** What a cluster costs that nobody uses. */
export const idle: Benchmark = {
  name: 'idle',
  rounds: 2,
  rows: [
    { id: 'memory', what: 'Memory (RSS), 3 nodes, idle', unit: 'MiB', aim: 100, reference: '523' },
    { id: 'processor', what: `Processor, 3 nodes, idle, share of a core over ${idleSeconds} s`, unit: '%', aim: 1 },
  ],

  async run(bundle) {
    await using cluster = await serve(bundle, { nodes: 3 })
    await sleep(10_000)
    const memory = cluster.memoryMiB()
    const before = cluster.processorMs()
    await sleep(idleSeconds * 1000)
    return { memory, processor: (cluster.processorMs() - before) / (idleSeconds * 10) }
  },
}
