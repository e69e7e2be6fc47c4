import { aligned } from '../../base/aligned.ts'
import { ConnectionError } from '../../client/http-connection.ts'
import { type NodeVerdict, type PodExplanation, whyPod } from '../../cluster/why.ts'
import { ApiError } from '../../schema/status.ts'
import { type Command, UserError } from '../command.ts'
import { connect, connectionFlags } from '../connect.ts'

export const why: Command = {
  name: 'why',
  summary: 'Say why a pod has no node, and what would help',
  usage: 'pod/NAME',
  flags: {
    namespace: { type: 'string', value: 'NAMESPACE', help: 'namespace of the pod', default: 'default' },
    ...connectionFlags,
  },
  examples: ['coracle why pod/web-0', 'coracle why pod/db --namespace shop'],

  async run(context) {
    const name = podName(context.args)
    const namespace = String(context.flags.namespace)
    await using client = await connect(context)
    const found = await whyPod(client, { namespace, name }).catch((error: unknown) => {
      if (error instanceof ApiError || error instanceof ConnectionError)
        throw new UserError(error.message, { cause: error })
      throw error
    })
    for (const line of linesOf(found)) context.print(line)
  },
}

function podName([target, ...others]: readonly string[]): string {
  const name = /^(?:pods?|po)\/(.+)$/.exec(target ?? '')?.[1]
  if (name !== undefined && others.length === 0) return name
  throw new UserError('say which pod: pod/NAME', { hint: 'see "coracle why --help"', exitCode: 2 })
}

function linesOf({ pod, explanation }: PodExplanation): string[] {
  const name = `pod ${pod.metadata.namespace}/${pod.metadata.name}`
  switch (explanation.type) {
    case 'placed':
      return [`${name} is on node ${explanation.node}.`]
    case 'gated':
      return [
        `${name} is not to be placed yet: it waits for ${explanation.gates.join(', ')} to be taken out of spec.schedulingGates.`,
      ]
    case 'no nodes':
      return [`${name} has no node: there are none.`]
    case 'nowhere':
      return [`${name} can run on no node: ${explanation.reason} (${explanation.plugin}).`, ...said(pod)]
    case 'refused':
      return refusedLines(name, pod, explanation)
    default:
      return explanation satisfies never
  }
}

type Refused = Extract<PodExplanation['explanation'], { type: 'refused' }>

function refusedLines(name: string, pod: PodExplanation['pod'], { nodes, smallest }: Refused): string[] {
  const fitting = nodes.filter(({ objections }) => objections.length === 0)
  const [first] = fitting
  if (first) {
    const others = fitting.length === 1 ? '' : ` and ${fitting.length - 1} more`
    const scheduler = pod.spec.schedulerName ?? 'default-scheduler'
    return [`${name} would fit on ${first.node}${others} now: it waits for ${scheduler} to try it again.`, ...said(pod)]
  }
  const rows = [['NODE', 'REFUSED BY', 'BECAUSE', 'WOULD HELP'], ...grouped(nodes)]
  return [
    `${name} has no node: ${nodes.length === 1 ? 'the only one refuses it' : `all ${nodes.length} refuse it`}.`,
    ...said(pod),
    '',
    ...aligned(rows),
    ...(smallest ? ['', `The smallest change, for ${smallest.node}: ${remedies(smallest)}`] : []),
  ]
}

/** What the scheduler itself has put on record when it last tried. */
function said({ status }: PodExplanation['pod']): string[] {
  const condition = status.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  return condition?.message ? [`The scheduler said: ${condition.message}`] : []
}

const remedies = ({ objections }: NodeVerdict) => objections.map(({ remedy }) => remedy).join('; and ')

/** Nodes of which the same is to be said share their rows. */
function grouped(nodes: readonly NodeVerdict[]): string[][] {
  const sayings = Map.groupBy(nodes, ({ node, objections }) => JSON.stringify(objections).replaceAll(node, '*'))
  return [...sayings.values()].flatMap((alike) => {
    const names = alike.map(({ node }) => node)
    const few = names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ')
    const general = names.length > 1 ? (text: string) => text.replaceAll(names[0]!, 'NODE') : (text: string) => text
    return alike[0]!.objections.map(({ plugin, reasons, remedy }, at) => [
      at === 0 ? few : '',
      plugin,
      reasons.join(', '),
      general(remedy),
    ])
  })
}
