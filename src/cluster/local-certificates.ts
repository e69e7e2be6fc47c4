import { expiryWarnings, readExpiry, warnMs } from '../lifecycle/pki/expiry.ts'
import { renewCertificates } from '../lifecycle/pki/renew.ts'
import { localSet, membersOf, nameOf } from '../lifecycle/pki/set.ts'
import { defaultPkiSettings, type PkiSettings } from '../lifecycle/pki/settings.ts'
import type { ClusterPki } from '../lifecycle/pki-store.ts'
import type { HostWorld } from '../world/world.ts'
import { followFiles } from './components/certificate-files.ts'

/** What a server shows, and whom it believes; changes with the files. */
export interface ServedCertificates {
  readonly certificate: string
  readonly key: string
  readonly clientCa: string
  readonly clientCaKey: string
  readonly frontProxy: ClusterPki['frontProxy']
}

/**
 * Follows the certificates in the folder of `coracle up`: those that somebody has renewed there are used from then on,
 * and those that end within 30 days are renewed.
 */
export async function followCertificates(
  folder: string,
  world: HostWorld,
  signal: AbortSignal,
  use: (certificates: ServedCertificates) => Promise<void>,
): Promise<void> {
  const file = (name: string) => `${folder}/${name}`
  const files = {
    certificate: file('apiserver.crt'),
    key: file('apiserver.key'),
    clientCa: file('ca.crt'),
    clientCaKey: file('ca.key'),
    frontProxyCa: file('front-proxy-ca.crt'),
    frontProxyCertificate: file('front-proxy-client.crt'),
    frontProxyKey: file('front-proxy-client.key'),
  }
  const changed = (now: Readonly<Partial<Record<keyof typeof files, string>>>) => {
    const { certificate = '', key = '', clientCa = '', clientCaKey = '' } = now
    const client = { certificate: now.frontProxyCertificate ?? '', key: now.frontProxyKey ?? '' }
    return use({
      certificate,
      key,
      clientCa,
      clientCaKey,
      frontProxy: { authority: { certificate: now.frontProxyCa ?? '', key: '' }, client },
    })
  }
  await followFiles(files, changed, { ...world, signal })
  void renewInTime(folder, world, signal)
}

const dayMs = 24 * 3_600_000

async function renewInTime(folder: string, world: HostWorld, signal: AbortSignal): Promise<void> {
  const host = { nodeName: world.machine.hostName, advertiseAddress: '127.0.0.1' }
  const settings: PkiSettings = { ...defaultPkiSettings, ...host, certificatesDir: folder }
  const look = async () => {
    try {
      await renewEnding(settings, world)
    } catch (error) {
      world.log('error', 'certificates that are about to end could not be renewed', { error: (error as Error).message })
    }
    if (!signal.aborted) cancel = world.clock.timer(dayMs, () => void look())
  }
  let cancel = () => {}
  signal.addEventListener('abort', () => cancel(), { once: true })
  await look()
}

async function renewEnding(settings: PkiSettings, world: HostWorld): Promise<void> {
  const report = await readExpiry(localSet, settings, world.disk)
  const isEnding = ({ endsAtMs }: { readonly endsAtMs: number | undefined }) =>
    endsAtMs !== undefined && endsAtMs - world.clock.now() < warnMs
  const names = report.certificates.filter(isEnding).map(({ name }) => name)
  const members = membersOf(localSet).filter((member) => names.includes(nameOf(member)))
  const tell = (line: string) => world.log('info', line)
  if (members.length > 0) await renewCertificates(members, settings, world, {}, tell)
  for (const line of expiryWarnings({ certificates: [], authorities: report.authorities }, world.clock)) {
    world.log('warn', line)
  }
}
