import type { Client } from '../../../client/client.ts'
import type { KubeconfigEndpoint } from '../../../client/kubeconfig.ts'
import { paths } from '../../../lifecycle/paths.ts'
import { readEndpoint } from '../../../lifecycle/pki/kubeconfigs.ts'
import { httpConnect } from '../../../lifecycle/tokens/connect.ts'
import { ApiError } from '../../../schema/status.ts'
import { type CommandContext, type Flag, UserError } from '../../command.ts'
import { absolute, kubeconfigOf } from '../../flags.ts'

export const connectionFlag = {
  kubeconfig: {
    type: 'string',
    value: 'FILE',
    help: `kubeconfig of an administrator (default $KUBECONFIG, ${paths.adminKubeconfig} or ~/.kube/config)`,
  },
} as const satisfies Readonly<Record<string, Flag>>

/** Does something with the API as the administrator. What the server refuses is said without a stack. */
export async function asAdministrator(
  context: CommandContext,
  act: (client: Client, endpoint: KubeconfigEndpoint) => Promise<void>,
): Promise<void> {
  const { world } = context
  const endpoint = await readEndpoint(world.disk, await kubeconfigPath(context))
  await using client = httpConnect(world)(endpoint)
  try {
    await act(client, endpoint)
  } catch (error) {
    if (error instanceof ApiError) throw new UserError(error.message, { cause: error })
    throw error
  }
}

async function kubeconfigPath(context: CommandContext): Promise<string> {
  const { flags, env, world } = context
  if (flags.kubeconfig !== undefined) return absolute(flags.kubeconfig as string)
  if (!env.KUBECONFIG && (await world.disk.read(paths.adminKubeconfig)) !== undefined) return paths.adminKubeconfig
  return kubeconfigOf({ flags: {}, env })
}
