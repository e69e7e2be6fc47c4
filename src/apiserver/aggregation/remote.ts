import type { APIService } from '../../kinds/apiregistration/api-service.ts'
import type { Network, OutgoingRequest, Random } from '../../world/world.ts'
import type { ClusterReader } from '../admission.ts'
import { resolveService } from '../outgoing.ts'

/** What asking aggregated servers needs. */
export interface RemoteParts {
  readonly network: Network | undefined
  readonly reader: ClusterReader
  readonly random: Random
  /** What this server shows to them, so that they believe whom it asks for. */
  readonly frontProxy?: FrontProxy
}

/** All in PEM. */
export interface FrontProxy {
  /** Who signed the certificate. */
  readonly authority: string
  readonly certificate: string
  readonly key: string
}

/** Where the server of an APIService is, and how it is trusted: the part of a request that is the same for all. */
export interface RemoteTarget {
  /** `https://10.0.0.1:443` */
  readonly base: string
  readonly tls: NonNullable<OutgoingRequest['tls']>
}

/** @throws ApiError when the service has nobody who could be asked */
export function targetOf({ spec }: APIService, { reader, random, frontProxy }: RemoteParts): RemoteTarget {
  const { namespace = '', name = '', port = 443 } = spec.service ?? {}
  const { host, port: hostPort } = resolveService(reader, random, { namespace, name, port })
  return {
    base: `https://${host.includes(':') ? `[${host}]` : host}:${hostPort}`,
    tls: {
      serverName: `${name}.${namespace}.svc`,
      ...(spec.caBundle && { ca: Buffer.from(spec.caBundle, 'base64').toString('utf8') }),
      ...(spec.insecureSkipTLSVerify && { skipServerVerification: true }),
      ...(frontProxy && { clientCertificate: frontProxy.certificate, clientKey: frontProxy.key }),
    },
  }
}
