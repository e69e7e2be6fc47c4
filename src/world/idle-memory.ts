import { constants, PerformanceObserver } from 'node:perf_hooks'

/** So long the process must have had next to nothing to do. */
const restMs = 3_000
/** More of a core than this is something to do. */
const mostLoad = 0.2
/** A heap that has grown by less than this since it was tidied last is left alone. */
const worthwhileGrowth = 1.2
/** To go through a larger one takes longer than anybody should wait, even if next to nobody is there: V8 does it in steps. */
const largeBytes = 1024 * 1024 * 1024
/** So small a heap is soon gone through several times, after which V8 keeps no page in reserve. */
const smallBytes = 64 * 1024 * 1024

/**
 * Gives memory back to the system once a busy time is over. V8 keeps what its heap took at the height of it, and in a
 * server that always does a little it never finds the quiet that it waits for before it tidies up. So each collection
 * that V8 makes by itself is followed by one of ours at the next rest, when a pause disturbs nobody.
 */
export function giveMemoryBackAtRest(): void {
  let isWaiting = false
  let isWatching = false
  let tidyBytes = 0
  const wait = () => {
    isWaiting = true
    const before = process.cpuUsage()
    setTimeout(() => {
      const { user, system } = process.cpuUsage(before)
      if (user + system > mostLoad * restMs * 1000) return wait()
      isWaiting = false
      watch()
      const { heapTotal } = process.memoryUsage()
      if (heapTotal < tidyBytes * worthwhileGrowth || heapTotal > largeBytes) return
      collect(heapTotal < smallBytes)
      tidyBytes = process.memoryUsage().heapTotal
    }, restMs).unref()
  }
  // Not before the first rest: what it takes to watch is not loaded while somebody waits for the start.
  const watch = () => {
    if (isWatching) return
    isWatching = true
    new PerformanceObserver((list) => {
      if (!isWaiting && list.getEntries().some(isOfWholeHeap)) wait()
    }).observe({ entryTypes: ['gc'] })
  }
  // Starting is the first busy time.
  wait()
}

interface CollectionEntry {
  readonly detail?: { readonly kind?: number; readonly flags?: number }
}

/** Whether V8 has collected the whole heap of its own accord. */
function isOfWholeHeap(entry: object): boolean {
  const { kind = 0, flags = 0 } = (entry as CollectionEntry).detail ?? {}
  return kind === constants.NODE_PERFORMANCE_GC_MAJOR && (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) === 0
}

/** V8 shows its collector to those contexts alone that are made while the flag is set. */
function collect(thoroughly: boolean): void {
  // Not imported: that would be paid for at every start.
  const { setFlagsFromString } = process.getBuiltinModule('node:v8')
  const { runInNewContext } = process.getBuiltinModule('node:vm')
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (how: { type: 'major'; flavor: 'regular' | 'last-resort' }) => void
  setFlagsFromString('--no-expose-gc')
  gc({ type: 'major', flavor: thoroughly ? 'last-resort' : 'regular' })
}
