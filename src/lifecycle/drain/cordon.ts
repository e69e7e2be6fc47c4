import type { Client } from '../../client/client.ts'
import { Node } from '../../kinds/core/node.ts'
import { type DrainTools, type DryRun, dryRunNote } from './options.ts'

/**
 * Closes nodes for new pods, or opens them again, in kubectl's words. Gives the names of those where it failed, which
 * has been said then.
 */
export async function cordon(
  nodes: readonly Node[],
  closed: boolean,
  dryRun: DryRun,
  { client, print, printError }: Pick<DrainTools, 'client' | 'print' | 'printError'>,
): Promise<ReadonlySet<string>> {
  const failed = new Set<string>()
  const verb = closed ? 'cordon' : 'uncordon'
  for (const node of nodes) {
    const name = node.metadata.name!
    const isThere = (node.spec?.unschedulable ?? false) === closed
    try {
      if (!isThere && dryRun !== 'client') await setUnschedulable(client, name, closed, dryRun === 'server')
      print(`node/${name} ${isThere ? 'already ' : ''}${verb}ed${dryRunNote[dryRun]}`)
    } catch (error) {
      failed.add(name)
      printError(`error: unable to ${verb} node "${name}": ${(error as Error).message}`)
    }
  }
  return failed
}

async function setUnschedulable(client: Client, name: string, closed: boolean, dryRun: boolean): Promise<void> {
  const body = { spec: { unschedulable: closed || null } }
  await client.patch(Node, { name }, { type: 'strategic', body }, { dryRun })
}
