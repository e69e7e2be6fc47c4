import { formatTime } from '../../base/go-time.ts'
import type { Client } from '../../client/client.ts'
import type { HostWorld } from '../../world/world.ts'
import { pkiSettings } from '../config/cluster-settings.ts'
import type { ComponentConfiguration } from '../config/component-defaults.ts'
import { fetchClusterConfiguration, fetchKubeletConfiguration } from '../config/config-maps.ts'
import { timeoutsOf } from '../config/defaults.ts'
import type { ClusterConfiguration, Timeouts } from '../config/types.ts'
import { configurationYaml } from '../config/write.ts'
import type { LifecycleTools } from '../init/data.ts'
import type { ManifestSource } from '../init/manifests.ts'
import { type Patience, patient } from '../init/patient.ts'
import type { PatchFile } from '../manifests/patches.ts'
import { paths } from '../paths.ts'
import { readEndpoint } from '../pki/kubeconfigs.ts'
import type { PkiSettings } from '../pki/settings.ts'
import { type Connect, httpConnect } from '../tokens/connect.ts'
import { endpointOf, isControlPlane, nodeNameOf } from './host.ts'

/** What `upgrade apply` and `upgrade node` are asked to do. */
export interface UpgradeOptions {
  /** To which the cluster is brought; absent: what it says that it has, as on hosts after the first. */
  readonly version?: string
  readonly dryRun: boolean
  readonly certificateRenewal: boolean
  readonly etcdUpgrade: boolean
  /** Whether errors that may be passed over are. */
  readonly force: boolean
  readonly allowExperimentalUpgrades: boolean
  readonly allowReleaseCandidateUpgrades: boolean
  readonly printConfig: boolean
  /** Checks whose errors are warnings, in lower case. */
  readonly ignored: ReadonlySet<string>
  readonly patches: readonly PatchFile[]
  readonly timeouts: Timeouts
  /** In front of what is said about reading the configuration. */
  readonly prefix?: string
  /** Absent: `admin.conf`, on workers that of the kubelet. */
  readonly kubeconfig?: string
  /** Asks whoever sits there whether to go on. Absent: nobody is asked. */
  confirm?(question: string): Promise<boolean>
}

/** What the phases of an upgrade share. What is found out over the network is found out once. */
export class UpgradeData implements AsyncDisposable {
  readonly tools: LifecycleTools
  readonly options: UpgradeOptions
  readonly timeouts: Required<Timeouts>
  readonly #open: Connect
  #client: Promise<Client & AsyncDisposable> | undefined
  #cluster: Promise<ClusterConfiguration> | undefined
  #nodeName: Promise<string> | undefined

  constructor(tools: LifecycleTools, options: UpgradeOptions, connect: Connect = httpConnect(tools.world)) {
    this.#open = connect
    this.tools = tools
    this.options = options
    this.timeouts = timeoutsOf(options.timeouts)
  }

  get world(): HostWorld {
    return this.tools.world
  }

  get print(): (line: string) => void {
    return this.tools.print
  }

  get patience(): Patience {
    return { clock: this.world.clock, timeout: this.timeouts.kubernetesAPICall }
  }

  isControlPlane(): Promise<boolean> {
    return isControlPlane(this.world.disk)
  }

  nodeName(): Promise<string> {
    this.#nodeName ??= nodeNameOf(this.world.disk)
    return this.#nodeName
  }

  client(): Promise<Client> {
    this.#client ??= this.#connect()
    return this.#client
  }

  async #connect(): Promise<Client & AsyncDisposable> {
    const own = (await this.isControlPlane()) ? paths.adminKubeconfig : paths.kubeletKubeconfig
    return this.#open(await readEndpoint(this.world.disk, this.options.kubeconfig ?? own))
  }

  /** Asks the API; what goes by itself, such as a server that is started anew, is waited for. */
  async ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.client()
    return patient(() => question(client), this.patience)
  }

  /** What holds for the whole cluster, with the version to which it is brought. */
  cluster(): Promise<ClusterConfiguration> {
    this.#cluster ??= this.#readCluster()
    return this.#cluster
  }

  async #readCluster(): Promise<ClusterConfiguration> {
    const { warn, program } = this.tools
    const { prefix = '[upgrade]', version, printConfig } = this.options
    this.print(`${prefix} Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...`)
    this.print(`${prefix} Use 'coracle init phase upload-config kubeadm --config your-config-file' to re-upload it.`)
    const tools = { world: this.world, version: program, warn }
    const found = await this.ask((client) => fetchClusterConfiguration(client, tools))
    const cluster = { ...found, kubernetesVersion: version ?? found.kubernetesVersion }
    if (printConfig) {
      this.print('[upgrade/config] Configuration used:')
      for (const line of configurationYaml(cluster).trimEnd().split('\n')) this.print(`\t${line}`)
    }
    return cluster
  }

  kubeletConfiguration(): Promise<ComponentConfiguration> {
    return this.ask(fetchKubeletConfiguration)
  }

  async pki(): Promise<PkiSettings> {
    const host = { nodeName: await this.nodeName(), endpoint: await endpointOf(this.world.disk) }
    return pkiSettings(await this.cluster(), host)
  }

  async manifestSource(): Promise<ManifestSource> {
    return {
      cluster: await this.cluster(),
      nodeName: await this.nodeName(),
      endpoint: await endpointOf(this.world.disk),
      timeouts: this.timeouts,
      patches: this.options.patches,
      env: this.tools.env,
    }
  }

  /** A folder for what is replaced, named by what is in it and when: `kubeadm-backup-etcd-2026-06-08-14-47-14`. */
  backupFolder(what: string): string {
    const now = formatTime(this.world.clock.now()).replace(/[T:]/g, '-').replace('Z', '')
    return `${paths.temporary}/${what}-${now}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = await this.#client?.catch(() => undefined)
    await client?.[Symbol.asyncDispose]()
  }
}
