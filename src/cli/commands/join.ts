import { joinSettings, type ReadDocuments } from '../../lifecycle/config/read.ts'
import { removeLeftovers } from '../../lifecycle/init/leftovers.ts'
import { lockHost } from '../../lifecycle/init/lock.ts'
import { JoinData } from '../../lifecycle/join/data.ts'
import { joinedText, joinPhases } from '../../lifecycle/join/phases.ts'
import { paths } from '../../lifecycle/paths.ts'
import type { Command, CommandContext, Flag } from '../command.ts'
import {
  beginWith,
  ignoredOf,
  knownFlags,
  listOf,
  patchesOf,
  phaseCommand,
  processFlags,
  run,
  skippedOf,
  textOf,
} from '../lifecycle.ts'
import { portOf } from './init.ts'

/** kubeadm's flags. */
const flags: Readonly<Record<string, Flag>> = {
  ...processFlags,
  apiserverAdvertiseAddress: {
    type: 'string',
    value: 'IP',
    help: 'for a control plane: the address its API server will advertise (default: that of the default interface)',
  },
  apiserverBindPort: { type: 'string', value: 'PORT', help: 'for a control plane: the port of its API server' },
  certificateKey: {
    type: 'string',
    value: 'KEY',
    help: 'for a control plane: the key that decrypts the certificates uploaded by init',
  },
  controlPlane: { type: 'boolean', help: 'create a new control plane instance on this node' },
  criSocket: { type: 'string', value: 'SOCKET', help: 'socket of the container runtime' },
  discoveryFile: { type: 'string', value: 'FILE', help: 'a file or URL from which to load cluster information' },
  discoveryToken: {
    type: 'string',
    value: 'TOKEN',
    help: 'token with which what the cluster says of itself is validated',
  },
  discoveryTokenCaCertHash: {
    type: 'string',
    value: 'HASH',
    repeated: true,
    help: 'validate that the root CA public key matches this hash: sha256:HEX',
  },
  discoveryTokenUnsafeSkipCaVerification: {
    type: 'boolean',
    help: 'allow joining without --discovery-token-ca-cert-hash',
  },
  nodeName: { type: 'string', value: 'NAME', help: 'name of the node (default: the host name)' },
  patches: { type: 'string', value: 'DIR', help: 'folder with patches of what is deployed' },
  tlsBootstrapToken: { type: 'string', value: 'TOKEN', help: 'token with which the kubelet asks for its certificate' },
  token: { type: 'string', value: 'TOKEN', help: 'token for both discovery and TLS bootstrap' },
}

export const join: Command = {
  name: 'join',
  summary: 'Make this host a node of a cluster, or another control plane',
  usage: '[api-server-endpoint]',
  flags,
  examples: [
    'join 10.0.0.1:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:HEX',
    'join 10.0.0.1:6443 --token T --discovery-token-ca-cert-hash H --control-plane --certificate-key K',
    'join --config join.yaml',
  ],
  subcommands: [
    phaseCommand(
      joinPhases,
      'Use this command to invoke single phase of the "join" workflow',
      flags,
      '[api-server-endpoint]',
      perform,
    ),
  ],
  run: (context) => perform(context, undefined),
}

async function perform(context: CommandContext, only: string | undefined): Promise<void> {
  const { flags, print } = context
  const { tools, documents } = await beginWith('JoinConfiguration', context)
  if (flags.config === undefined) applyFlags(documents, context)
  if (only !== undefined) await findByAdministrator(documents, context)
  const settings = await joinSettings(documents, { ...tools, version: tools.program, knownFlags }, (draft) => {
    const name = textOf(flags, 'nodeName')
    if (name !== undefined) draft.nodeRegistration.name = name.trim().toLowerCase()
  })
  const dryRun = flags.dryRun === true || settings.dryRun === true
  await using data = new JoinData(tools, {
    join: settings,
    single: only !== undefined,
    ignored: ignoredOf(flags, settings.nodeRegistration.ignorePreflightErrors),
    patches: await patchesOf(flags, settings.patches?.directory, tools),
  })
  await using _ = dryRun ? undefined : await lockHost(tools.world, 'join')
  if (!dryRun) await removeLeftovers(tools.world, paths.certificates)
  const skip = skippedOf(flags, settings.skipPhases)
  await run({ phases: joinPhases, ...(only !== undefined && { only }), skip, dryRun }, data, print)
  if (only === undefined && !dryRun) for (const line of await joinedText(data)) print(line)
}

function applyFlags({ join }: ReadDocuments, { flags, args, printError }: CommandContext): void {
  const token = textOf(flags, 'token')
  const [endpoint, ...others] = args
  if (others.length > 0)
    printError(
      `[preflight] WARNING: More than one API server endpoint supplied on command line [${args.join(' ')}]. Using the first one.`,
    )
  if (endpoint !== undefined)
    join.discovery.bootstrapToken = {
      token: textOf(flags, 'discoveryToken') ?? token ?? '',
      apiServerEndpoint: endpoint,
      caCertHashes: [...listOf(flags, 'discoveryTokenCaCertHash')],
      unsafeSkipCAVerification: flags.discoveryTokenUnsafeSkipCaVerification === true,
    }
  const file = textOf(flags, 'discoveryFile')
  if (file !== undefined) join.discovery.file = { kubeConfigPath: file }
  join.discovery.tlsBootstrapToken = textOf(flags, 'tlsBootstrapToken') ?? token
  join.nodeRegistration.criSocket = textOf(flags, 'criSocket') ?? ''
  applyControlPlane(join, flags, printError)
}

const controlPlaneFlags = ['certificateKey', 'apiserverAdvertiseAddress', 'apiserverBindPort'] as const

function applyControlPlane(
  join: ReadDocuments['join'],
  flags: CommandContext['flags'],
  warn: (line: string) => void,
): void {
  if (flags.controlPlane !== true) {
    if (controlPlaneFlags.some((name) => flags[name] !== undefined))
      warn(
        '[preflight] WARNING: --control-plane is also required when passing control-plane related flags such as [certificate-key, apiserver-advertise-address, apiserver-bind-port]',
      )
    return
  }
  const port = textOf(flags, 'apiserverBindPort')
  join.controlPlane = {
    localAPIEndpoint: {
      advertiseAddress: textOf(flags, 'apiserverAdvertiseAddress') ?? '',
      bindPort: port === undefined ? 0 : portOf(port, 'apiserver-bind-port'),
    },
    certificateKey: textOf(flags, 'certificateKey'),
  }
}

/** A phase that is run alone on a control plane needs no discovery: the administrator's kubeconfig is there. */
async function findByAdministrator({ join }: ReadDocuments, { world }: CommandContext): Promise<void> {
  if (join.discovery.bootstrapToken || join.discovery.file) return
  if (await world.disk.stat(paths.adminKubeconfig)) join.discovery.file = { kubeConfigPath: paths.adminKubeconfig }
}
