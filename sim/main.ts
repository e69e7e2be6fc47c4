/**
 * `node sim/main.ts [--seeds 100] [--from 1] [--steps 30] [--verbose]`: runs so many seeds, prints those that broke a
 * rule with what they broke, and ends with 1 if there was one. `--seed 7 --verbose` tells one run step by step.
 */
import { parseArgs } from 'node:util'
import { simulate } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    steps: { type: 'string', default: '30' },
    verbose: { type: 'boolean', default: false },
  },
})
const first = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds) : 1
let broken = 0
let revisions = 0
for (let seed = first; seed < first + count; seed++) {
  const outcome = await attempt(seed)
  revisions += outcome.revision
  if (outcome.violations.length === 0) continue
  broken++
  console.log(`seed ${seed}:`)
  for (const violation of outcome.violations.slice(0, 10)) console.log(`  ${violation}`)
}
console.log(`${count} seeds, ${revisions} revisions, ${broken} broke a rule`)
process.exitCode = broken > 0 ? 1 : 0

async function attempt(seed: number) {
  try {
    const log = values.verbose ? { log: console.log } : {}
    return await simulate({ seed, steps: Number(values.steps), ...log })
  } catch (error) {
    return { revision: 0, violations: [error instanceof Error ? (error.stack ?? error.message) : String(error)] }
  }
}
