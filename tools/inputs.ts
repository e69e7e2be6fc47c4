/**
 * Feeds everything that reads what clients send with any number of damaged and random inputs, and prints what became of
 * them: `node --expose-gc tools/inputs.ts [COUNT] [SEED]`, 1,000,000 in all unless said otherwise. It ends with an error
 * at the first input that is neither read nor refused, or takes longer than a second.
 */
import { feed, shown, subjects } from '../test/support/inputs.ts'

const [count = 1_000_000, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number)
const each = Math.ceil(count / subjects.length)
const portions = 10

const usedMiB = () => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 2 ** 20
}

console.log(`seed ${seed}, ${each} inputs each`)
console.log('| What | Inputs | Taken | Slowest | Memory after a tenth | at the end |')
console.log('| --- | ---: | ---: | ---: | ---: | ---: |')
for (const subject of subjects) {
  let accepted = 0
  let slowestMs = 0
  let first = 0
  for (let portion = 0; portion < portions; portion++) {
    const run = feed(subject, seed + portion, Math.ceil(each / portions))
    accepted += run.accepted
    slowestMs = Math.max(slowestMs, run.slowestMs)
    if (run.slowestMs > 1000) throw new Error(`${subject.name}: ${run.slowestMs} ms for ${shown(run.slowest)}`)
    if (portion === 0) first = usedMiB()
  }
  const cells = [subject.name, each, accepted, `${slowestMs.toFixed(1)} ms`, mib(first), mib(usedMiB())]
  console.log(`| ${cells.join(' | ')} |`)
}

function mib(value: number): string {
  return `${value.toFixed(1)} MiB`
}
