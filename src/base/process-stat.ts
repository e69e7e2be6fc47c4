/** What Linux says of a process in `/proc/PID/stat` (proc(5)), as far as anybody here wants to know. */
export interface ProcessStat {
  readonly pid: number
  /** `Z`: it has ended, and nobody has asked for how. */
  readonly state: string
  /** When it began, in ticks of the kernel's clock: numbers of processes are given out again. */
  readonly began: string
  /** In bytes; a process that has ended has no memory. */
  readonly memory: number
}

/** Reads the text of such a file; undefined when it is cut short, or something else. */
export function parseProcessStat(text: string | undefined): ProcessStat | undefined {
  if (text === undefined) return undefined
  const pid = Number.parseInt(text, 10)
  // The name stands in brackets and may hold anything; the state, which is the third field, comes behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, began, memory] = [fields[0], fields[19], fields[20]]
  if (!(pid > 0) || state === undefined || began === undefined || memory === undefined) return undefined
  return { pid, state, began, memory: Number(memory) }
}

/** A process, so that it is not taken for another that was given its number later. */
export interface ProcessId {
  readonly pid: number
  /** As `ProcessStat` has it; absent where nobody can tell. */
  readonly began?: string
}

/** Reads what a process has noted of itself: its line of `/proc`, or its number alone where there is none. */
export function parseProcessNote(text: string | undefined): ProcessId | undefined {
  const stat = parseProcessStat(text)
  if (stat !== undefined) return { pid: stat.pid, began: stat.began }
  const pid = Number.parseInt(text ?? '', 10)
  return pid > 0 ? { pid } : undefined
}
