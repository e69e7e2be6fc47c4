/**
 * The process that `crash.test.ts` kills: writes to the store in the directory given, as fast as it can, and prints a
 * line for each answered write. Each writer puts two keys with the same number in one transaction, always the next
 * number. History is short, so that compaction is always at work too.
 */
import { writeSync } from 'node:fs'
import { realClock, realRandom } from '../world/real.ts'
import { LmdbStore } from './lmdb.ts'

const [directory = '', writers = '8'] = process.argv.slice(2)
const store = await LmdbStore.open(directory, { clock: realClock, random: realRandom, historyRevisions: 200 })
writeSync(1, 'ready\n')

async function write(writer: number): Promise<never> {
  const key = `/writer/${writer}`
  let number = Number(
    Buffer.from(store.rangeNow({ from: `${key}/a` }).kvs[0]?.value ?? '0')
      .toString()
      .trim(),
  )
  for (;;) {
    const value = Buffer.from(`${++number}`.padEnd(100 + ((number * 37) % 3_000)))
    const put = (name: string) => ({ type: 'put', key: `${key}/${name}`, value }) as const
    await store.txn({ then: [put('a'), put('b'), { type: 'delete', from: `${key}/gone` }, put(`only-${number % 5}`)] })
    writeSync(1, `${writer} ${number}\n`)
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)))
