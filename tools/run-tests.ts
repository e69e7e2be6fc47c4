/**
 * Runs test files in the order in which they are given, a number of them at once: `node --test` would sort them.
 *
 *   node tools/run-tests.ts 2 a.test.ts b.test.ts
 */
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const [atOnce, ...files] = process.argv.slice(2)

run({ files, concurrency: Number(atOnce) })
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1
  })
  .compose(spec)
  .pipe(process.stdout)
