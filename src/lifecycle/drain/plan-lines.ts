import { aligned } from '../../base/aligned.ts'
import type { BudgetFinding } from './budgets.ts'
import type { DrainOptions } from './options.ts'
import type { DrainPlan, Move } from './plan.ts'
import { nameOf, refusalOf } from './selection.ts'

/** A plan for people: what goes where, then what is in the way, each with the smallest change that helps. */
export function linesOfPlan(plan: DrainPlan, options: DrainOptions): string[] {
  const names = plan.nodes.map(({ name }) => name).join(', ')
  const obstacles = [
    ...refusals(plan),
    ...plan.budgets.flatMap(linesOfBudget),
    ...withoutRoom(plan),
    ...(options.surge ? [] : onlyOnes(plan)),
    ...twice(plan),
  ]
  return [`Plan: drain ${names}`, ...table(plan), ...counts(plan), ...obstacles.map((line) => `  ${line}`)]
}

function table({ nodes }: DrainPlan): string[] {
  const rows = nodes.flatMap(({ name, moves }) =>
    moves.map((move) => [name, nameOf(move.pod), move.owner?.reference ?? 'nobody', goal(move)]),
  )
  if (rows.length === 0) return []
  return aligned([['NODE', 'POD', 'RUN BY', 'WOULD FIT ON'], ...rows]).map((line) => `  ${line}`)
}

function goal({ place, owner }: Move): string {
  if (place === undefined) return owner ? 'has ended: is not needed again' : 'is not made again'
  return place.node ?? 'no node'
}

function counts({ nodes }: DrainPlan): string[] {
  const count = (number: number) => `${number} ${number === 1 ? 'pod' : 'pods'}`
  return nodes.map(
    ({ name, selection }) => `  ${name}: ${count(selection.going.length)} to go, ${selection.staying.length} to stay`,
  )
}

function refusals({ nodes }: DrainPlan): string[] {
  const lists = nodes.flatMap(({ selection }) => [...selection.refusals])
  const flags = Object.entries(refusalOf).flatMap(([flag, why]) =>
    lists.some(([refusal]) => refusal === why) ? [`--${flag}`] : [],
  )
  const others = lists.some(([refusal]) => !(Object.values(refusalOf) as string[]).includes(refusal))
  const help = [...new Set([...flags, ...(others ? ['--force'] : [])])]
  return [
    ...lists.map(([why, pods]) => `Refused: ${why}: ${pods.map(nameOf).join(', ')}`),
    ...(help.length > 0 ? [`  Would help: add ${help.join(' ')}`] : []),
  ]
}

function linesOfBudget({ budgets, pods, allowed, blocked, remedies }: BudgetFinding): string[] {
  const who = budgets.map((budget) => `pdb ${nameOf(budget)}`).join(' and ')
  const names = pods.map(({ metadata }) => metadata.name).join(', ')
  if (blocked !== undefined)
    return [`Blocked: ${who}: ${blocked}: ${names}`, ...remedies.map((help) => `  Would help: ${help}`)]
  if (pods.length <= allowed)
    return [`Allowed: ${who} lets ${pods.length === 1 ? 'it' : `all ${pods.length}`} go at once: ${names}`]
  return [`Slow: ${who} lets ${allowed} go at a time, the next when one more is ready elsewhere: ${names}`]
}

function withoutRoom({ nodes }: DrainPlan): string[] {
  return nodes
    .flatMap(({ moves }) => moves)
    .flatMap(({ pod, place }) =>
      place && place.node === undefined
        ? [`No room: ${nameOf(pod)}: ${place.because}`, `  Would help: ${place.remedy}`]
        : [],
    )
}

function onlyOnes({ nodes }: DrainPlan): string[] {
  const only = nodes.flatMap(({ moves }) => moves).filter(({ isOnlyOne }) => isOnlyOne)
  if (only.length === 0) return []
  const names = [...new Set(only.map(({ owner }) => owner!.reference))].join(', ')
  return [`Interrupted: the only pod goes before the next is ready: ${names}`, '  Would help: add --surge']
}

const twice = (plan: DrainPlan): string[] =>
  plan.twice.length === 0
    ? []
    : [
        `Together: all nodes are cordoned first. One by one, these would be evicted again: ${plan.twice
          .map(({ pod, nodes }) => `${nameOf(pod)} (${nodes.join(', then ')})`)
          .join(', ')}`,
      ]
