import type { Plugin } from './plugin.ts'

/** How pods of one scheduler name are placed. */
export interface Profile {
  readonly schedulerName: string
  /** In the order in which nodes are asked; the first refusal counts. */
  readonly plugins: readonly Plugin[]
  /** How much scores count where it is not what the plugin says. */
  readonly weights: ReadonlyMap<Plugin, number>
  /** Whether pods that fit nowhere may drive away others. */
  readonly preempts: boolean
  readonly preemption: PreemptionLimits
  /** How many fitting nodes are enough, in percent of all; 0 depends on how many there are. */
  readonly percentageOfNodesToScore: number
}

/** On how many nodes preemption is tried out: a share of them, and no less than a number. */
export interface PreemptionLimits {
  readonly minCandidateNodesPercentage: number
  readonly minCandidateNodesAbsolute: number
}

export const defaultSchedulerName = 'default-scheduler'
export const defaultPreemption: PreemptionLimits = { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 }

/** A profile of these plugins in which all else is as usual. */
export const profileOf = (plugins: readonly Plugin[], schedulerName = defaultSchedulerName): Profile => ({
  schedulerName,
  plugins,
  weights: new Map(),
  preempts: true,
  preemption: defaultPreemption,
  percentageOfNodesToScore: 0,
})
