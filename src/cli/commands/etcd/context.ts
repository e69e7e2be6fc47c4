import { EtcdConnections, findEtcd } from '../../../lifecycle/etcd/access.ts'
import { explainEtcd } from '../../../lifecycle/etcd/faults.ts'
import { type OutputFormat, outputFormats } from '../../../lifecycle/etcd/print.ts'
import { type CommandContext, type Flag, UserError } from '../../command.ts'

/** What the commands about etcd share: how it is reached, how answers are printed, what becomes of errors. */
export const accessFlags = {
  endpoints: {
    type: 'string',
    value: 'URLS',
    help: 'where etcd is reached, with commas between (default: the whole cluster of this host)',
  },
  cacert: {
    type: 'string',
    value: 'FILE',
    help: 'authority of the servers (default <kubernetes-dir>/pki/etcd/ca.crt)',
  },
  cert: { type: 'string', value: 'FILE', help: 'client certificate (default healthcheck-client.crt beside it)' },
  key: { type: 'string', value: 'FILE', help: 'its key' },
  kubernetesDir: {
    type: 'string',
    value: 'DIR',
    default: '/etc/kubernetes',
    help: 'where the manifests and certificates of this host lie',
  },
  commandTimeout: { type: 'string', value: 'SECONDS', default: '5', help: 'how long one call may take' },
} as const satisfies Record<string, Flag>

export function outputFlags(standard: OutputFormat) {
  return {
    output: { type: 'string', value: 'FORMAT', short: 'o', help: `${outputFormats.join(', ')} (default ${standard})` },
    writeOut: { type: 'string', value: 'FORMAT', short: 'w', help: 'the same, as etcdctl calls it' },
  } as const satisfies Record<string, Flag>
}

export function formatOf({ flags }: CommandContext, standard: OutputFormat): OutputFormat {
  const asked = String(flags.output ?? flags.writeOut ?? standard)
  const format = outputFormats.find((one) => one === asked)
  if (format) return format
  throw new UserError('unsupported output format', { hint: `known are ${outputFormats.join(', ')}`, exitCode: 2 })
}

/** Runs what needs etcd with connections that are closed behind it. */
export function withEtcd<T>(
  context: CommandContext,
  run: (connections: EtcdConnections, endpoints: readonly string[]) => Promise<T>,
): Promise<T> {
  return withExplanation(async () => {
    const { flags, world } = context
    const access = await findEtcd(world, textFlags(flags))
    using connections = await EtcdConnections.open(world, access, secondsFlag(context, 'commandTimeout') * 1000)
    const endpoints = access.ofHost ? await connections.endpointsOfCluster() : access.endpoints
    return await run(connections, endpoints)
  })
}

/** Errors of etcd and about it are the user's to mend. */
export async function withExplanation<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    const explained = explainEtcd(error)
    if (!explained) throw error
    throw new UserError(explained.message, { ...(explained.hint && { hint: explained.hint }), cause: error })
  }
}

export function secondsFlag({ flags }: CommandContext, name: string): number {
  const value = Number(String(flags[name]).replace(/s$/, ''))
  if (value > 0 && Number.isFinite(value)) return value
  throw new UserError(`--${name} must be a number of seconds, not "${flags[name]}"`, { exitCode: 2 })
}

export function textFlags(flags: CommandContext['flags']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, value]) => [name, typeof value === 'string' ? value : undefined]),
  )
}

/** The one argument that a command takes. */
export function oneArgument({ args }: CommandContext, what: string): string {
  const [first, ...others] = args
  if (first !== undefined && others.length === 0) return first
  throw new UserError(`exactly one ${what} is needed`, { exitCode: 2 })
}

export const dryRunFlag = { type: 'boolean', help: 'say what would be done, and do nothing' } as const satisfies Flag
