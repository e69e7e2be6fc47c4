import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Resolves with what `look` gives as soon as it gives something (an empty text is nothing); fails after the time, with what
 * went wrong last.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const end = Date.now() + timeoutMs
  for (let last: unknown; ; await sleep(100)) {
    try {
      const found = await look()
      if (found !== undefined && found !== false && found !== '') return found
      last = found
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: last })
  }
}
