import { HttpClient } from '../client/http.ts'
import { fromKubeconfig, KubeconfigError } from '../client/kubeconfig.ts'
import { type CommandContext, type Flag, UserError } from './command.ts'
import { kubeconfigOf } from './flags.ts'

/** Flags of commands that speak to any cluster. */
export const connectionFlags: Readonly<Record<'kubeconfig' | 'context', Flag>> = {
  kubeconfig: {
    type: 'string',
    value: 'FILE',
    help: 'kubeconfig of the cluster (default $KUBECONFIG or ~/.kube/config)',
  },
  context: { type: 'string', value: 'NAME', help: 'context in the kubeconfig (default: the current one)' },
}

/** A client for the cluster that a kubeconfig names. Throws a `UserError` when there is none. */
export async function connect(context: CommandContext): Promise<HttpClient> {
  const { world, flags } = context
  const file = kubeconfigOf(context)
  const text = await world.disk.read(file)
  if (text === undefined) throw new UserError(`there is no kubeconfig ${file}`, { hint: 'start one with: coracle up' })
  try {
    const endpoint = fromKubeconfig(text, flags.context as string | undefined)
    return new HttpClient({ ...endpoint, clock: world.clock, log: world.log })
  } catch (error) {
    if (error instanceof KubeconfigError) throw new UserError(`${file}: ${error.message}`, { cause: error })
    throw error
  }
}
