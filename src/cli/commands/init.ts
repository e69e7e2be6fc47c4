import { canonicalDuration, DurationError } from '../../base/duration.ts'
import { parseFeatureGates } from '../../lifecycle/config/feature-gates.ts'
import { initSettings, type ReadDocuments } from '../../lifecycle/config/read.ts'
import { InitData } from '../../lifecycle/init/data.ts'
import { removeLeftovers } from '../../lifecycle/init/leftovers.ts'
import { lockHost } from '../../lifecycle/init/lock.ts'
import { initPhases } from '../../lifecycle/init/phases.ts'
import { type Command, type CommandContext, type Flag, type FlagValues, UserError } from '../command.ts'
import {
  configDocuments,
  ignoredOf,
  knownFlags,
  lifecycleFlags,
  lifecycleTools,
  listOf,
  patchesOf,
  phaseCommand,
  refuseMixed,
  run,
  skippedOf,
  textOf,
} from '../lifecycle.ts'

/** kubeadm's flags. What stands in the configuration as well is refused beside `--config`. */
const flags: Readonly<Record<string, Flag>> = {
  ...lifecycleFlags,
  apiserverAdvertiseAddress: {
    type: 'string',
    value: 'IP',
    help: "the address the API server will advertise it's listening on (default: that of the default interface)",
  },
  apiserverBindPort: { type: 'string', value: 'PORT', help: 'port for the API server to bind to (default 6443)' },
  apiserverCertExtraSans: {
    type: 'string',
    value: 'LIST',
    repeated: true,
    help: "names and addresses besides the usual ones for the API server's certificate",
  },
  certDir: { type: 'string', value: 'DIR', help: 'where certificates are kept (default /etc/kubernetes/pki)' },
  certificateKey: {
    type: 'string',
    value: 'KEY',
    help: 'key with which uploaded certificates are encrypted: 64 hexadecimal digits',
  },
  controlPlaneEndpoint: {
    type: 'string',
    value: 'HOST[:PORT]',
    help: 'a stable address or name for the control plane',
  },
  criSocket: { type: 'string', value: 'SOCKET', help: 'socket of the container runtime' },
  featureGates: { type: 'string', value: 'LIST', help: 'feature gates: Name=true,Other=false' },
  imageRepository: { type: 'string', value: 'R', help: 'registry of images (default registry.k8s.io)' },
  kubeconfig: { type: 'string', value: 'FILE', help: 'kubeconfig of an administrator, for single phases' },
  kubernetesVersion: {
    type: 'string',
    value: 'V',
    help: 'version of the control plane (default: that of this program)',
  },
  nodeName: { type: 'string', value: 'NAME', help: 'name of the node (default: the host name)' },
  patches: { type: 'string', value: 'DIR', help: 'folder with patches of what is deployed' },
  podNetworkCidr: { type: 'string', value: 'CIDR', help: 'addresses of pods; two with a comma for both families' },
  serviceCidr: { type: 'string', value: 'CIDR', help: 'addresses of services (default 10.96.0.0/12)' },
  serviceDnsDomain: { type: 'string', value: 'DOMAIN', help: 'domain of services (default cluster.local)' },
  skipCertificateKeyPrint: { type: 'boolean', help: "don't print the key that certificates are encrypted with" },
  skipTokenPrint: { type: 'boolean', help: "don't print the bootstrap token" },
  token: { type: 'string', value: 'TOKEN', help: 'token with which nodes join: [a-z0-9]{6}.[a-z0-9]{16}' },
  tokenTtl: { type: 'string', value: 'DURATION', help: 'how long it holds; 0: for ever (default 24h)' },
  uploadCerts: { type: 'boolean', help: 'upload control-plane certificates to the Secret kubeadm-certs' },
}

export const init: Command = {
  name: 'init',
  summary: 'Make this host the first control plane of a cluster',
  flags,
  examples: [
    'init --pod-network-cidr 10.244.0.0/16',
    'init --control-plane-endpoint k8s.example.com --upload-certs',
    'init --config kubeadm.yaml --upload-certs',
    'init phase certs apiserver --config kubeadm.yaml',
  ],
  subcommands: [
    phaseCommand(
      initPhases,
      'Use this command to invoke single phase of the "init" workflow',
      flags,
      undefined,
      perform,
    ),
  ],
  run: (context) => perform(context, undefined),
}

async function perform(context: CommandContext, only: string | undefined): Promise<void> {
  const { flags, print } = context
  refuseMixed(flags)
  requireHost(flags, only)
  const tools = lifecycleTools(context)
  const documents = await configDocuments(flags, tools)
  if (
    flags.config !== undefined &&
    !documents.kinds.some((kind) => kind === 'InitConfiguration' || kind === 'ClusterConfiguration')
  )
    throw new UserError('no InitConfiguration or ClusterConfiguration kind was found in the YAML file')
  const settings = await initSettings(documents, { ...tools, version: tools.program, knownFlags }, (read) =>
    applyFlags(read, flags),
  )
  const dryRun = flags.dryRun === true || settings.init.dryRun === true
  const kubeconfig = textOf(flags, 'kubeconfig')
  await using data = new InitData(tools, {
    settings,
    ignored: ignoredOf(flags, settings.init.nodeRegistration.ignorePreflightErrors),
    single: only !== undefined,
    uploadCerts: flags.uploadCerts === true,
    skipTokenPrint: flags.skipTokenPrint === true,
    skipCertificateKeyPrint: flags.skipCertificateKeyPrint === true,
    patches: await patchesOf(flags, settings.init.patches?.directory, tools),
    ...(kubeconfig !== undefined && { kubeconfig }),
  })
  await using _ = dryRun ? undefined : await lockHost(tools.world, 'init')
  if (!dryRun) await removeLeftovers(tools.world, settings.cluster.certificatesDir)
  if (only === undefined) print(`[init] Using Kubernetes version: ${settings.cluster.kubernetesVersion}`)
  const skip = skippedOf(flags, settings.init.skipPhases)
  await run({ phases: initPhases, ...(only !== undefined && { only }), skip, dryRun }, data, print)
}

/** Files may be written for another host; what runs, runs on this one. */
const ofFiles: readonly string[] = ['certs', 'kubeconfig', 'etcd', 'control-plane']

function requireHost(flags: FlagValues, only: string | undefined): void {
  if (flags.rootfs === undefined || ofFiles.includes(only?.split('/')[0] ?? '')) return
  throw new UserError(`--rootfs is for phases that write files and start nothing: ${ofFiles.join(', ')}`, {
    hint: 'coracle init phase certs all --rootfs DIR; to run all of it there: chroot DIR coracle init',
    exitCode: 2,
  })
}

/** What flags say instead of, or besides, a file. */
function applyFlags(documents: ReadDocuments, flags: FlagValues): void {
  const { init, cluster } = documents
  applyImageFlags(documents, flags)
  const set = (name: string, use: (value: string) => void) => {
    const value = textOf(flags, name)
    if (value !== undefined) use(value)
  }
  set('apiserverAdvertiseAddress', (value) => {
    init.localAPIEndpoint.advertiseAddress = value
  })
  set('apiserverBindPort', (value) => {
    init.localAPIEndpoint.bindPort = portOf(value, 'apiserver-bind-port')
  })
  set('nodeName', (value) => {
    init.nodeRegistration.name = value.trim().toLowerCase()
  })
  set('criSocket', (value) => {
    init.nodeRegistration.criSocket = value
  })
  set('certificateKey', (value) => {
    init.certificateKey = value
  })
  set('certDir', (value) => {
    cluster.certificatesDir = value
  })
  set('controlPlaneEndpoint', (value) => {
    cluster.controlPlaneEndpoint = value
  })
  set('podNetworkCidr', (value) => {
    cluster.networking.podSubnet = value
  })
  set('serviceCidr', (value) => {
    cluster.networking.serviceSubnet = value
  })
  set('serviceDnsDomain', (value) => {
    cluster.networking.dnsDomain = value
  })
  set('featureGates', (value) => {
    cluster.featureGates = { ...parseFeatureGates(value) }
  })
  const names = listOf(flags, 'apiserverCertExtraSans')
  if (names.length > 0) cluster.apiServer.certSANs = [...names]
  applyToken(init, flags)
}

/** Those of `config images list`, too. */
export function applyImageFlags({ cluster }: ReadDocuments, flags: FlagValues): void {
  const [repository, version] = [textOf(flags, 'imageRepository'), textOf(flags, 'kubernetesVersion')]
  if (repository !== undefined) cluster.imageRepository = repository
  if (version !== undefined) cluster.kubernetesVersion = version
}

function applyToken(init: ReadDocuments['init'], flags: FlagValues): void {
  const [token, ttl] = [textOf(flags, 'token'), textOf(flags, 'tokenTtl')]
  if (init.bootstrapTokens?.length) return
  init.bootstrapTokens = [
    {
      token: token ?? '',
      description: "The default bootstrap token generated by 'kubeadm init'.",
      ...(ttl !== undefined && { ttl: durationOf(ttl, 'token-ttl') }),
    },
  ]
}

export function durationOf(text: string, flag: string): string {
  try {
    return canonicalDuration(text)
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    throw new UserError(`invalid argument ${JSON.stringify(text)} for "--${flag}" flag: ${error.message}`, {
      exitCode: 2,
    })
  }
}

export function portOf(text: string, flag: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port
  throw new UserError(
    `invalid argument ${JSON.stringify(text)} for "--${flag}" flag: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
    { exitCode: 2 },
  )
}
