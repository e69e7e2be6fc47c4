import { DurationError, parseDuration } from '../../../base/duration.ts'
import { HttpClient } from '../../../client/http.ts'
import { kubernetesVersion } from '../../../cluster/cluster.ts'
import { pkiSettings } from '../../../lifecycle/config/cluster-settings.ts'
import { fetchClusterConfiguration } from '../../../lifecycle/config/config-maps.ts'
import { initSettings, readDocuments } from '../../../lifecycle/config/read.ts'
import { LifecycleError } from '../../../lifecycle/failure.ts'
import { paths } from '../../../lifecycle/paths.ts'
import { readCluster, readEndpoint } from '../../../lifecycle/pki/kubeconfigs.ts'
import { type CertificateSet, controlPlaneSet, localSet } from '../../../lifecycle/pki/set.ts'
import { defaultPkiSettings, type PkiSettings } from '../../../lifecycle/pki/settings.ts'
import { type CommandContext, type Flag, UserError } from '../../command.ts'
import { absolute } from '../../flags.ts'

/** Flags by which a command finds the certificates of a host. */
export const pkiFlags = {
  config: { type: 'string', value: 'FILE', help: 'kubeadm configuration (default: that of the running cluster)' },
  certDir: { type: 'string', value: 'DIR', help: `where the certificates lie (default ${paths.certificates})` },
  kubeconfig: {
    type: 'string',
    value: 'FILE',
    default: paths.adminKubeconfig,
    help: 'by which the running cluster is asked for its configuration',
  },
  kubeconfigDir: { type: 'string', value: 'DIR', default: paths.kubernetes, help: 'where the kubeconfigs lie' },
  dataDir: { type: 'string', value: 'DIR', help: 'instead of all that: the cluster that "coracle up" keeps there' },
} as const satisfies Readonly<Record<string, Flag>>

export const validityFlag = {
  type: 'string',
  value: 'DURATION',
  help: 'how long it is valid, e.g. 8760h (default: what the configuration says, a year)',
} as const satisfies Flag

/** Which certificates a command is about. */
export interface ChosenPki {
  readonly settings: PkiSettings
  readonly set: CertificateSet
  /** Whether it is the one of `coracle up`. */
  readonly isLocal: boolean
}

/**
 * The certificates of this host, and the configuration that they follow: `--config`, else that of the running cluster,
 * else what is usual. A cluster that does not answer is no fault: its certificates may be the reason.
 */
export async function choosePki(context: CommandContext, prefix: string): Promise<ChosenPki> {
  const { flags } = context
  if (flags.dataDir !== undefined) return { settings: localSettings(context), set: localSet, isLocal: true }
  const configured = await configuredSettings(context, prefix)
  const settings = await withHost(
    {
      ...configured,
      kubernetesDir: absolute(flags.kubeconfigDir as string),
      ...(flags.certDir !== undefined && { certificatesDir: absolute(flags.certDir as string) }),
      ...validityOf(flags.validity),
    },
    context,
  )
  return { settings, set: controlPlaneSet(settings), isLocal: false }
}

function localSettings({ flags, world }: CommandContext): PkiSettings {
  return {
    ...defaultPkiSettings,
    certificatesDir: `${absolute(flags.dataDir as string)}/pki`,
    nodeName: world.machine.hostName,
    advertiseAddress: '127.0.0.1',
    ...validityOf(flags.validity),
  }
}

/** `--validity` as a setting. @throws UserError */
export function validityOf(text: unknown): { readonly certificateValidityMs?: number } {
  if (typeof text !== 'string') return {}
  try {
    const certificateValidityMs = parseDuration(text)
    if (certificateValidityMs > 0) return { certificateValidityMs }
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
  }
  throw new UserError(`"${text}" is no time that a certificate could be valid`, {
    hint: 'write hours, minutes and seconds: 8760h is a year',
    exitCode: 2,
  })
}

async function configuredSettings(context: CommandContext, prefix: string): Promise<PkiSettings> {
  const { flags, world, print, printError: warn } = context
  const tools = { world, version: kubernetesVersion, warn }
  const { init, cluster } = await initSettings(readDocuments(await configText(context), warn), tools)
  const host = { nodeName: init.nodeRegistration.name, endpoint: init.localAPIEndpoint }
  if (flags.config !== undefined) return pkiSettings(cluster, host)
  const path = absolute(flags.kubeconfig as string)
  if ((await world.disk.read(path)) !== undefined) {
    try {
      const patience = { connectMs: 3000, answerMs: 5000 }
      await using client = new HttpClient({ ...(await readEndpoint(world.disk, path)), ...world, patience })
      const found = await fetchClusterConfiguration(client, tools)
      print(`[${prefix}] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...`)
      print(`[${prefix}] Use 'coracle init phase upload-config kubeadm --config your-config-file' to re-upload it.`)
      print('')
      return pkiSettings(found, host)
    } catch (error) {
      if (!(error instanceof LifecycleError)) throw error
      print(`[${prefix}] Error reading configuration from the Cluster. Falling back to default configuration`)
      print('')
    }
  }
  return pkiSettings(cluster, host)
}

async function configText({ flags, world }: CommandContext): Promise<string> {
  if (flags.config === undefined) return ''
  const path = absolute(flags.config as string)
  const text = await world.disk.read(path)
  if (text !== undefined) return text
  throw new UserError(`unable to read config from ${path}: there is no such file`, { exitCode: 2 })
}

/** What a host is called and where it is reached stands in its own files, whatever a configuration of others says. */
async function withHost(settings: PkiSettings, { flags, world }: CommandContext): Promise<PkiSettings> {
  if (flags.config !== undefined) return settings
  const path = `${settings.kubernetesDir}/controller-manager.conf`
  const text = await world.disk.read(path)
  if (text === undefined) return settings
  const { hostname, port } = new URL(readCluster(text, path).server)
  return { ...settings, advertiseAddress: hostname.replace(/^\[|\]$/g, ''), bindPort: Number(port || 443) }
}
