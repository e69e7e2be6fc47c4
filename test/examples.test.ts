import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { root } from './support/sources.ts'

/** What each example prints: what its reader may rely on. */
const prints: Readonly<Record<string, RegExp>> = {
  'autoscaling.ts': /^0 min: \n10 min: #{2,6}\n(.*\n)+40 min: #{17,22}\n(.*\n)+80 min: #{1,4}\n$/,
  'rollout.test.ts': /pass 1\n.*fail 0/,
  'fork.ts':
    /^1 more min: [1-5] of 6 .*\n2 more min: [1-5] of 6 .*\n3 more min: 6 of 6 .*\nand in the cluster itself: 6\n$/,
  'watch.ts': /^ADDED web on .*Pending\n(MODIFIED web on .*\n)*MODIFIED web on node-1 is Running\n$/,
}

test('every example is known here', () => {
  assert.deepEqual(readdirSync(join(root, 'examples')).sort(), Object.keys(prints).sort())
})

for (const [file, expected] of Object.entries(prints)) {
  test(`examples/${file} does what it says`, async () => {
    const args = file.endsWith('.test.ts') ? ['--test', '--test-reporter=spec'] : []
    // An example that is a test is to run as one, and not as a part of this one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const { stdout } = await promisify(execFile)(process.execPath, [...args, join(root, 'examples', file)], {
      env,
      timeout: 60_000,
    })
    assert.match(stdout, expected)
  })
}
