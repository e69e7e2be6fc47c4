import { readFileSync } from 'node:fs'

/** Of all processors since the machine started, in hundredths of a second (`man 5 proc_stat`). */
export interface Ticks {
  readonly busy: number
  /** Somebody was ready to run, and the host of this virtual machine ran another one. */
  readonly stolen: number
}

/** Undefined where the system does not say. */
export function processorTicks(): Ticks | undefined {
  if (process.platform !== 'linux') return undefined
  const ticks = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.split(/ +/).slice(1).map(Number)
  const [user = 0, nice = 0, system = 0, _idle, _disk, interrupts = 0, softInterrupts = 0, stolen = 0] = ticks
  return { busy: user + nice + system + interrupts + softInterrupts, stolen }
}

/** In words: how much of the processor that was asked for in between the host gave to others. */
export function withheld(before: Ticks | undefined, after: Ticks | undefined): string {
  if (before === undefined || after === undefined) return 'what the host withheld is not known'
  const stolen = after.stolen - before.stolen
  const share = (stolen * 100) / Math.max(1, stolen + after.busy - before.busy)
  return `the host withheld ${share.toFixed(1)} % of the processor that was asked for`
}
