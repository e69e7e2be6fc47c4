import assert from 'node:assert/strict'
import { stories } from '../support/kubectl.ts'

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** The oldest first. */
const ages: readonly (readonly [age: string, ms: number])[] = [
  ['17d', 17 * dayMs],
  ['7d1h', 7 * dayMs + hourMs],
  ['2d4h', 2 * dayMs + 4 * hourMs],
  ['4h10m', 4 * hourMs + 10 * minuteMs],
  ['107m', 107 * minuteMs],
  ['5m4s', 5 * minuteMs + 4 * secondMs],
  ['62s', 62 * secondMs],
]

stories(
  {
    'Ages have one unit or two, the coarser the older [OBS-07]': async ({ kubectl, cluster }) => {
      for (const [n, [age, ms]] of ages.entries()) {
        await kubectl(`create configmap aged-${age}`)
        await cluster.advance(ms - (ages[n + 1]?.[1] ?? 0))
      }
      const rows = await kubectl.rows('get configmaps')
      for (const [age] of ages) assert.equal(rows.find(({ NAME }) => NAME === `aged-${age}`)?.['AGE'], age)
    },

    'Kubectl says the same of what it prints itself, by its own clock': async ({ kubectl, cluster }) => {
      // For kubectl the cluster's time has begun a day ago.
      await kubectl('create configmap oldest')
      await cluster.advance(19 * hourMs + 30 * minuteMs)
      await kubectl('create configmap middle')
      await cluster.advance(2 * hourMs)
      await kubectl('create configmap youngest')
      const rows = await kubectl.rows('get configmaps --server-print=false')
      const age = (name: string) => rows.find(({ NAME }) => NAME === name)!['AGE']!
      assert.equal(age('oldest'), '24h')
      assert.match(age('middle'), /^4h3\dm$/)
      assert.match(age('youngest'), /^15\dm$/)
    },
  },
  { own: true, apiOnly: true, virtualTime: true },
)

stories(
  {
    'Restarts are counted, with the age of the last one [OBS-07]': async ({ kubectl, cluster }) => {
      const run = (name: string, simulation: Record<string, string>) => {
        const annotations = Object.fromEntries(
          Object.entries(simulation).map(([key, value]) => [`simulation.coracle.dev/${key}`, value]),
        )
        const overrides = JSON.stringify({ apiVersion: 'v1', metadata: { annotations } })
        return kubectl(`run ${name} --image=nginx --overrides='${overrides}'`)
      }
      await run('steady', {})
      await run('stumbling', { 'exit-after': '10s', exits: '1' })
      await run('broken', { 'exit-after': '1s', 'exit-code': '1' })
      await cluster.settle()
      await cluster.advance(10 * secondMs)
      await cluster.advance(5 * minuteMs + 4 * secondMs)
      const rows = await kubectl.rows('get pods')
      const shown = (name: string) => {
        const row = rows.find(({ NAME }) => NAME === name)
        return `${row?.['STATUS']} ${row?.['RESTARTS']} ${row?.['AGE']}`
      }
      assert.match(shown('steady'), /^Running 0 5m1\ds$/)
      assert.match(shown('stumbling'), /^Running 1 \(5m\ds ago\) 5m1\ds$/)
      assert.match(shown('broken'), /^CrashLoopBackOff [5-7] \(\d+m?\d*s? ago\) 5m1\ds$/)
      assert.match(await kubectl('describe pod stumbling'), /^ +Restart Count: +1$/m)
    },
  },
  { own: true, virtualTime: true },
)
