import { randomBytes, randomFillSync, randomInt, randomUUID } from 'node:crypto'
import type { Clock, Log, LogLevel, Random, World } from './world.ts'

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(delayMs, run) {
    // A delay beyond 2^31-1 ms makes setTimeout fire at once; nobody waits 24 days for one timer.
    const handle = setTimeout(run, Math.min(delayMs, 0x7fff_ffff))
    handle.unref()
    return () => clearTimeout(handle)
  },
  after(delayMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(handle)
        reject(signal?.reason)
      }
      const handle = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, delayMs)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },
}

export const realRandom: Random = {
  next: () => Math.random(),
  int: (below) => (below <= 1 ? 0 : below <= range ? pooledInt(below) : randomInt(below)),
  bytes: (length) => (length <= pool.length ? pooledBytes(length) : randomBytes(length)),
  uuid: () => randomUUID(),
  fork: () => realRandom,
}

const range = 2 ** 32
const pool = Buffer.alloc(4096)
let used = pool.length

/**
 * The place of so many unused bytes. Chance comes from the system a few thousand bytes at a time: names, uids and the
 * identifiers of containers ask for it in small change.
 */
function reserve(length: number): number {
  if (used + length > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += length
  return used - length
}

function pooledBytes(length: number): Uint8Array {
  const at = reserve(length)
  const bytes = new Uint8Array(pool.subarray(at, used))
  // It may become a key, which is to be in one place alone.
  pool.fill(0, at, used)
  return bytes
}

function pooledInt(below: number): number {
  // What is at or above the last multiple of `below` would favour small results.
  const limit = range - (range % below)
  for (;;) {
    const value = pool.readUInt32LE(reserve(4))
    if (value < limit) return value % below
  }
}

const order: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Writes one JSON line per entry at or above `least` to `write` (standard error unless told otherwise). */
export function lineLog(
  least: LogLevel = 'warn',
  write: (line: string) => void = (line) => process.stderr.write(line),
): Log {
  return (level, message, fields) => {
    if (order[level] < order[least]) return
    write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`)
  }
}

export function realWorld(log: Log = lineLog()): World {
  return { clock: realClock, random: realRandom, log }
}
