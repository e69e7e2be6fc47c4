import type { EtcdEndpointOptions } from '../cluster/etcd-endpoint.ts'
import type { FlagValues } from './command.ts'
import { UserError } from './command.ts'

/** etcd's flags for its clients' side, as flags of `up`: the same names behind `etcd`. */
export const etcdCliFlags = {
  etcdListenClientUrl: {
    type: 'string',
    value: 'URL',
    help: "serve etcd's protocol there, for etcdctl: http on 127.0.0.1, https elsewhere",
  },
  etcdCertFile: { type: 'string', value: 'FILE', help: "certificate for etcd's protocol" },
  etcdKeyFile: { type: 'string', value: 'FILE', help: 'its key' },
  etcdTrustedCaFile: { type: 'string', value: 'FILE', help: "authority whose certificates etcd's clients must show" },
  etcdQuotaBackendBytes: {
    type: 'string',
    value: 'BYTES',
    help: "from this size on etcd's clients may read and delete only; 0 for any size",
  },
} as const

/** Nothing where the protocol is not asked for. Throws `UserError`. */
export function etcdEndpointOf(flags: FlagValues): EtcdEndpointOptions | undefined {
  const text = (name: keyof typeof etcdCliFlags) => (typeof flags[name] === 'string' ? flags[name] : undefined)
  const listenUrl = text('etcdListenClientUrl')
  const [certFile, keyFile, trustedCaFile] = [text('etcdCertFile'), text('etcdKeyFile'), text('etcdTrustedCaFile')]
  const quota = text('etcdQuotaBackendBytes')
  if (listenUrl === undefined) {
    if ([certFile, keyFile, trustedCaFile, quota].some((value) => value !== undefined))
      throw new UserError('--etcd-… flags are of use with --etcd-listen-client-url alone', { exitCode: 2 })
    return undefined
  }
  if (quota !== undefined && !/^\d{1,15}$/.test(quota))
    throw new UserError(`--etcd-quota-backend-bytes: ${quota} is no number of bytes`, { exitCode: 2 })
  return {
    listenUrl,
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
    ...(trustedCaFile !== undefined && { trustedCaFile }),
    ...(quota !== undefined && { quotaBytes: Number(quota) }),
  }
}

/** The same flags for another process. */
export function etcdArguments(flags: FlagValues): readonly string[] {
  return Object.keys(etcdCliFlags).flatMap((name) => {
    const value = flags[name]
    return typeof value === 'string'
      ? [`--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, value]
      : []
  })
}
