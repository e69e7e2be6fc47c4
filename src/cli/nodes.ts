import type { Client } from '../client/client.ts'
import { Node } from '../kinds/core/node.ts'
import type { DryRun } from '../lifecycle/drain/options.ts'
import { listAll } from '../lifecycle/drain/selection.ts'
import { parseLabelSelector } from '../schema/selectors.ts'
import { ApiError } from '../schema/status.ts'
import { type CommandContext, type Flag, ToldError, UserError } from './command.ts'

/** Flags of the commands that act on nodes. */
export const nodeFlags: Readonly<Record<'selector' | 'dryRun', Flag>> = {
  selector: { type: 'string', value: 'SELECTOR', short: 'l', help: 'labels of the nodes, instead of names' },
  dryRun: {
    type: 'string',
    value: 'none|server|client',
    default: 'none',
    implied: 'client',
    help: 'say what would be done: by asking the server, or without',
  },
}

export function dryRunOf({ flags }: Pick<CommandContext, 'flags'>): DryRun {
  const { dryRun } = flags
  if (dryRun === 'none' || dryRun === 'client' || dryRun === 'server') return dryRun
  // As it was written before there were two ways.
  if (dryRun === 'true' || dryRun === 'false') return dryRun === 'true' ? 'client' : 'none'
  throw new UserError(`Invalid dry-run value (${dryRun}). Must be "none", "server", or "client".`, { exitCode: 2 })
}

/** The nodes that a command line names, or selects. Throws what the client throws; a `UserError` when it says neither. */
export async function nodesOf(
  command: string,
  { args, flags }: Pick<CommandContext, 'args' | 'flags'>,
  client: Client,
  chunkSize = 0,
): Promise<readonly Node[]> {
  const selector = flags.selector as string | undefined
  const hint = `See 'coracle ${command} -h' for help and examples`
  if (args.length === 0 && selector === undefined)
    throw new UserError(`USAGE: ${command} NODE [flags]`, { hint, exitCode: 2 })
  if (args.length > 0 && selector !== undefined)
    throw new UserError('cannot specify both a node name and a --selector option', { hint, exitCode: 2 })
  if (selector === undefined) return Promise.all(args.map((name) => client.get(Node, { name: nodeName(name) })))
  const labelSelector = parseLabelSelector(selector).toString()
  const { items } = await listAll(client, Node, { labelSelector, ...(chunkSize > 0 && { limit: chunkSize }) })
  return items
}

/** `node-1`, `node/node-1`. */
function nodeName(text: string): string {
  const [type, name, ...more] = text.split('/')
  if (name === undefined) return text
  if (['node', 'nodes', 'no'].includes(type!) && more.length === 0) return name
  throw new UserError(`expected resource of type node, got "${type}"`)
}

/** Runs what speaks to the API, and tells its errors as kubectl does. */
export async function tellingErrors({ printError }: Pick<CommandContext, 'printError'>, run: () => Promise<void>) {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    printError(`Error from server${error.reason === '' ? '' : ` (${error.reason})`}: ${error.message}`)
    throw new ToldError()
  }
}
