import type { Client } from '../../client/client.ts'
import { ClusterRoleBinding } from '../../kinds/rbac/cluster-role-binding.ts'
import { isForbidden } from '../../schema/status.ts'
import type { HostWorld } from '../../world/world.ts'
import { pkiSettings } from '../config/cluster-settings.ts'
import { timeoutsOf } from '../config/defaults.ts'
import type { InitSettings } from '../config/read.ts'
import type { Timeouts } from '../config/types.ts'
import type { PatchFile } from '../manifests/patches.ts'
import { paths } from '../paths.ts'
import { readEndpoint } from '../pki/kubeconfigs.ts'
import { localEndpoint, type PkiSettings } from '../pki/settings.ts'
import { allowClusterAdmins } from '../tokens/access.ts'
import { httpConnect } from '../tokens/connect.ts'
import { newCertificateKey } from '../tokens/upload.ts'
import { type Patience, patient } from './patient.ts'

/** What `init` is asked to do, besides what the configuration says. */
export interface InitOptions {
  readonly settings: InitSettings
  /** Checks whose errors are warnings, in lower case. */
  readonly ignored: ReadonlySet<string>
  readonly uploadCerts: boolean
  readonly skipTokenPrint: boolean
  readonly skipCertificateKeyPrint: boolean
  readonly patches: readonly PatchFile[]
  /** Whether one phase is run by itself. */
  readonly single: boolean
  /** Absent: `admin.conf`, and the API server of this host. */
  readonly kubeconfig?: string
}

export interface LifecycleTools {
  readonly world: HostWorld
  readonly env: Readonly<Record<string, string | undefined>>
  /** The version of this program: `v1.36.2`. */
  readonly program: string
  print(line: string): void
  /** Beside the output. */
  warn(line: string): void
}

/** What the phases of `init` share. */
export class InitData implements AsyncDisposable {
  readonly tools: LifecycleTools
  readonly options: InitOptions
  readonly pki: PkiSettings
  readonly timeouts: Required<Timeouts>
  #client: Promise<Client & AsyncDisposable> | undefined
  #certificateKey: string | undefined

  constructor(tools: LifecycleTools, options: InitOptions) {
    const { init, cluster } = options.settings
    this.tools = tools
    this.options = options
    this.timeouts = timeoutsOf(init.timeouts)
    this.pki = pkiSettings(cluster, { nodeName: init.nodeRegistration.name, endpoint: init.localAPIEndpoint })
  }

  get world(): HostWorld {
    return this.tools.world
  }

  get init(): InitSettings['init'] {
    return this.options.settings.init
  }

  get cluster(): InitSettings['cluster'] {
    return this.options.settings.cluster
  }

  get nodeName(): string {
    return this.init.nodeRegistration.name
  }

  /** With which certificates are uploaded: that of the configuration, or one that is made once. */
  certificateKey(): string {
    this.#certificateKey ??= this.init.certificateKey || newCertificateKey(this.world.random)
    return this.#certificateKey
  }

  /** The API as its administrator. Who that is, the cluster is told first, when it does not know yet. */
  client(): Promise<Client> {
    this.#client ??= this.#connect()
    return this.#client
  }

  async #connect(): Promise<Client & AsyncDisposable> {
    const connect = httpConnect(this.world)
    const { kubeconfig } = this.options
    const endpoint = await readEndpoint(this.world.disk, kubeconfig ?? paths.adminKubeconfig)
    // The cluster's endpoint may lead to a balancer that does not know this host yet.
    const client = connect(kubeconfig === undefined ? { ...endpoint, server: localEndpoint(this.pki) } : endpoint)
    await patient(() => this.#allowAdministrators(client), this.patience)
    return client
  }

  async #allowAdministrators(client: Client): Promise<void> {
    try {
      await client.get(ClusterRoleBinding, { name: 'kubeadm:cluster-admins' })
    } catch (error) {
      if (!isForbidden(error)) return rethrowUnlessMissing(error)
      const endpoint = await readEndpoint(this.world.disk, paths.superAdminKubeconfig)
      await using superAdmin = httpConnect(this.world)({ ...endpoint, server: localEndpoint(this.pki) })
      await allowClusterAdmins(superAdmin)
    }
  }

  get patience(): Patience {
    return { clock: this.world.clock, timeout: this.timeouts.kubernetesAPICall }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = await this.#client?.catch(() => undefined)
    await client?.[Symbol.asyncDispose]()
  }
}

/** An administrator who may not see the binding has not got it; one who sees that it is gone has another. */
function rethrowUnlessMissing(error: unknown): void {
  if ((error as { readonly reason?: string }).reason !== 'NotFound') throw error
}
