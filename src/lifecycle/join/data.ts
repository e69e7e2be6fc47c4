import { parseDuration } from '../../base/duration.ts'
import type { Client } from '../../client/client.ts'
import { ApiError } from '../../schema/status.ts'
import type { HostWorld } from '../../world/world.ts'
import { pkiSettings } from '../config/cluster-settings.ts'
import type { ComponentConfiguration } from '../config/component-defaults.ts'
import { fetchClusterConfiguration, fetchKubeletConfiguration } from '../config/config-maps.ts'
import { timeoutsOf } from '../config/defaults.ts'
import type { ClusterConfiguration, JoinConfiguration, Timeouts } from '../config/types.ts'
import { LifecycleError } from '../failure.ts'
import type { LifecycleTools } from '../init/data.ts'
import type { ManifestSource } from '../init/manifests.ts'
import { insist, isPassing, type Patience } from '../init/patient.ts'
import type { PatchFile } from '../manifests/patches.ts'
import { paths } from '../paths.ts'
import { readEndpoint } from '../pki/kubeconfigs.ts'
import type { PkiSettings } from '../pki/settings.ts'
import { httpConnect } from '../tokens/connect.ts'
import { type DiscoveredCluster, discoverByFile, discoverByToken } from '../tokens/discovery.ts'
import { joinHint, pinsOf } from '../tokens/pins.ts'

/** How long after its making a token may be unknown to a server that follows the store. */
const hearsayMs = 10_000

const isUnauthorized = (error: unknown) => error instanceof ApiError && error.reason === 'Unauthorized'

export interface JoinOptions {
  readonly join: JoinConfiguration
  /** Checks whose errors are warnings, in lower case. */
  readonly ignored: ReadonlySet<string>
  readonly patches: readonly PatchFile[]
  /** Whether one phase is run by itself. */
  readonly single: boolean
}

/** What the phases of `join` share. What is found out over the network is found out once. */
export class JoinData implements AsyncDisposable {
  readonly tools: LifecycleTools
  readonly options: JoinOptions
  readonly timeouts: Required<Timeouts>
  #discovered: Promise<DiscoveredCluster> | undefined
  #cluster: Promise<ClusterConfiguration> | undefined
  readonly #clients = new Map<string, Promise<Client & AsyncDisposable>>()

  constructor(tools: LifecycleTools, options: JoinOptions) {
    this.tools = tools
    this.options = options
    this.timeouts = timeoutsOf(options.join.timeouts)
  }

  get world(): HostWorld {
    return this.tools.world
  }

  get join(): JoinConfiguration {
    return this.options.join
  }

  get nodeName(): string {
    return this.join.nodeRegistration.name
  }

  /** What makes this host another control plane. */
  get controlPlane(): NonNullable<JoinConfiguration['controlPlane']> {
    return this.join.controlPlane!
  }

  get patience(): Patience {
    return { clock: this.world.clock, timeout: this.timeouts.kubernetesAPICall }
  }

  /** Which cluster this host comes to: found, and checked to be the right one. */
  discover(): Promise<DiscoveredCluster> {
    this.#discovered ??= this.#discover()
    return this.#discovered
  }

  async #discover(): Promise<DiscoveredCluster> {
    const { bootstrapToken, file } = this.join.discovery
    const connect = httpConnect(this.world)
    if (file) return discoverByFile(file.kubeConfigPath, { ...this.world, connect })
    const { apiServerEndpoint: endpoint, token, caCertHashes = [], unsafeSkipCAVerification } = bootstrapToken!
    return discoverByToken(
      {
        endpoint,
        token,
        caCertHashes: unsafeSkipCAVerification ? [] : caCertHashes,
        timeoutMs: parseDuration(this.timeouts.discovery),
      },
      { clock: this.world.clock, connect, say: this.tools.print },
    )
  }

  /** The API as somebody who bears the token, or as the discovery file says. */
  bootstrapClient(): Promise<Client> {
    return this.#client('bootstrap', async () => {
      const { server, certificateAuthority, credential } = await this.discover()
      const token = credential?.clientCertificate
        ? undefined
        : (credential?.token ?? this.join.discovery.tlsBootstrapToken)
      return httpConnect(this.world)({ server, certificateAuthority, ...credential, ...(token && { token }) })
    })
  }

  /**
   * Asks the API as who bears the token. What goes by itself is waited for; so is a server that refuses the token, as it
   * may be another than the one that signed for it, and hear of what is new a moment later.
   * @throws LifecycleError when the token is still refused then
   */
  async ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.bootstrapClient()
    const { clock } = this.world
    let refusedUntil: number | undefined
    const mayBeHeardOf = (error: unknown) => {
      if (!isUnauthorized(error)) return false
      if (refusedUntil === undefined)
        this.tools.print(
          '[discovery] The API server does not know the token; a new one is known everywhere in a moment',
        )
      refusedUntil ??= clock.monotonic() + hearsayMs
      return clock.monotonic() < refusedUntil
    }
    return insist(
      () => question(client),
      (error) => isPassing(error) || mayBeHeardOf(error),
      this.patience,
    ).catch((error: unknown) => {
      if (!isUnauthorized(error)) throw error
      throw new LifecycleError(`the API server refuses the credential of this host: ${(error as Error).message}`, {
        hint: `the token has expired or was deleted meanwhile; ${joinHint}`,
        cause: error,
      })
    })
  }

  /** The API as its administrator: on a control plane, when its kubeconfigs are made. */
  adminClient(): Promise<Client> {
    return this.#client('admin', async () =>
      httpConnect(this.world)(await readEndpoint(this.world.disk, paths.adminKubeconfig)),
    )
  }

  /** The API as this host's node: when its kubelet has a certificate. */
  nodeClient(): Promise<Client> {
    return this.#client('node', async () =>
      httpConnect(this.world)(await readEndpoint(this.world.disk, paths.kubeletKubeconfig)),
    )
  }

  #client(name: string, make: () => Promise<Client & AsyncDisposable>): Promise<Client> {
    const known = this.#clients.get(name)
    if (known) return known
    const made = make()
    this.#clients.set(name, made)
    return made
  }

  /** What holds for the whole cluster. */
  cluster(): Promise<ClusterConfiguration> {
    this.#cluster ??= this.#readCluster()
    return this.#cluster
  }

  async #readCluster(): Promise<ClusterConfiguration> {
    const { print, warn, program } = this.tools
    await this.bootstrapClient()
    print('[preflight] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...')
    print("[preflight] Use 'coracle init phase upload-config kubeadm --config your-config-file' to re-upload it.")
    return this.ask((client) => fetchClusterConfiguration(client, { world: this.world, version: program, warn }))
  }

  kubeletConfiguration(): Promise<ComponentConfiguration> {
    return this.ask(fetchKubeletConfiguration)
  }

  async pki(): Promise<PkiSettings> {
    return pkiSettings(await this.cluster(), { nodeName: this.nodeName, endpoint: this.controlPlane.localAPIEndpoint })
  }

  async manifestSource(): Promise<ManifestSource> {
    return {
      cluster: await this.cluster(),
      nodeName: this.nodeName,
      endpoint: this.controlPlane.localAPIEndpoint,
      timeouts: this.timeouts,
      patches: this.options.patches,
      env: this.tools.env,
    }
  }

  /** Whether this host has begun to join this very cluster: then what lies and runs here is to be gone on with. */
  async isBegun(): Promise<boolean> {
    const own = await this.world.disk.read(this.join.caCertPath)
    if (own === undefined) return false
    const { certificateAuthority } = await this.discover()
    const theirs = pinsOf(certificateAuthority)
    return pinsOf(own).some((pin) => theirs.includes(pin))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const made of this.#clients.values()) await (await made.catch(() => undefined))?.[Symbol.asyncDispose]()
  }
}

/** What a host can do whose name another one has. */
export const anotherName = 'another name for this one: coracle reset here, then the same command with --node-name NAME'

/** Etcd's own words with a next step: what a cluster says that does not take a member. */
export const etcdFailure = (what: string, error: unknown, hint: string): LifecycleError =>
  new LifecycleError(`${what}: ${(error as Error).message}`, { hint, cause: error })
