import { followFile } from '../../apiserver/access/follow-file.ts'
import type { Client, ClientUser } from '../../client/client.ts'
import { Connection, HttpClient, type HttpClientOptions } from '../../client/http.ts'
import { type KubeconfigEndpoint, KubeconfigError } from '../../client/kubeconfig.ts'
import { type KubeconfigOnDisk, readKubeconfig } from '../../client/kubeconfig-files.ts'
import { LateClient } from '../../client/late.ts'
import { ApiError } from '../../schema/status.ts'
import type { HostWorld } from '../../world/world.ts'
import { ComponentFlagError } from './flags.ts'
import { ServiceAccountClients } from './service-account-clients.ts'

export interface ComponentClientOptions {
  readonly world: HostWorld
  readonly kubeconfig: string
  /** The part before the slash is the field manager. */
  readonly userAgent: string
  /** Whether those that ask for a service account get its token (`--use-service-account-credentials`). */
  readonly asServiceAccounts?: boolean
  readonly signal: AbortSignal
}

/** How a component reaches the API server: as its kubeconfig says, and as that says from the moment it changes. */
export interface ComponentClient extends AsyncDisposable {
  readonly client: Client
  /** PEM of the authority that the kubeconfig trusts. */
  readonly certificateAuthority: string | undefined
  readonly server: string
  /** From now on this one is shown, whatever the kubeconfig says. */
  useCertificate(pair: { readonly certificate: string; readonly key: string }): void
}

/** Reads the kubeconfig and connects with the first call. Throws `ComponentFlagError` when it cannot be used. */
export async function connectComponent(options: ComponentClientOptions): Promise<ComponentClient> {
  const { world, kubeconfig, userAgent, signal } = options
  const first = await read(world, kubeconfig)
  const live: Live = { ...first.endpoint, clock: world.clock }
  const connection = new Connection(live as HttpClientOptions)
  // Without the certificate, which would count before any token.
  const anonymous = withoutCredential(live)
  const tokens = new Connection(anonymous as HttpClientOptions)
  let current = clientOf(live, connection)
  const use = (endpoint: KubeconfigEndpoint) => {
    for (const key of Object.keys(live) as (keyof Live)[]) if (key !== 'clock') delete live[key]
    Object.assign(live, endpoint)
    Object.assign(anonymous, withoutCredential(live))
    current = clientOf(live, connection)
    connection.renew()
    tokens.renew()
  }
  const follow = new Follower(options, use)
  follow.begin(first.files)

  function clientOf(endpoint: Live, over: Connection, agent = userAgent): HttpClient {
    return new HttpClient({ ...(endpoint as KubeconfigEndpoint), ...world, userAgent: agent }, undefined, over)
  }
  const client: Client = new LateClient(async () => current, as)
  const accounts = new ServiceAccountClients({
    ...world,
    client,
    clientOf: (token) => clientOf({ ...anonymous, token }, tokens),
    signal,
  })
  function as(user: ClientUser): Client {
    const [, , namespace, name] = user.name.split(':')
    if (options.asServiceAccounts && user.name.startsWith('system:serviceaccount:'))
      return accounts.of(namespace!, name!)
    // As the kubeconfig says, whoever that is: it has no right to be anybody else.
    return client
  }
  return {
    client,
    get certificateAuthority() {
      return live.certificateAuthority
    },
    get server() {
      return live.server
    },
    useCertificate({ certificate: clientCertificate, key: clientKey }) {
      const { clock: _, ...endpoint } = live
      use({ ...endpoint, clientCertificate, clientKey })
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([connection.close(), tokens.close()])
    },
  }
}

const lookMs = 200

/**
 * Resolves when the API server answers at all, whatever it says, or the signal aborts: who begins together with it need not
 * wait as long as one who has lost it.
 */
export async function untilServed(
  client: Client,
  { clock }: Pick<HostWorld, 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await client.read('/version')
      return
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 503) return
      await clock.after(lookMs, signal).catch(() => {})
    }
  }
}

type Live = { -readonly [Key in keyof KubeconfigEndpoint]: KubeconfigEndpoint[Key] } & Pick<HttpClientOptions, 'clock'>

function withoutCredential({ clientCertificate: _, clientKey: __, token: ___, ...rest }: Live): Live {
  return rest
}

async function read({ disk }: HostWorld, path: string): Promise<KubeconfigOnDisk> {
  try {
    return await readKubeconfig(disk, path)
  } catch (error) {
    if (error instanceof KubeconfigError) throw new ComponentFlagError(`--kubeconfig: ${error.message}`)
    throw error
  }
}

/** Reads the kubeconfig again when it or a file that it names has changed. */
class Follower {
  readonly #options: ComponentClientOptions
  readonly #use: (endpoint: KubeconfigEndpoint) => void
  #end = new AbortController()

  constructor(options: ComponentClientOptions, use: (endpoint: KubeconfigEndpoint) => void) {
    this.#options = options
    this.#use = use
  }

  begin(files: readonly string[]): void {
    const { world, kubeconfig, signal } = this.#options
    this.#end.abort()
    this.#end = new AbortController()
    const until = AbortSignal.any([signal, this.#end.signal])
    const again = async () => {
      const { endpoint, files: now } = await readKubeconfig(world.disk, kubeconfig)
      this.#use(endpoint)
      if (now.join() !== files.join()) this.begin(now)
    }
    for (const file of files) {
      void world.disk.read(file).then((text) => followFile(file, text ?? '', again, { ...world, signal: until }))
    }
  }
}
