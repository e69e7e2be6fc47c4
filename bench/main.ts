/**
 * What Coracle costs, measured from outside: `npm run bench -- [--only NAME,…] [--rounds N] [--bundle FILE] [--against FILE] [--write]`.
 *
 * It builds the program (or takes `--bundle`) and measures that, as users run it, each round in a new process. `--against` measures another
 * build beside it, taking turns, which is how a change is judged on a machine with other work. `--write` puts the table
 * into docs/performance.md. BENCH_NODE_FLAGS go to the process, such as `--cpu-prof`.
 */
import { execFileSync } from 'node:child_process'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Benchmark, Figures } from './benchmark.ts'
import { fleetBenchmarks } from './fleet.ts'
import { manyPods } from './many-pods.ts'
import { build, root } from './process.ts'
import { type Measured, tableOf, write } from './report.ts'
import { requests } from './requests.ts'
import { schedulerBenchmarks } from './scheduler.ts'
import { schemas } from './schemas.ts'
import { idle, start } from './start.ts'
import { watch } from './watch.ts'
import { processorTicks, withheld } from './withheld.ts'
import { rollout, scheduling } from './workloads.ts'

const benchmarks: readonly Benchmark[] = [start, idle, requests, schemas, manyPods, watch, scheduling, rollout]
/** Too long for every day: these run when they are named. */
const onRequest: readonly Benchmark[] = [...schedulerBenchmarks, ...fleetBenchmarks]

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    bundle: { type: 'string' },
    against: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})

const begun = describe()
const ticksBefore = processorTicks()
const wanted = flags.only?.split(',')
const all = [...benchmarks, ...onRequest]
const chosen = wanted === undefined ? benchmarks : all.filter(({ name }) => wanted.includes(name))
if (chosen.length === 0) throw new Error(`--only: there are ${all.map(({ name }) => name).join(', ')}`)

const bundles = [flags.bundle ?? (await build()), ...(flags.against ? [flags.against] : [])]
const measured: Measured[] = []
for (const benchmark of chosen) {
  const rounds = await measure(benchmark, bundles, Number(flags.rounds ?? benchmark.rounds))
  measured.push({ benchmark, rounds })
  process.stderr.write(`${tableOf([{ benchmark, rounds }])}\n\n`)
}
const circumstances = `${begun}; ${withheld(ticksBefore, processorTicks())}`
process.stdout.write(`${circumstances}\n\n${tableOf(measured)}\n`)
if (flags.write) await write(join(root, 'docs/performance.md'), circumstances, measured)

/** The figures of each bundle, round by round. */
async function measure(benchmark: Benchmark, programs: readonly string[], rounds: number): Promise<Figures[][]> {
  const figures: Figures[][] = programs.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [at, program] of programs.entries()) figures[at]!.push(await benchmark.run(program))
    process.stderr.write(`${benchmark.name}: round ${round + 1} of ${rounds}\n`)
  }
  return figures
}

function describe(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', 'src') === '' ? '' : ' with changes'
  const processor = cpus()[0]?.model ?? 'unknown processor'
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return [
    `${new Date().toISOString().slice(0, 10)}, commit ${git('rev-parse', '--short', 'HEAD')}${changed}, Node.js ${process.version}`,
    `${cpus().length} × ${processor}, ${memory}; load average when it began: ${loadavg()[0]!.toFixed(1)}`,
  ].join('; ')
}
