/**
 * What becomes of the number of replicas that the metrics ask for: windows keep it from flapping, policies from
 * changing too fast, and the autoscaler's bounds hold. Pure, but for the memory that is handed in.
 */

import type { HorizontalPodAutoscaler, HPAScalingRules } from '../../kinds/autoscaling/horizontal-pod-autoscaler.ts'

interface Recommendation {
  readonly replicas: number
  readonly atMs: number
}

interface Rescale {
  /** How many replicas came or went. */
  readonly change: number
  readonly atMs: number
}

/** What an autoscaler must remember from one look to the next. It is lost with the process, as the reference's is. */
export interface Memory {
  /** What was asked for, before windows and policies. */
  recommendations: readonly Recommendation[]
  ups: readonly Rescale[]
  downs: readonly Rescale[]
}

/** Before the first look only the number that the target began with is known. */
export function newMemory(specReplicas: number, now: number): Memory {
  return { recommendations: [{ replicas: specReplicas, atMs: now }], ups: [], downs: [] }
}

export interface Wish {
  readonly current: number
  /** What the metrics ask for. */
  readonly desired: number
  readonly min: number
  readonly max: number
  readonly now: number
}

export interface Verdict {
  readonly reason: string
  readonly message: string
}

export interface Limited {
  readonly replicas: number
  /** For the condition AbleToScale, which is true. */
  readonly able: Verdict
  /** For the condition ScalingLimited. */
  readonly limited: Verdict & { readonly holds: boolean }
}

type Behavior = NonNullable<HorizontalPodAutoscaler['spec']['behavior']>

const readyForNewScale: Verdict = {
  reason: 'ReadyForNewScale',
  message: 'recommended size matches current size',
}
const downStabilized: Verdict = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
}
const upStabilized: Verdict = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
}
const withinRange: Verdict = {
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
}
const tooMany: Verdict = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
}
const tooFew: Verdict = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
}
const upLimit: Verdict = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
}
const downLimit: Verdict = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
}

/**
 * The replicas to have now. `downWindowMs` is the controller's own window, for autoscalers that say nothing of it.
 * Notes in `memory` what was asked for.
 */
export function limit(wish: Wish, behavior: Behavior | undefined, memory: Memory, downWindowMs: number): Limited {
  return behavior === undefined
    ? limitPlainly(wish, memory, downWindowMs)
    : limitByRules(wish, completed(behavior, downWindowMs), memory)
}

/** Notes a change that was made, for policies that count changes within a time. */
export function noteRescale(
  memory: Memory,
  behavior: Behavior | undefined,
  { current, desired, now }: Pick<Wish, 'current' | 'desired' | 'now'>,
): void {
  if (behavior === undefined) return
  const rescale = { change: Math.abs(desired - current), atMs: now }
  if (desired > current) memory.ups = [...stillCounting(memory.ups, behavior.scaleUp, now), rescale]
  else memory.downs = [...stillCounting(memory.downs, behavior.scaleDown, now), rescale]
}

function stillCounting(rescales: readonly Rescale[], rules: HPAScalingRules | undefined, now: number) {
  const longestMs = Math.max(0, ...(rules?.policies ?? []).map(({ periodSeconds }) => periodSeconds * 1000))
  return rescales.filter(({ atMs }) => atMs >= now - longestMs)
}

/** Without rules: at most twice as many, or four, in one step; down to the highest number asked for lately. */
function limitPlainly(wish: Wish, memory: Memory, downWindowMs: number): Limited {
  const { current, desired, min, max, now } = wish
  const recent = memory.recommendations.filter(({ atMs }) => atMs >= now - downWindowMs)
  const stabilized = Math.max(desired, ...recent.map(({ replicas }) => replicas))
  memory.recommendations = [...recent, { replicas: desired, atMs: now }]
  const most = Math.max(2 * current, 4)
  const [replicas, verdict] = bounded(stabilized, {
    lowest: min,
    tooLow: tooFew,
    highest: Math.min(max, most),
    tooHigh: max > most ? upLimit : tooMany,
  })
  return {
    replicas,
    able: stabilized === desired ? readyForNewScale : downStabilized,
    limited: { ...verdict, holds: replicas !== stabilized },
  }
}

interface Bounds {
  readonly lowest: number
  readonly tooLow: Verdict
  readonly highest: number
  readonly tooHigh: Verdict
}

function bounded(replicas: number, { lowest, tooLow, highest, tooHigh }: Bounds): [number, Verdict] {
  if (replicas < lowest) return [lowest, tooLow]
  return replicas > highest ? [highest, tooHigh] : [replicas, withinRange]
}

interface Rules {
  readonly up: HPAScalingRules
  readonly down: HPAScalingRules
  readonly upWindowMs: number
  readonly downWindowMs: number
}

function completed({ scaleUp = {}, scaleDown = {} }: Behavior, downWindowMs: number): Rules {
  return {
    up: scaleUp,
    down: scaleDown,
    upWindowMs: (scaleUp.stabilizationWindowSeconds ?? 0) * 1000,
    downWindowMs:
      scaleDown.stabilizationWindowSeconds === undefined ? downWindowMs : scaleDown.stabilizationWindowSeconds * 1000,
  }
}

function limitByRules(wish: Wish, rules: Rules, memory: Memory): Limited {
  const { current, desired } = wish
  const stabilized = stabilize(wish, rules, memory)
  const [replicas, verdict] = atAllowedRate({ ...wish, desired: stabilized }, rules, memory)
  const settled = desired >= current ? upStabilized : downStabilized
  return {
    replicas,
    able: stabilized === desired ? readyForNewScale : settled,
    limited: { ...verdict, holds: replicas !== stabilized },
  }
}

/** Moves the current number only as far as every recommendation within the window of its direction agrees. */
function stabilize({ current, desired, now }: Wish, { upWindowMs, downWindowMs }: Rules, memory: Memory): number {
  let [lowest, highest] = [desired, desired]
  for (const { replicas, atMs } of memory.recommendations) {
    if (atMs > now - upWindowMs) lowest = Math.min(lowest, replicas)
    if (atMs > now - downWindowMs) highest = Math.max(highest, replicas)
  }
  const longest = Math.max(upWindowMs, downWindowMs)
  const recent = memory.recommendations.filter(({ atMs }) => atMs >= now - longest)
  memory.recommendations = [...recent, { replicas: desired, atMs: now }]
  return Math.min(Math.max(current, lowest), highest)
}

function atAllowedRate(wish: Wish, { up, down }: Rules, memory: Memory): [number, Verdict] {
  const { current, desired, min, max } = wish
  if (desired > current) {
    const most = Math.max(current, farthest(wish, up, memory, 'up'))
    const highest = Math.min(max, most)
    return desired > highest ? [highest, max > most ? upLimit : tooMany] : [desired, withinRange]
  }
  if (desired < current) {
    const fewest = Math.min(current, farthest(wish, down, memory, 'down'))
    const lowest = Math.max(min, fewest)
    return desired < lowest ? [lowest, min < fewest ? downLimit : tooFew] : [desired, withinRange]
  }
  return [desired, withinRange]
}

/** How far the policies of a direction let the number go now, counted from where it was when their periods began. */
function farthest(
  { current, now }: Wish,
  { selectPolicy, policies = [] }: HPAScalingRules,
  { ups, downs }: Memory,
  direction: 'up' | 'down',
): number {
  if (selectPolicy === 'Disabled') return current
  const allowed = policies.map(({ type, value, periodSeconds }) => {
    const since = now - periodSeconds * 1000
    const atStart = current - changedSince(ups, since) + changedSince(downs, since)
    if (type === 'Pods') return direction === 'up' ? atStart + value : atStart - value
    // Rounded so that a small percentage still moves something.
    return direction === 'up' ? Math.ceil(atStart * (1 + value / 100)) : Math.trunc(atStart * (1 - value / 100))
  })
  const widest = selectPolicy !== 'Min'
  return widest === (direction === 'up') ? Math.max(...allowed) : Math.min(...allowed)
}

const changedSince = (rescales: readonly Rescale[], since: number) =>
  rescales.reduce((sum, { change, atMs }) => (atMs > since ? sum + change : sum), 0)
