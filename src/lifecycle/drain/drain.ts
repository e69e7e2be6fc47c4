import type { Node } from '../../kinds/core/node.ts'
import { ApiError } from '../../schema/status.ts'
import { cordon } from './cordon.ts'
import { Departures } from './departures.ts'
import { Deadline, deletePods, evictPods, type Going } from './evict.ts'
import { DrainFailure, linesOfFailures } from './failure.ts'
import { type DrainOptions, type DrainTools, dryRunNote } from './options.ts'
import { nameOf, type Selection, selectPods } from './selection.ts'
import { bringBackSurges, Surge } from './surge.ts'

/**
 * Closes the nodes, and has the pods of one after the other evicted. Everything that is said is said in kubectl's words,
 * on the stream where kubectl says it. What was done stays done: the same call again goes on with the rest. Gives
 * whether all nodes are drained; throws what the client throws while it looks.
 */
export async function drain(nodes: readonly Node[], options: DrainOptions, tools: DrainTools): Promise<boolean> {
  const open = await cordon(nodes, true, options.dryRun, tools)
  // Pods of a node that is still open would come back to it.
  const closed = nodes.filter(({ metadata }) => !open.has(metadata.name!))
  const names = new Set(nodes.map(({ metadata }) => metadata.name!))
  const surge = options.surge && options.dryRun === 'none' ? new Surge(names, tools) : undefined
  const failures: DrainFailure[] = []
  const pending: string[] = []
  for (const { metadata } of closed) {
    const name = metadata.name!
    const failure = await drainNode(name, options, tools, surge)
    if (!failure) {
      tools.print(`node/${name} drained${dryRunNote[options.dryRun]}`)
      continue
    }
    failures.push(failure)
    pending.push(name)
    tools.printError(`error: unable to drain node "${name}" due to error: ${failure}, continuing command...`)
  }
  if (surge) await bringBackSurges(names, tools)
  if (pending.length > 0) tools.printError('There are pending nodes to be drained:')
  for (const name of pending) tools.printError(` ${name}`)
  for (const line of linesOfFailures(failures)) tools.printError(line)
  return failures.length === 0 && open.size === 0
}

async function drainNode(
  name: string,
  options: DrainOptions,
  tools: DrainTools,
  surge: Surge | undefined,
): Promise<DrainFailure | undefined> {
  const selection = await selectPods(name, options, tools)
  if (selection.refusals.size > 0) return new DrainFailure(linesOf(selection.refusals))
  if (selection.warnings.size > 0) tools.printError(`Warning: ${linesOf(selection.warnings).join('; ')}`)
  if (options.dryRun === 'client') {
    for (const pod of selection.going) tools.print(`evicting pod ${nameOf(pod)} (dry run)`)
    return undefined
  }
  const failure = await letGo(name, selection, options, tools, surge)
  if (failure) await tellPending(name, failure, options, tools)
  return failure
}

async function letGo(
  name: string,
  selection: Selection,
  options: DrainOptions,
  tools: DrainTools,
  surge: Surge | undefined,
): Promise<DrainFailure | undefined> {
  if (selection.going.length === 0) return undefined
  using departures = new Departures(name, selection, options, tools)
  const deadline = new Deadline(tools.clock, options.timeoutMs)
  const going: Going = { options, tools, departures, deadline, ...(surge && { surge }) }
  return options.disableEviction ? await deletePods(selection.going, going) : await evictPods(selection.going, going)
}

async function tellPending(
  name: string,
  failure: DrainFailure,
  options: DrainOptions,
  { ...tools }: DrainTools,
): Promise<void> {
  const { going } = await selectPods(name, options, tools).catch((error: unknown) => {
    if (error instanceof ApiError) return { going: [] }
    throw error
  })
  if (going.length === 0) return
  tools.printError(`There are pending pods in node "${name}" when an error occurred: ${failure}`)
  for (const { metadata } of going) tools.printError(`pod/${metadata.name}`)
}

/** `what: namespace/pod, namespace/pod` */
const linesOf = (lists: Selection['refusals']): string[] =>
  [...lists].map(([what, pods]) => `${what}: ${pods.map(nameOf).join(', ')}`)
