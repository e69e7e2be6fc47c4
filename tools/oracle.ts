/**
 * Replays the recordings of a real Kubernetes against this API server, and says how many answers are the same.
 *
 *   node tools/oracle.ts                                  all areas that need no controllers
 *   node tools/oracle.ts --area validation,patch          these areas
 *   node tools/oracle.ts --area read --min 98             fails below 98 percent in any of them
 *   node tools/oracle.ts --no-managed-fields              managed fields are left out of the comparison
 *
 * The server runs in this process, in memory, on a free port, without controllers, scheduler and nodes. The recordings
 * and the program that replays them lie beside the checkout, in `../shared/oracle` (or where `ORACLE` says).
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { serveCluster } from '../src/cluster/serve.ts'
import { hostWorld } from '../src/world/host.ts'

const folder = resolve(process.env.ORACLE ?? join(import.meta.dirname, '../../shared/oracle'))

/** Where the recordings would be; undefined when they are not there. */
// The replayer compares its own place with how it was called, so links are followed first.
export const oracleFolder: string | undefined = existsSync(join(folder, 'replay.mjs'))
  ? realpathSync(folder)
  : undefined

export const allAreas: readonly string[] = [
  'read',
  'write',
  'patch',
  'discovery',
  'defaults',
  'validation',
  'subresources',
  'auth',
  'admission',
  'apply',
  'crd',
]

/** How long an answer may take to become the expected one, where a recording waited for it. */
const patienceMs = 3000

export interface AreaScore {
  readonly area: string
  readonly equal: number
  readonly total: number
  readonly percent: number
}

export interface Difference {
  readonly path: string
  readonly expected?: unknown
  readonly got?: unknown
}

interface Step {
  readonly i: number
  readonly method: string
  readonly path: string
  readonly equal: boolean
  readonly diffs?: readonly Difference[]
}

export interface Scenario {
  readonly area: string
  readonly name: string
  readonly steps: readonly Step[]
}

export interface Replay {
  readonly areas: readonly AreaScore[]
  readonly scenarios: readonly Scenario[]
}

/** Starts a server and replays. `managedFields` false leaves those fields out of every comparison. */
export async function replay(areas: readonly string[], managedFields = true): Promise<Replay> {
  if (oracleFolder === undefined) throw new Error(`there are no recordings in ${folder}`)
  const temporary = mkdtempSync(join(tmpdir(), 'oracle-'))
  const tokenFile = join(temporary, 'token')
  writeFileSync(tokenFile, 'secret')
  try {
    await using server = await serveCluster({
      world: hostWorld(() => {}),
      host: '127.0.0.1',
      port: 0,
      nodes: 0,
      apiOnly: true,
      tokenFile: 'secret,admin,1,"system:masters"\n',
    })
    const manner = ['--server', server.url, '--token-file', tokenFile, '--quiet', '--max-wait', `${patienceMs}`]
    if (!managedFields) manner.push('--no-managed-fields')
    const resultFile = join(temporary, 'result.json')
    const replayed = async (what: readonly string[]): Promise<readonly Scenario[]> => {
      await run([join(oracleFolder, 'replay.mjs'), ...manner, '--json', resultFile, ...what])
      return JSON.parse(readFileSync(resultFile, 'utf8')).scenarios
    }
    const scenarios = [...(await replayed(['--area', areas.join(','), '--jobs', '4']))]
    for (const [index, { area, name }] of scenarios.entries().filter(([, scenario]) => differsInOrderOnly(scenario))) {
      const again = await replayed(['--area', area, '--name', name])
      scenarios[index] = again.find((scenario) => scenario.name === name)!
    }
    return { scenarios, areas: areas.map((area) => score(area, scenarios)) }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/**
 * Managed fields are in the order of the seconds in which they were last written, and most recordings were made within
 * one. A replay that goes from one second into the next answers in another order, as the reference would: such a one
 * is asked again, and what it says then counts.
 */
function differsInOrderOnly({ steps }: Scenario): boolean {
  const differing = steps.filter((step) => !step.equal)
  const isOrder = ({ path }: Difference) => path.includes('.managedFields[')
  return differing.length > 0 && differing.every(({ diffs = [] }) => diffs.length > 0 && diffs.every(isOrder))
}

/** In a process of its own: the server needs this one. */
function run(parameters: readonly string[]): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
    child.on('error', failed)
    child.on('exit', (code) => (code === 0 || code === 1 ? done() : failed(new Error(`the replay ended with ${code}`))))
  })
}

function score(area: string, scenarios: readonly Scenario[]): AreaScore {
  const steps = scenarios.filter((scenario) => scenario.area === area).flatMap((scenario) => scenario.steps)
  const equal = steps.filter((step) => step.equal).length
  return { area, equal, total: steps.length, percent: steps.length === 0 ? 100 : (100 * equal) / steps.length }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      area: { type: 'string' },
      min: { type: 'string' },
      'managed-fields': { type: 'boolean', default: true },
    },
  })
  if (oracleFolder === undefined) {
    console.error(`There are no recordings here: ${folder} does not exist.`)
    console.error('They lie beside the checkout (../shared/oracle); set ORACLE where they are elsewhere.')
    return 2
  }
  const areas = values.area === undefined ? allAreas : values.area.split(',')
  const unknown = areas.filter((area) => !allAreas.includes(area))
  if (unknown.length > 0) {
    console.error(`There is no area ${unknown.join(', ')}. Areas: ${allAreas.join(', ')}`)
    return 2
  }
  const result = await replay(areas, values['managed-fields'])
  printTable(result.areas)
  printDiffering(result.scenarios)
  const min = Number(values.min ?? 0)
  return result.areas.every(({ percent }) => percent >= min) ? 0 : 1
}

function printTable(areas: readonly AreaScore[]): void {
  const sum = (pick: (area: AreaScore) => number) => areas.reduce((total, area) => total + pick(area), 0)
  const [equal, total] = [sum((area) => area.equal), sum((area) => area.total)]
  for (const each of [...areas, { area: 'all', equal, total, percent: (100 * equal) / total }]) {
    const figures = `${each.equal}/${each.total}`.padStart(11)
    console.log(`${each.area.padEnd(14)}${figures}  ${each.percent.toFixed(2).padStart(6)} %`)
  }
}

const shown = 20

function printDiffering(scenarios: readonly Scenario[]): void {
  const differing = scenarios
    .map((scenario) => ({ scenario, steps: scenario.steps.filter((step) => !step.equal) }))
    .filter(({ steps }) => steps.length > 0)
    .sort((left, right) => right.steps.length - left.steps.length)
  if (differing.length === 0) return
  console.log(`\n${differing.length} scenarios differ; those with the most steps:`)
  for (const { scenario, steps } of differing.slice(0, shown)) {
    const [first] = steps
    const [difference] = first?.diffs ?? []
    console.log(`${scenario.area}/${scenario.name}: ${steps.length} of ${scenario.steps.length} steps`)
    console.log(`    ${first?.method} ${first?.path}`)
    if (difference) console.log(`    ${difference.path}: ${short(difference.expected)}, got ${short(difference.got)}`)
  }
}

const short = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 120))

if (process.argv[1] === import.meta.filename) process.exitCode = await main()
