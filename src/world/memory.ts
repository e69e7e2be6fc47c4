import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const lookEveryMs = 4000
/** Below this share of a core in two looks running, the process has nothing to do. */
const quietShare = 0.05
/** A timer that comes so late says that the machine is busy with something else. */
const lateMs = 100
/** It has to be worth a pause of some hundred milliseconds. */
const leastGainBytes = 96 * 1024 * 1024

type CollectGarbage = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void

/**
 * Gives memory back to the machine when a time of much work is over. V8 keeps what a burst needed until it needs memory
 * again, which an idle cluster never does: 10,000 new pods would cost 200 MB more for good.
 */
export function giveBackMemoryWhenQuiet(): void {
  let before = process.cpuUsage()
  let beforeMs = performance.now()
  let quietLooks = 0
  const look = () => {
    const { user, system } = process.cpuUsage(before)
    const elapsedMs = performance.now() - beforeMs
    before = process.cpuUsage()
    beforeMs = performance.now()
    const isQuiet = (user + system) / 1000 < elapsedMs * quietShare && elapsedMs < lookEveryMs + lateMs
    quietLooks = isQuiet ? quietLooks + 1 : 0
    if (quietLooks !== 2) return
    const { total_physical_size: held, used_heap_size: used } = getHeapStatistics()
    if (held - used > leastGainBytes) collectGarbage()({ type: 'major', flavor: 'last-resort' })
  }
  setInterval(look, lookEveryMs).unref()
}

/** Node has no other way to it than this flag, which may be set at any time. */
function collectGarbage(): CollectGarbage {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as CollectGarbage
}
