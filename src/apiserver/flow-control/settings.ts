/** How many requests are answered at once, and by what: kube-apiserver's flags, read. */
export interface FlowSettings {
  readonly reading: number
  readonly writing: number
  /** Whether they are sorted by priority, over the sum of both; otherwise each of the two is a limit of its own. */
  readonly isFair: boolean
}

export const usualFlowSettings: FlowSettings = { reading: 400, writing: 200, isFair: true }

export const flowFlags = {
  'max-requests-inflight': 'how many requests that read are answered at once (400)',
  'max-mutating-requests-inflight': 'how many requests that write are answered at once (200)',
  'enable-priority-and-fairness': 'whether requests are sorted by priority, over the sum of both (true)',
} as const

/** Flags that make no sense, in kube-apiserver's words. */
export class FlowFlagError extends Error {}

/** @throws FlowFlagError */
export function readFlowFlags(flags: Readonly<Partial<Record<keyof typeof flowFlags, string>>>): FlowSettings {
  const count = (name: 'max-requests-inflight' | 'max-mutating-requests-inflight', usual: number) => {
    const text = flags[name]
    if (text === undefined) return usual
    if (!/^[+-]?\d+$/.test(text)) throw unreadable(name, text, 'ParseInt')
    if (Number(text) < 0) throw new FlowFlagError(`--${name} can not be negative value`)
    return Number(text)
  }
  const reading = count('max-requests-inflight', usualFlowSettings.reading)
  const writing = count('max-mutating-requests-inflight', usualFlowSettings.writing)
  const fair = flags['enable-priority-and-fairness'] || 'true'
  if (fair !== 'true' && fair !== 'false') throw unreadable('enable-priority-and-fairness', fair, 'ParseBool')
  if (fair === 'true' && reading + writing === 0) {
    throw new FlowFlagError(
      'invalid configuration: MaxRequestsInFlight=0 and MaxMutatingRequestsInFlight=0; they must add up to something positive',
    )
  }
  return { reading, writing, isFair: fair === 'true' }
}

function unreadable(name: keyof typeof flowFlags, text: string, parser: string): FlowFlagError {
  const shown = JSON.stringify(text)
  return new FlowFlagError(
    `invalid argument ${shown} for "--${name}" flag: strconv.${parser}: parsing ${shown}: invalid syntax`,
  )
}
