import { DurationError, parseDuration } from '../../base/duration.ts'
import { readRoom } from '../../cluster/room.ts'
import { drain as drainNodes } from '../../lifecycle/drain/drain.ts'
import type { DrainOptions, DrainTools } from '../../lifecycle/drain/options.ts'
import { planDrain } from '../../lifecycle/drain/plan.ts'
import { linesOfPlan } from '../../lifecycle/drain/plan-lines.ts'
import { parseLabelSelector } from '../../schema/selectors.ts'
import { ApiError } from '../../schema/status.ts'
import { type Command, type CommandContext, ToldError, UserError } from '../command.ts'
import { connect, connectionFlags } from '../connect.ts'
import { dryRunOf, nodeFlags, nodesOf, tellingErrors } from '../nodes.ts'

export const drain: Command = {
  name: 'drain',
  summary: 'Have the pods of nodes evicted, so that the machines can be worked on',
  usage: 'NODE…',
  flags: {
    force: { type: 'boolean', help: 'also delete pods that nobody runs, and that nobody makes again' },
    gracePeriod: {
      type: 'string',
      value: 'SECONDS',
      default: '-1',
      help: 'time that each pod has to stop; negative: what it says itself',
    },
    ignoreDaemonsets: { type: 'boolean', help: 'leave the pods of DaemonSets where they are' },
    deleteEmptydirData: { type: 'boolean', help: 'also evict pods whose local data is lost then' },
    disableEviction: { type: 'boolean', help: 'delete pods, whatever their budgets say' },
    podSelector: { type: 'string', value: 'SELECTOR', default: '', help: 'only pods with these labels' },
    skipWaitForDeleteTimeout: {
      type: 'string',
      value: 'SECONDS',
      default: '0',
      help: 'do not wait for pods that should have been gone so long ago; 0: wait for all',
    },
    timeout: { type: 'string', value: 'DURATION', default: '0s', help: 'give up after that; 0: never' },
    chunkSize: { type: 'string', value: 'N', default: '500', help: 'objects of a list at a time; 0: all' },
    surge: { type: 'boolean', help: 'start a second pod elsewhere before the only one of a Deployment goes' },
    noPlan: { type: 'boolean', help: 'do not say first what goes where and what is in the way' },
    ...nodeFlags,
    ...connectionFlags,
  },
  examples: [
    'coracle drain node-1 --ignore-daemonsets --dry-run',
    'coracle drain node-1 node-2 --ignore-daemonsets --delete-emptydir-data --timeout=10m',
    'coracle drain node-1 --ignore-daemonsets --surge',
  ],

  async run(context) {
    const options = optionsOf(context)
    const interruption = new AbortController()
    void context.interrupted.then(() => interruption.abort())
    await using client = await connect(context)
    const { world, print, printError } = context
    const tools: DrainTools = { client, clock: world.clock, print, printError, signal: interruption.signal }
    await tellingErrors(context, async () => {
      const nodes = await nodesOf('drain', context, client, options.chunkSize)
      if (!context.flags.noPlan) await showPlan(nodes, options, tools)
      if (!(await orInterrupted(drainNodes(nodes, options, tools), interruption.signal))) throw new ToldError()
    })
  },
}

async function showPlan(
  nodes: Parameters<typeof planDrain>[0],
  options: DrainOptions,
  tools: DrainTools,
): Promise<void> {
  try {
    const plan = await planDrain(nodes, options, tools, await readRoom(tools.client))
    for (const line of linesOfPlan(plan, options)) tools.print(line)
  } catch (error) {
    // Who may drain need not be allowed to read all that the scheduler reads.
    if (!(error instanceof ApiError)) throw error
    tools.printError(`Warning: there is no plan: ${error.message}`)
  }
  tools.print('')
}

async function orInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!signal.aborted) throw error
    throw new UserError('interrupted', { hint: 'the same command again goes on', exitCode: 130, cause: error })
  }
}

function optionsOf(context: CommandContext): DrainOptions {
  const { flags } = context
  const podSelector = String(flags.podSelector)
  try {
    parseLabelSelector(podSelector)
  } catch (error) {
    const message = '--pod-selector=<pod_selector> must be a valid label selector'
    throw new UserError(message, { exitCode: 2, cause: error })
  }
  const gracePeriodSeconds = wholeNumber(flags, 'grace-period', 'gracePeriod')
  return {
    force: flags.force === true,
    ...(gracePeriodSeconds >= 0 && { gracePeriodSeconds }),
    ignoreDaemonSets: flags.ignoreDaemonsets === true,
    deleteEmptyDirData: flags.deleteEmptydirData === true,
    disableEviction: flags.disableEviction === true,
    dryRun: dryRunOf(context),
    podSelector,
    skipWaitForDeleteTimeoutSeconds: wholeNumber(flags, 'skip-wait-for-delete-timeout', 'skipWaitForDeleteTimeout'),
    timeoutMs: timeoutOf(String(flags.timeout)),
    chunkSize: Math.max(0, wholeNumber(flags, 'chunk-size', 'chunkSize')),
    surge: flags.surge === true,
  }
}

const invalid = (text: string, flag: string, why: string) =>
  new UserError(`invalid argument ${JSON.stringify(text)} for "--${flag}" flag: ${why}`, {
    hint: "See 'coracle drain --help' for usage.",
    exitCode: 2,
  })

function wholeNumber(flags: CommandContext['flags'], flag: string, name: string): number {
  const text = String(flags[name])
  if (/^[-+]?\d+$/.test(text)) return Number(text)
  throw invalid(text, flag, `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
}

function timeoutOf(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    if (error instanceof DurationError) throw invalid(text, 'timeout', error.message)
    throw error
  }
}
