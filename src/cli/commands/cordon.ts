import { cordon as closeNodes } from '../../lifecycle/drain/cordon.ts'
import { type Command, type CommandContext, ToldError } from '../command.ts'
import { connect, connectionFlags } from '../connect.ts'
import { dryRunOf, nodeFlags, nodesOf, tellingErrors } from '../nodes.ts'

export const cordon: Command = {
  name: 'cordon',
  summary: 'Close nodes for new pods',
  usage: 'NODE…',
  flags: { ...nodeFlags, ...connectionFlags },
  examples: ['coracle cordon node-1', 'coracle cordon -l zone=east --dry-run=server'],
  run: (context) => closeOrOpen('cordon', true, context),
}

/** For `uncordon` as well: the same words but for one. */
export async function closeOrOpen(command: string, closed: boolean, context: CommandContext): Promise<void> {
  const dryRun = dryRunOf(context)
  await using client = await connect(context)
  await tellingErrors(context, async () => {
    const nodes = await nodesOf(command, context, client)
    const failed = await closeNodes(nodes, closed, dryRun, { ...context, client })
    if (failed.size > 0) throw new ToldError()
  })
}
