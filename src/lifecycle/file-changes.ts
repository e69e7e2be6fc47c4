import type { Clock, Disk } from '../world/world.ts'

/** Notices changes of a file until it is closed, those between two waits as well. */
export class FileChanges implements Disposable {
  readonly #clock: Clock
  readonly #end: (() => void) | undefined
  #hasChanged = false
  #wake = () => {}

  constructor(path: string, { disk, clock }: { readonly disk: Disk; readonly clock: Clock }) {
    this.#clock = clock
    try {
      this.#end = disk.watch?.(path, () => {
        this.#hasChanged = true
        this.#wake()
      })
    } catch {
      // Its folder is not there yet: waits end by their time alone.
    }
  }

  /** Resolves when the file may have changed (true), or the time is over. @throws when the signal comes */
  async wait(timeMs: number, signal?: AbortSignal): Promise<boolean> {
    const over = new AbortController()
    this.#wake = () => over.abort()
    if (this.#hasChanged) over.abort()
    const ends = signal ? AbortSignal.any([signal, over.signal]) : over.signal
    await this.#clock.after(timeMs, ends).catch(() => signal?.throwIfAborted())
    const hasChanged = this.#hasChanged
    this.#hasChanged = false
    return hasChanged
  }

  [Symbol.dispose](): void {
    this.#end?.()
  }
}
