import { parse } from 'yaml'
import type { Disk } from '../../world/world.ts'
import type { ApiEndpoint } from '../config/types.ts'
import { LifecycleError } from '../failure.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import { paths } from '../paths.ts'
import { parseCertificate } from '../pki/files.ts'
import { readEndpoint } from '../pki/kubeconfigs.ts'
import { splitHostPort } from '../pki/settings.ts'

/** The part of a static pod that upgrades read. */
export interface Manifest {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> }
  readonly spec?: { readonly containers?: readonly ManifestContainer[] }
}

export interface ManifestContainer {
  readonly command?: readonly string[]
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
  readonly readinessProbe?: {
    readonly httpGet?: {
      readonly host?: string
      readonly path?: string
      readonly port: number | string
      readonly scheme?: string
    }
  }
}

/** Whether there is an API server of this host. */
export async function isControlPlane(disk: Pick<Disk, 'stat'>): Promise<boolean> {
  return (await disk.stat(manifestPath('kube-apiserver'))) !== undefined
}

/** The name of this host's node: whom the certificate of its kubelet is for. */
export async function nodeNameOf(disk: Pick<Disk, 'read'>): Promise<string> {
  const path = paths.kubeletKubeconfig
  const { clientCertificate } = await readEndpoint(disk, path)
  const subject = clientCertificate === undefined ? '' : parseCertificate(clientCertificate, path).subject
  const name = /^CN=system:node:(.+)$/m.exec(subject)?.[1]
  if (name !== undefined) return name
  throw new LifecycleError(`the certificate that ${path} names is not that of a node`, {
    hint: 'an upgrade is run on the hosts of the cluster, where "coracle init" or "coracle join" was run',
  })
}

const endpointAnnotation = 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint'

/** Where the API server of this host is reached, by its manifest. */
export async function endpointOf(disk: Pick<Disk, 'read'>): Promise<ApiEndpoint> {
  const path = manifestPath('kube-apiserver')
  const manifest = parse((await disk.read(path)) ?? '{}') as Manifest | null
  const noted = manifest?.metadata?.annotations?.[endpointAnnotation]
  if (noted !== undefined) {
    const { host, port = 6443 } = splitHostPort(noted)
    return { advertiseAddress: host, bindPort: port }
  }
  const address = flagOf(manifest, 'advertise-address')
  if (address !== undefined)
    return { advertiseAddress: address, bindPort: Number(flagOf(manifest, 'secure-port') ?? 6443) }
  throw new LifecycleError(`${path} does not say where the API server of this host is reached`, {
    hint: `give it the annotation ${endpointAnnotation}: ADDRESS:PORT`,
  })
}

/** The value of a flag in the command line of a static pod. */
export function flagOf(manifest: Manifest | null, name: string): string | undefined {
  const prefix = `--${name}=`
  const found = manifest?.spec?.containers?.[0]?.command?.findLast((word) => word.startsWith(prefix))
  return found?.slice(prefix.length)
}

/** Where a component says that it is ready; nothing for one that serves nothing. */
export function readinessUrl(manifest: Manifest): string | undefined {
  const container = manifest.spec?.containers?.[0]
  const probe = container?.readinessProbe?.httpGet
  if (!probe || flagOf(manifest, 'secure-port') === '0') return undefined
  const { host = '127.0.0.1', path = '/', scheme = 'HTTP' } = probe
  const port = container.ports?.find(({ name }) => name === probe.port)?.containerPort ?? probe.port
  return `${scheme.toLowerCase()}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`
}
