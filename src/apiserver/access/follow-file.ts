import type { Clock, Disk, Log } from '../../world/world.ts'

/** A change to a file often comes as several events; they are waited for together. */
const settleMs = 50

/**
 * Applies a file's content again whenever it changes, until the signal. What cannot be read or applied is logged, and
 * what was applied last goes on to hold.
 * @param current what is applied already
 */
export function followFile(
  path: string,
  current: string,
  apply: (text: string) => void | Promise<void>,
  {
    disk,
    clock,
    log,
    signal,
  }: { readonly disk: Disk; readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): void {
  let applied = current
  let cancel = () => {}
  // One after the other: what is applied slowly must not come after what was written later.
  let reading = Promise.resolve()
  const read = async () => {
    try {
      const text = await disk.read(path)
      if (text === undefined || text === applied || signal.aborted) return
      await apply(text)
      applied = text
      log('info', 'a configuration file was read again', { path })
    } catch (error) {
      log('error', 'a configuration file that has changed cannot be used; the old one still holds', {
        path,
        error: (error as Error).message,
      })
    }
  }
  const end = disk.watch?.(path, () => {
    cancel()
    cancel = clock.timer(settleMs, () => {
      reading = reading.then(read)
    })
  })
  signal.addEventListener(
    'abort',
    () => {
      cancel()
      end?.()
    },
    { once: true },
  )
}
