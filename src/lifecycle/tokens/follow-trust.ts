import { X509Certificate } from 'node:crypto'
import { parse } from 'yaml'
import type { Disk } from '../../world/world.ts'
import { paths } from '../paths.ts'
import { keyFile, parseBundle } from '../pki/files.ts'
import { changeKubeconfig } from '../pki/kubeconfig-edit.ts'
import { readEndpoint } from '../pki/kubeconfigs.ts'
import { readClusterInfo } from './access.ts'
import type { Connect } from './connect.ts'

/**
 * Has a node trust the authorities that the cluster names, while one replaces another: what `cluster-info` says is
 * believed, as the server that says it has shown a certificate of an authority that is trusted already; and only when
 * it goes on trusting one of those. Resolves to whether anything has changed.
 */
export async function followTrust(
  { disk, connect }: { readonly disk: Disk; readonly connect: Connect },
  kubeconfig: string = paths.kubeletKubeconfig,
  folder: string = paths.certificates,
): Promise<boolean> {
  // On a control plane the files are the operator's, who may have come further than the cluster has been told.
  if ((await disk.read(keyFile(folder, 'ca'))) !== undefined) return false
  // As anybody: nodes have no right to it by their own name.
  const { clientCertificate: _, clientKey: __, token: ___, ...endpoint } = await readEndpoint(disk, kubeconfig)
  const trusted = endpoint.certificateAuthority
  if (trusted === undefined || endpoint.skipServerVerification) return false
  await using client = connect(endpoint)
  const named = authoritiesIn((await readClusterInfo(client))?.data?.['kubeconfig'])
  if (named === undefined || named === trusted || !haveOneInCommon(named, trusted)) return false
  // What asks the kubelet shows a certificate, too.
  const file = `${folder}/ca.crt`
  if ((await disk.read(file)) !== undefined) await disk.write(file, named, 0o644)
  const text = (await disk.read(kubeconfig))!
  await disk.write(kubeconfig, changeKubeconfig(text, kubeconfig, { certificateAuthority: named }), 0o600)
  return true
}

function authoritiesIn(kubeconfig: string | undefined): string | undefined {
  const config = parse(kubeconfig ?? '') as { clusters?: readonly { cluster?: Record<string, unknown> }[] } | null
  const data = config?.clusters?.[0]?.cluster?.['certificate-authority-data']
  return typeof data === 'string' ? Buffer.from(data, 'base64').toString() : undefined
}

function haveOneInCommon(left: string, right: string): boolean {
  const known = parseBundle(right).map(({ fingerprint256 }) => fingerprint256)
  return parseBundle(left).some(({ fingerprint256 }) => known.includes(fingerprint256))
}

/** Whether a certificate is of an authority that is on its way out: another one signs by now. */
export async function isOutgoing(certificate: string, disk: Disk, kubeconfig: string): Promise<boolean> {
  const { certificateAuthority } = await readEndpoint(disk, kubeconfig)
  const [first, ...others] = certificateAuthority === undefined ? [] : parseBundle(certificateAuthority)
  const shown = new X509Certificate(certificate)
  if (first === undefined || shown.verify(first.publicKey)) return false
  return others.some((authority) => shown.verify(authority.publicKey))
}
