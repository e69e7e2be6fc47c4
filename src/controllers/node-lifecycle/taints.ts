import { secondsTime } from '../../base/seconds-time.ts'
import type { Node } from '../../kinds/core/node.ts'
import type { Taint } from '../../kinds/core/scheduling.ts'
import { timeOf } from '../shared/owner.ts'
import { readyOf } from './health.ts'

const prefix = 'node.kubernetes.io/'
const notReady = `${prefix}not-ready`
const unreachable = `${prefix}unreachable`
const unschedulable = `${prefix}unschedulable`

/** Conditions that, when true, keep further pods away. */
const pressures: Readonly<Record<string, string>> = {
  MemoryPressure: `${prefix}memory-pressure`,
  DiskPressure: `${prefix}disk-pressure`,
  NetworkUnavailable: `${prefix}network-unavailable`,
  PIDPressure: `${prefix}pid-pressure`,
}

const keepingAway = new Set([notReady, unreachable, unschedulable, ...Object.values(pressures)])

/** How long a node is not ready before the pods on it are driven out: the reference looks every 5 seconds. */
export const evictionDelayMs = 5_000

/** The taints that a node should have by its conditions; those that others have put on it stay. */
export function taintsFor(node: Node, now: number): readonly Taint[] {
  const present = node.spec.taints ?? []
  const wanted = [
    ...awayKeys(node).map((key) => ({ key, effect: 'NoSchedule' as const })),
    ...evictionKeys(node, present, now).map((key) => ({ key, effect: 'NoExecute' as const })),
  ]
  const isWanted = (taint: Taint) => wanted.some((each) => isSame(each, taint))
  const kept = present.filter((taint) => !isOurs(taint) || isWanted(taint))
  const timeAdded = secondsTime(now)
  const added = wanted
    .filter((each) => !kept.some((taint) => isSame(each, taint)))
    .map((each) => ({ ...each, timeAdded }))
  return kept.length === present.length && added.length === 0 ? present : [...kept, ...added]
}

const isSame = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect

const isOurs = ({ key, effect }: Taint) =>
  effect === 'NoSchedule' ? keepingAway.has(key) : effect === 'NoExecute' && (key === notReady || key === unreachable)

function awayKeys(node: Node): string[] {
  const keys = (node.status.conditions ?? []).flatMap(({ type, status }) =>
    type in pressures && status === 'True' ? pressures[type]! : [],
  )
  const trouble = troubleKey(node)
  if (trouble !== undefined) keys.unshift(trouble)
  if (node.spec.unschedulable) keys.push(unschedulable)
  return keys
}

function troubleKey(node: Node): string | undefined {
  const ready = readyOf(node)
  if (ready?.status === 'False') return notReady
  return ready?.status === 'Unknown' ? unreachable : undefined
}

/** A node that was driven empty for one reason stays so when the reason changes. */
function evictionKeys(node: Node, present: readonly Taint[], now: number): string[] {
  const key = troubleKey(node)
  if (key === undefined) return []
  const isDrivenOut = present.some((taint) => taint.effect === 'NoExecute' && isOurs(taint))
  return isDrivenOut || evictionAt(node)! <= now ? [key] : []
}

/** When the pods of a node that is not ready are to be driven out. */
export function evictionAt(node: Node): number | undefined {
  return troubleKey(node) === undefined ? undefined : timeOf(readyOf(node)?.lastTransitionTime) + evictionDelayMs
}
