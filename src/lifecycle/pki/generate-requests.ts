import { LifecycleError } from '../failure.ts'
import { newKey, type PkiWorld } from './create.ts'
import { keyFile, requestFile } from './files.ts'
import { kubeconfigs, writeKubeconfig } from './kubeconfigs.ts'
import { makeRequest } from './request.ts'
import type { PkiSettings } from './settings.ts'
import { authorities, type CertificateSpec, certificatesOf } from './specs.ts'

type Print = (line: string) => void

/**
 * Keys, and requests for their certificates, for an authority that is elsewhere: `NAME.key` and `NAME.csr` for every
 * certificate, kubeconfigs that lack a certificate, and `FILE.conf.csr` beside each. Nothing that is there is replaced.
 * @throws LifecycleError when some of it is there already, before anything was written
 */
export async function generateRequests(settings: PkiSettings, world: PkiWorld, print: Print): Promise<void> {
  await requireNothing(settings, world)
  for (const spec of certificatesOf(settings)) await generateRequest(spec, settings, world, print)
  await generateKubeconfigRequests(settings, world, print)
}

/** Key and request for one certificate, in a folder: `init phase certs NAME --csr-only --csr-dir DIR`. */
export async function generateRequest(
  spec: CertificateSpec,
  settings: PkiSettings,
  world: PkiWorld,
  print: Print,
  folder: string = settings.certificatesDir,
): Promise<void> {
  const key = newKey(settings.algorithm)
  const hosts = spec.hosts?.(settings)
  const commonName = spec.commonName(settings)
  const request = makeRequest({ commonName, organizations: spec.organizations ?? [], ...(hosts && { hosts }) }, key)
  print(`[certs] Generating CSR for ${spec.baseName} instead of certificate`)
  await world.disk.write(keyFile(folder, spec.baseName), key, 0o600)
  await world.disk.write(requestFile(folder, spec.baseName), request, 0o600)
}

async function generateKubeconfigRequests(settings: PkiSettings, world: PkiWorld, print: Print): Promise<void> {
  const { clusterName, kubernetesDir, certificatesDir } = settings
  // The authority's certificate may come later.
  const certificateAuthority = (await world.disk.read(`${certificatesDir}/${authorities[0]!.baseName}.crt`)) ?? ''
  for (const spec of kubeconfigs) {
    const key = newKey(settings.algorithm)
    const user = spec.user(settings)
    const path = `${kubernetesDir}/${spec.file}`
    const credential = { certificate: '', key }
    const text = writeKubeconfig({ clusterName, server: spec.server(settings), certificateAuthority, user, credential })
    const request = makeRequest({ commonName: user, organizations: spec.organizations }, key)
    print(`[kubeconfig] Generating CSR for ${spec.file} instead of certificate`)
    await world.disk.write(path, text, 0o600)
    await world.disk.write(`${path}.csr`, request, 0o600)
  }
}

async function requireNothing(settings: PkiSettings, { disk }: PkiWorld): Promise<void> {
  const files = [
    ...certificatesOf(settings).flatMap(({ baseName }) => [
      keyFile(settings.certificatesDir, baseName),
      requestFile(settings.certificatesDir, baseName),
    ]),
    ...kubeconfigs.flatMap(({ file }) => [
      `${settings.kubernetesDir}/${file}`,
      `${settings.kubernetesDir}/${file}.csr`,
    ]),
  ]
  for (const file of files) {
    if ((await disk.read(file)) === undefined) continue
    throw new LifecycleError(`${file} exists already: no key is replaced`, {
      hint: 'name empty folders with --cert-dir and --kubeconfig-dir, or move away what is there',
    })
  }
}
