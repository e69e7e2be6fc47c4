/**
 * What a flood of one client does to the others: `node bench/floods.ts [--only NAME,…] [--seconds N] [--bundle FILE]`.
 * The server runs as users run it, in a process of its own, new for each flood; the flood has a thread of its own, the
 * others ask beside it. Prints a table in Markdown.
 */
import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { observe, prepareFloods } from '../test/support/flooded.ts'
import { type FloodCounts, type FloodName, floodNames, type Observer, startFlood } from '../test/support/floods.ts'
import { root, serve } from './process.ts'

/** At a time: ten times as many as there are seats, unless the flood is about something else. */
const widths: Readonly<Record<FloodName, number>> = {
  watches: 10_000,
  'slow heads': 5_000,
  'slow bodies': 1_000,
  lists: 1_000,
  creations: 1_000,
  'large bodies': 64,
  'deep bodies': 64,
  'slow texts': 64,
}

const words: Readonly<Record<string, string>> = { bytes: 'events', end: 'cut off', cut: 'cut off', open: 'connected' }

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: floodNames.join(',') },
    seconds: { type: 'string', default: '10' },
    bundle: { type: 'string' },
  },
})
const bundle = flags.bundle ?? (await build())
const milliseconds = Number(flags.seconds) * 1000
const wanted = flags.only.split(',') as FloodName[]

const head = ['Flood', 'Before: p50 / p99', 'During: p50 / p99', 'Lease renewed: p99', 'Memory before / most', 'Greedy']
console.log(`| ${head.join(' | ')} |\n| --- |${' ---: |'.repeat(head.length - 2)} --- |`)
for (const name of wanted) console.log(`| ${(await measure(name)).join(' | ')} |`)

async function measure(name: FloodName): Promise<string[]> {
  await using server = await serve(bundle, { nodes: 0 })
  const { api, memoryMiB } = server
  const port = Number(new URL(api.url).port)
  const crew = await prepareFloods(async (method, path, body) => {
    const { text } = await api.must(method, path, body === undefined ? {} : { body })
    return JSON.parse(text) as unknown
  }, 2_000)
  const before = await observe(port, crew)
  await sleep(milliseconds / 2)
  await before[Symbol.asyncDispose]()
  const restMiB = memoryMiB()
  let mostMiB = restMiB
  const timer = setInterval(() => {
    mostMiB = Math.max(mostMiB, memoryMiB())
  }, 20)
  const during = await observe(port, crew)
  const flood = await startFlood({ name, port, token: crew.greedy, width: widths[name] })
  await sleep(milliseconds)
  const counts = await flood.counts()
  await flood.stop()
  clearInterval(timer)
  await during[Symbol.asyncDispose]()
  const failed = [during.other, during.leader].map(failures).reduce((sum, each) => sum + each)
  return [
    `${widths[name].toLocaleString('en')} × ${name}`,
    quantiles(before.other),
    quantiles(during.other) + (failed > 0 ? `, ${failed} failed` : ''),
    `${round(during.leader.quantile(0.99))} ms`,
    `${restMiB.toFixed(0)} / ${mostMiB.toFixed(0)} MiB`,
    shown(counts),
  ]
}

function failures({ statuses }: Observer): number {
  return [...statuses].reduce((sum, [status, count]) => (status === 200 ? sum : sum + count), 0)
}

function round(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0)
}

function quantiles(observer: Observer): string {
  return `${round(observer.quantile(0.5))} / ${round(observer.quantile(0.99))} ms`
}

function shown(counts: FloodCounts): string {
  return Object.entries(counts)
    .map(([what, count]) => `${count.toLocaleString('en')} × ${words[what] ?? what}`)
    .join(', ')
}

async function build(): Promise<string> {
  const file = join(root, '.cache/bench/floods.mjs')
  await mkdir(join(root, '.cache/bench'), { recursive: true })
  execFileSync(process.execPath, [join(root, 'tools/build.ts'), file], { stdio: 'inherit' })
  return file
}
