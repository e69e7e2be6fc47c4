import { formatAddress } from '../../lifecycle/balancer/address.ts'
import { Balancer } from '../../lifecycle/balancer/balancer.ts'
import {
  type BalancerConfiguration,
  ConfigurationError,
  defaults,
  readConfiguration,
} from '../../lifecycle/balancer/configuration.ts'
import { haproxyConfiguration } from '../../lifecycle/balancer/haproxy.ts'
import { nginxConfiguration } from '../../lifecycle/balancer/nginx.ts'
import { type Command, type CommandContext, type Flag, UserError } from '../command.ts'

const { check } = defaults

const flags: Readonly<Record<string, Flag>> = {
  listen: { type: 'string', value: 'ADDR:PORT', help: 'where clients connect to (:6443 for all addresses)' },
  backend: {
    type: 'string',
    value: 'HOST:PORT…',
    help: 'the API servers, separated by blanks or commas, or the flag once for each',
    repeated: true,
  },
  config: { type: 'string', value: 'FILE', help: 'all that can be set, in YAML; read again when it changes' },
  balance: {
    type: 'string',
    value: 'leastconn|roundrobin',
    help: `which API server is next (default ${defaults.balance})`,
  },
  checkPath: {
    type: 'string',
    value: '/PATH',
    help: `what is asked to see whether one serves (default ${check.path})`,
  },
  checkInterval: { type: 'string', value: 'DURATION', help: `how often (default ${check.intervalMs}ms)` },
  checkTimeout: { type: 'string', value: 'DURATION', help: `how long it may take (default ${check.timeoutMs}ms)` },
  rise: { type: 'string', value: 'N', help: `good checks until one is used again (default ${check.rise})` },
  fall: { type: 'string', value: 'N', help: `bad checks until one is not used (default ${check.fall})` },
  ca: {
    type: 'string',
    value: 'FILE',
    help: 'authorities of their certificates (default: certificates are not looked at)',
  },
  maxConnections: { type: 'string', value: 'N', help: `of all clients (default ${defaults.maxConnections})` },
}

const status: Flag = {
  type: 'string',
  value: 'ADDR:PORT',
  help: 'loopback address for a status page, /metrics and /healthz (default: none)',
}

/** Prints configuration of another balancer that does the same. */
const configFor = (name: string, write: (configuration: BalancerConfiguration) => string): Command => ({
  name,
  summary: `Print configuration of ${name} that does the same`,
  usage: '[HOST:PORT…]',
  flags,
  examples: [`coracle lb config ${name} --listen :6443 --backend 10.0.0.1 10.0.0.2 10.0.0.3 > ${name}.cfg`],
  run: async (context) => context.print(write(await read(context)).trimEnd()),
})

export const lb: Command = {
  name: 'lb',
  summary: 'Balance connections between API servers',
  usage: '[HOST:PORT…]',
  flags: { ...flags, status },
  examples: [
    'coracle lb --listen :6443 --backend 10.0.0.1:6443 10.0.0.2:6443 10.0.0.3:6443',
    'coracle lb --config /etc/coracle/lb.yaml --status 127.0.0.1:8404',
  ],
  subcommands: [
    {
      name: 'config',
      summary: 'Print configuration of another balancer',
      flags: {},
      examples: [],
      subcommands: [configFor('haproxy', haproxyConfiguration), configFor('nginx', nginxConfiguration)],
    },
  ],

  async run(context) {
    const { world, print } = context
    const configuration = await read(context)
    await using balancer = await start(configuration, world)
    print(`Listening on ${formatAddress(balancer.address)}`)
    const reload = () => void reloadNow(balancer, context)
    const file = context.flags.config as string | undefined
    const stopWatching = file === undefined ? undefined : world.disk.watch?.(file, reload)
    process.on('SIGHUP', reload)
    context.tellParent({ ready: true })
    try {
      // The listening socket alone keeps the process going.
      await context.interrupted
    } finally {
      stopWatching?.()
      process.off('SIGHUP', reload)
    }
  },
}

async function start(configuration: BalancerConfiguration, world: CommandContext['world']): Promise<Balancer> {
  try {
    return await Balancer.start(configuration, world)
  } catch (error) {
    throw new UserError((error as Error).message, { cause: error })
  }
}

/** A configuration that cannot be used changes nothing. */
async function reloadNow(balancer: Balancer, context: CommandContext): Promise<void> {
  try {
    await balancer.reload(await read(context))
  } catch (error) {
    context.printError(`the configuration stays as it was: ${(error as Error).message}`)
  }
}

async function read({ args, flags, world }: CommandContext): Promise<BalancerConfiguration> {
  const file = flags.config as string | undefined
  const content = file === undefined ? undefined : await world.disk.read(file)
  if (file !== undefined && content === undefined) throw new UserError(`there is no file ${file}`)
  const text = (name: string) => flags[name] as string | undefined
  const given = (name: string, key: string) => (text(name) === undefined ? {} : { [key]: text(name)! })
  try {
    return readConfiguration(content, {
      backends: [...(text('backend') ?? '').split(','), ...args].filter((backend) => backend !== ''),
      ...given('listen', 'listen'),
      ...given('balance', 'balance'),
      ...given('status', 'status'),
      ...given('maxConnections', 'maxConnections'),
      check: {
        ...given('checkPath', 'path'),
        ...given('checkInterval', 'intervalMs'),
        ...given('checkTimeout', 'timeoutMs'),
        ...given('rise', 'rise'),
        ...given('fall', 'fall'),
        ...given('ca', 'caFile'),
      },
    })
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    throw new UserError(file === undefined ? error.message : `${file}: ${error.message}`, { exitCode: 2, cause: error })
  }
}
