import { type LeaderOptions, leadWhileElected } from '../reconciler/leader.ts'
import type { Running } from '../reconciler/runtime.ts'

/** Something that works in the background. */
export type Part = Pick<Running, 'busy' | 'catchesUp' | 'idle' | 'stop'>

/** The same part, of which `stop` says how it ends. */
export const stoppedBy = (part: Part, stop: () => Promise<void>): Part => ({
  get busy() {
    return part.busy
  },
  get catchesUp() {
    return part.catchesUp ?? false
  },
  idle: () => part.idle(),
  stop,
})

/**
 * A part that works only while it holds its lease, as `kube-controller-manager` and `kube-scheduler` do: `start` is
 * called whenever the lease was won, and what it gave is stopped when the lease is lost.
 */
export function elected(options: LeaderOptions, start: () => Part): Part {
  const stop = new AbortController()
  let working: Part | undefined

  async function lead(signal: AbortSignal): Promise<void> {
    const part = start()
    working = part
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    working = undefined
    await part.stop()
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) await leadWhileElected(options, lead, stop.signal)
  }

  const running = run()
  return {
    get busy() {
      return working?.busy ?? false
    },
    get catchesUp() {
      return working?.catchesUp ?? false
    },
    idle: async () => working?.idle(),
    async stop() {
      stop.abort()
      await running
    },
  }
}
