import type { ExternalEtcd } from '../config/types.ts'
import { type Check, errorOf, type Finding } from './check.ts'

/** Oldest etcd whose protocol the API server speaks. */
const leastVersion = [3, 4, 0] as const

/** Whether an etcd that somebody else cares for answers, and is new enough. */
export function externalEtcdVersion(etcd: ExternalEtcd): Check {
  return {
    name: 'ExternalEtcdVersion',
    async run({ world }) {
      const read = (path: string) => (path === '' ? undefined : world.disk.read(path))
      const [ca, clientCertificate, clientKey] = await Promise.all([
        read(etcd.caFile),
        read(etcd.certFile),
        read(etcd.keyFile),
      ])
      if (etcd.caFile !== '' && ca === undefined)
        return errorOf(`couldn't load external etcd's server certificate ${etcd.caFile}`, 'copy it to this host')
      if (etcd.certFile !== '' && (clientCertificate === undefined || clientKey === undefined))
        return errorOf(
          `couldn't load external etcd's certificate and key pair ${etcd.certFile}, ${etcd.keyFile}`,
          'copy them to this host',
        )
      const tls = { ...(ca && { ca }), ...(clientCertificate && clientKey && { clientCertificate, clientKey }) }
      const findings = await Promise.all(
        etcd.endpoints.map(async (endpoint): Promise<readonly Finding[]> => {
          try {
            const url = `${endpoint.replace(/\/+$/, '')}/version`
            const answer = await world.network.request({ url, tls, timeoutMs: 10_000 })
            return versionFindings(await answer.text(64 * 1024))
          } catch (error) {
            return errorOf(
              `${endpoint}: ${(error as Error).message}`,
              'see whether it runs, and whether this host may reach it',
            )
          }
        }),
      )
      return findings.flat()
    },
  }
}

function versionFindings(text: string): readonly Finding[] {
  const version = /"etcdserver"\s*:\s*"([^"]*)"/.exec(text)?.[1]
  const parts = version?.split('.').map(Number)
  if (!parts || parts.length < 3 || parts.some(Number.isNaN))
    return errorOf(`couldn't parse external etcd version ${JSON.stringify(version ?? '')}`)
  for (const [index, least] of leastVersion.entries()) {
    if (parts[index]! > least) return []
    if (parts[index]! < least)
      return errorOf(
        `this version of kubeadm only supports external etcd version >= ${leastVersion.join('.')}. Current version: ${version}`,
        'upgrade it, one minor after another',
      )
  }
  return []
}
