import { LifecycleError } from '../lifecycle/failure.ts'
import { expiryWarnings, readExpiry } from '../lifecycle/pki/expiry.ts'
import { type CertificateSet, controlPlaneSet, localSet } from '../lifecycle/pki/set.ts'
import { defaultPkiSettings, type PkiSettings } from '../lifecycle/pki/settings.ts'
import { DiskError, type HostWorld } from '../world/world.ts'

/** What of the certificates on this host ends within 30 days, or has ended: of `coracle up`, and of a control plane. */
export async function certificateWarnings(world: HostWorld, dataDir: string): Promise<readonly string[]> {
  const host = { nodeName: world.machine.hostName, advertiseAddress: '127.0.0.1' }
  const local = { ...defaultPkiSettings, ...host, certificatesDir: `${dataDir}/pki` }
  const controlPlane = { ...defaultPkiSettings, ...host }
  const ofUp = await warnings(world, localSet, local)
  return [
    ...ofUp.map((line) => line.replace(/coracle certs \S+ \S+$/, `$& --data-dir ${dataDir}`)),
    ...(await warnings(world, controlPlaneSet(controlPlane), controlPlane)),
  ]
}

async function warnings(world: HostWorld, set: CertificateSet, settings: PkiSettings): Promise<readonly string[]> {
  if ((await world.disk.stat(settings.certificatesDir)) === undefined) return []
  try {
    return expiryWarnings(await readExpiry(set, settings, world.disk), world.clock)
  } catch (error) {
    if (error instanceof LifecycleError || error instanceof DiskError) return [error.message]
    throw error
  }
}
