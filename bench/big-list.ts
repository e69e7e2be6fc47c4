/**
 * What lists of 150,000 objects cost the server in memory: `node bench/big-list.ts [BUNDLE] [COUNT]` (default: the one
 * that `tools/build.ts` makes). Prints for each way of reading them by how much the resident set grew while it lasted.
 */
import * as http2 from 'node:http2'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inFlight } from './api.ts'
import { root, serve } from './process.ts'

const bundle = process.argv[2] ?? join(root, '.cache/build/coracle.mjs')
const count = Number(process.argv[3] ?? 150_000)
const collection = '/api/v1/namespaces/default/configmaps'

await using cluster = await serve(bundle, { nodes: 0, apiOnly: true, ephemeral: true })
const { api, memoryMiB } = cluster
const text = 'x'.repeat(700)
await inFlight(128, count, (at) =>
  api.must('POST', collection, { body: { metadata: { name: `map-${at}` }, data: { text } }, discard: true }),
)
await sleep(10_000)

await measure('the whole list, first time', whole)
await measure('the whole list', whole)
await measure('the whole list, 4 clients at once', () => Promise.all([whole(), whole(), whole(), whole()]))
await measure('the whole list, compressed', () => read({ 'accept-encoding': 'gzip' }, 0))
await measure('the whole list, 4 clients that stop reading', () => Promise.all([1, 2, 3, 4].map(() => read({}, 3_000))))
await measure('pages of 500', pages)

async function measure(what: string, run: () => Promise<unknown>): Promise<void> {
  const before = memoryMiB()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, memoryMiB())
  }, 5)
  const startedMs = performance.now()
  await run()
  clearInterval(timer)
  const seconds = (performance.now() - startedMs) / 1000
  console.log(`${what.padEnd(46)} ${before.toFixed(0)} + ${(most - before).toFixed(0)} MiB, ${seconds.toFixed(1)} s`)
}

async function whole(): Promise<void> {
  const { bytes } = await api.must('GET', collection, { discard: true })
  if (bytes < count * text.length) throw new Error(`only ${bytes} bytes came`)
}

async function pages(): Promise<void> {
  let next: string | undefined = ''
  while (next !== undefined) {
    const page: { metadata: { continue?: string } } = await api.get(`${collection}?limit=500&continue=${next}`)
    next = page.metadata.continue
  }
}

/** Reads the list on a connection of its own, and rests for a while after the first bytes. */
function read(headers: http2.OutgoingHttpHeaders, restMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(api.url, { rejectUnauthorized: false })
    session.on('error', reject)
    const stream = session.request({ ...api.headers, ...headers, ':path': collection })
    stream.on('error', reject)
    stream.once('data', () => {
      stream.pause()
      void sleep(restMs).then(() => stream.resume())
    })
    stream.on('data', () => {})
    stream.on('end', () => session.close(resolve))
  })
}
