/** etcd's own protocol on the store of a cluster, as flags of `up` ask for it. */
import { SettingError } from '../apiserver/feature-gates.ts'
import type { ServerTls } from '../etcd/server/grpc.ts'
import { checkListenUrl, type EtcdServer, ListenUrlError, startEtcdServer } from '../etcd/server/server.ts'
import type { Store } from '../store/store.ts'
import type { HostWorld } from '../world/world.ts'

export interface EtcdEndpointOptions {
  /** `http://127.0.0.1:2379`, or `https://…` with a certificate; what is not loopback needs the authority of clients, too. */
  readonly listenUrl: string
  readonly certFile?: string
  readonly keyFile?: string
  readonly trustedCaFile?: string
  /** As etcd's `--quota-backend-bytes`. */
  readonly quotaBytes?: number
}

/** Reads the files that it names and looks whether it may be served so. Throws `SettingError`. */
export async function readEtcdEndpoint(
  options: EtcdEndpointOptions,
  world: Pick<HostWorld, 'disk'>,
): Promise<ServerTls | undefined> {
  const { certFile, keyFile, trustedCaFile } = options
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new SettingError('--etcd-cert-file and --etcd-key-file are of use together alone')
  const read = async (flag: string, path: string): Promise<string> => {
    const text = await world.disk.read(path)
    if (text === undefined) throw new SettingError(`${flag}: there is no file ${path}`)
    return text
  }
  const tls = certFile !== undefined &&
    keyFile !== undefined && {
      certificate: await read('--etcd-cert-file', certFile),
      key: await read('--etcd-key-file', keyFile),
      ...(trustedCaFile !== undefined && { clientCa: await read('--etcd-trusted-ca-file', trustedCaFile) }),
    }
  if (!tls && trustedCaFile !== undefined)
    throw new SettingError('--etcd-trusted-ca-file is of use with --etcd-cert-file and --etcd-key-file alone')
  explained(() => checkListenUrl(options.listenUrl, tls || undefined))
  return tls || undefined
}

/** Throws `SettingError` when the address is taken or the certificate is none. */
export async function startEtcdEndpoint(
  { listenUrl, quotaBytes }: EtcdEndpointOptions,
  tls: ServerTls | undefined,
  store: Store,
  world: HostWorld,
): Promise<EtcdServer> {
  const settings = { listenUrl, ...(tls && { tls }), ...(quotaBytes && { quotaBytes }) }
  return startEtcdServer({ store, clock: world.clock, ...settings }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new SettingError(`--etcd-listen-client-url: the port of ${listenUrl} is in use; name another`)
    throw new SettingError(`--etcd-listen-client-url: ${listenUrl} cannot be served: ${error.message}`)
  })
}

function explained(check: () => void): void {
  try {
    check()
  } catch (error) {
    if (error instanceof ListenUrlError) throw new SettingError(`--etcd-listen-client-url: ${error.message}`)
    throw error
  }
}
