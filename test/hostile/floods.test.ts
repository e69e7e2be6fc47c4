import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Home, type Running } from '../support/cli.ts'
import { type Crew, observe, prepareFloods, residentMiB } from '../support/flooded.ts'
import { FloodClient, type FloodCounts, type FloodName, type Observer, startFlood } from '../support/floods.ts'

/**
 * One client wants more than there is of everything. `bench/floods.ts` has the same in large; here the server has 30 seats,
 * and the floods are ten times as wide.
 */
const floodMs = 1500

interface Case {
  readonly name: FloodName
  readonly width: number
  /** Whether it may take every seat of its level for a minute, as in the reference; leaders have a level of their own. */
  readonly fillsLevel?: true
  /** What becomes of the greedy one. */
  readonly check: (counts: FloodCounts) => void
}

const statusesOf = ({ bytes: _bytes, end: _end, ...counts }: FloodCounts) => Object.keys(counts)
const answersOnly = (expected: string) => (counts: FloodCounts) => assert.deepEqual(statusesOf(counts), [expected])
const isLimited = (counts: FloodCounts) => assert.ok((counts['429'] ?? 0) > 0, JSON.stringify(counts))

const cases: readonly Case[] = [
  // Whose first answer has been given needs no seat: watches are many, and each is cheap.
  {
    name: 'watches',
    width: 2000,
    check: ({ 429: refused = 0, ...counts }) => assert.ok((counts['200'] ?? 0) > refused),
  },
  { name: 'slow heads', width: 200, check: answersOnly('open') },
  { name: 'slow bodies', width: 500, fillsLevel: true, check: isLimited },
  // A seat is held until the answer is taken, which a greedy client on a busy machine may put off.
  { name: 'lists', width: 500, fillsLevel: true, check: isLimited },
  // In memory a creation is over before the next one has been read, and then nobody has to wait.
  {
    name: 'creations',
    width: 500,
    check: (counts) =>
      assert.deepEqual(
        statusesOf(counts).filter((status) => !['201', '429'].includes(status)),
        [],
      ),
  },
  { name: 'large bodies', width: 8, check: answersOnly('413') },
  { name: 'deep bodies', width: 8, check: answersOnly('400') },
  { name: 'slow texts', width: 8, check: answersOnly('422') },
]

describe('while one client floods the server', () => {
  let home: Home
  let up: Running
  let admin: FloodClient
  let crew: Crew
  let port: number
  before(async () => {
    home = await Home.make()
    await writeFile(home.path('tokens'), 'admin,admin,admin,system:masters\n')
    const limits = ['--max-requests-inflight', '20', '--max-mutating-requests-inflight', '10']
    const files = ['--kubeconfig', home.path('config'), '--token-auth-file', home.path('tokens')]
    up = home.start('up', '--ephemeral', '--api-only', '--port', '0', ...files, ...limits)
    await up.until('Stop with')
    port = Number(/server: https:\/\/[^\s]*:(\d+)/.exec(await home.read('config'))![1])
    admin = await FloodClient.connect(port, 'admin')
    crew = await prepareFloods(async (method, path, body) => {
      const { status, text } = await admin.fetch(method, path, JSON.stringify(body))
      assert.equal(status, 201, text)
      return JSON.parse(text) as unknown
    }, 200)
  })
  after(async () => {
    admin.close()
    await home[Symbol.asyncDispose]()
  })

  for (const { name, width, fillsLevel, check } of cases) {
    test(`of ${name}, the others are answered and memory is bounded`, async (context) => {
      await using seen = await observe(port, crew)
      await using flood = await startFlood({ name, port, token: crew.greedy, width })
      let counts: FloodCounts = {}
      let mostMiB = 0
      const isEnough = () => (fillsLevel || seen.other.times.length >= 10) && seen.leader.times.length >= 3
      for (let waited = 0; waited < floodMs || statusesOf(counts).length === 0 || !isEnough(); waited += 100) {
        await sleep(100)
        mostMiB = Math.max(mostMiB, residentMiB(up.pid))
        counts = await flood.counts()
        assert.ok(
          waited < 40_000,
          `the others got ${seen.other.times.length} answers, the flood ${JSON.stringify(counts)}`,
        )
      }
      await flood.stop()
      await seen.end()
      await untilAnswered(port, crew.other)
      context.diagnostic(`${shown('another client', seen.other)}; ${shown('a leader', seen.leader)}`)
      context.diagnostic(`memory ${mostMiB.toFixed(0)} MiB; the greedy one: ${JSON.stringify(counts)}`)
      if (!fillsLevel) assert.deepEqual([...seen.other.statuses.keys()], [200])
      assert.deepEqual([...seen.leader.statuses.keys()], [200])
      assert.ok(mostMiB < 700, `${mostMiB} MiB`)
      check(counts)
    })
  }

  test('and when it is over, nothing is left of it', async () => {
    assert.equal(await admin.ask('GET', '/readyz'), 200)
    assert.doesNotMatch(up.stdout, /error/)
  })
})

/** Of seats that a flood has taken the last may be free only when its minute is over; the next flood begins with none taken. */
async function untilAnswered(port: number, token: string): Promise<void> {
  const client = await FloodClient.connect(port, token)
  const path = '/api/v1/namespaces/default/serviceaccounts/other'
  for (let tries = 0; (await client.ask('GET', path).catch(() => 0)) !== 200; tries++) {
    assert.ok(tries < 700, 'the level stays full')
    await sleep(100)
  }
  client.close()
}

const shown = (who: string, observer: Observer) =>
  `${who}: p50 ${observer.quantile(0.5).toFixed(0)} ms, p99 ${observer.quantile(0.99).toFixed(0)} ms of ${observer.times.length}`
