import { shortHumanDuration } from '../../base/duration.ts'
import { formatTime } from '../../base/go-time.ts'
import type { Clock, Disk } from '../../world/world.ts'
import { certificateFile, parseCertificate } from './files.ts'
import { authorityNameOf, type CertificateSet, isExternal, membersOf, nameOf, readMember } from './set.ts'
import type { PkiSettings } from './settings.ts'

/** When a certificate of a set ends. */
export interface Expiry {
  readonly name: string
  /** Milliseconds since 1970; absent when its file is not there. */
  readonly endsAtMs: number | undefined
  /** Whether the authority's key is elsewhere. */
  readonly externallyManaged: boolean
  /** Who has signed it; absent for authorities. */
  readonly authority?: string
}

export interface ExpiryReport {
  readonly certificates: readonly Expiry[]
  readonly authorities: readonly Expiry[]
}

/** @throws LifecycleError when a file cannot be read */
export async function readExpiry(set: CertificateSet, settings: PkiSettings, disk: Disk): Promise<ExpiryReport> {
  const authorities: Expiry[] = []
  for (const spec of set.authorities.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = certificateFile(settings.certificatesDir, spec.baseName)
    const text = await disk.read(path)
    const endsAtMs = text === undefined ? undefined : parseCertificate(text, path).validToDate.getTime()
    authorities.push({ name: spec.name, endsAtMs, externallyManaged: await isExternal(spec, settings, disk) })
  }
  const certificates: Expiry[] = []
  for (const member of membersOf(set)) {
    const authority = authorityNameOf(member)
    const externallyManaged = authorities.find(({ name }) => name === authority)?.externallyManaged ?? false
    const endsAtMs = (await readMember(member, settings, disk))?.validToDate.getTime()
    certificates.push({ name: nameOf(member), endsAtMs, externallyManaged, authority })
  }
  return { certificates, authorities }
}

/** The two tables of `kubeadm certs check-expiration`. */
export function expiryTables({ certificates, authorities }: ExpiryReport, clock: Clock): readonly string[] {
  const ends = ({ endsAtMs = 0 }: Expiry) => [dateOf(endsAtMs), shortHumanDuration(endsAtMs - clock.now())]
  const managed = ({ externallyManaged }: Expiry) => (externallyManaged ? 'yes' : 'no').padEnd(8)
  const isMissing = ({ endsAtMs }: Expiry) => endsAtMs === undefined
  return [
    ...columns([
      ['CERTIFICATE', 'EXPIRES', 'RESIDUAL TIME', 'CERTIFICATE AUTHORITY', 'EXTERNALLY MANAGED'],
      ...certificates.map((each) =>
        isMissing(each)
          ? [`!MISSING! ${each.name}`, '', '', '', '']
          : [each.name, ...ends(each), each.authority ?? '', managed(each)],
      ),
    ]),
    '',
    ...columns([
      ['CERTIFICATE AUTHORITY', 'EXPIRES', 'RESIDUAL TIME', 'EXTERNALLY MANAGED'],
      ...authorities.map((each) =>
        isMissing(each) ? [`!MISSING! ${each.name}`, '', '', ''] : [each.name, ...ends(each), managed(each)],
      ),
    ]),
  ]
}

/** As Go's tabwriter sets kubeadm's tables: three blanks between columns of at least ten; the last is as it is. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const last = rows[0]!.length - 1
  const widths = rows[0]!.map((_, at) => Math.max(10, ...rows.map((row) => row[at]!.length + 3)))
  return rows.map((row) => row.map((cell, at) => (at === last ? cell : cell.padEnd(widths[at]!))).join(''))
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** `Apr 30, 2022 01:46 UTC` */
function dateOf(ms: number): string {
  const date = new Date(ms)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${months[date.getUTCMonth()]} ${two(date.getUTCDate())}, ${date.getUTCFullYear()}`
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())} UTC`
}

/** The object of `check-expiration -o json`. */
export function expiryObject({ certificates, authorities }: ExpiryReport, clock: Clock): object {
  const toObject = ({ name, endsAtMs, externallyManaged, authority }: Expiry) => ({
    name,
    expirationDate: endsAtMs === undefined ? null : formatTime(endsAtMs),
    residualTime: endsAtMs === undefined ? 0 : Math.trunc((endsAtMs - clock.now()) / 1000),
    externallyManaged: endsAtMs !== undefined && externallyManaged,
    ...(authority !== undefined && endsAtMs !== undefined && { caName: authority }),
    missing: endsAtMs === undefined,
  })
  return {
    kind: 'CertificateExpirationInfo',
    apiVersion: 'output.kubeadm.k8s.io/v1alpha3',
    certificates: certificates.map(toObject),
    certificateAuthorities: authorities.map(toObject),
  }
}

const dayMs = 24 * 3_600_000
/** From how long before the end on somebody should care. */
export const warnMs = 30 * dayMs

/** What is about to end, or has: a line each, with what to do about it; the first to end comes first. */
export function expiryWarnings({ certificates, authorities }: ExpiryReport, clock: Clock): readonly string[] {
  const now = clock.now()
  const ending = (list: readonly Expiry[]) =>
    list
      .filter((each) => each.endsAtMs !== undefined && each.endsAtMs - now < warnMs)
      .sort((a, b) => a.endsAtMs! - b.endsAtMs!)
  const say = ({ name, endsAtMs = 0 }: Expiry) => {
    const left = endsAtMs - now
    return left > 0
      ? `certificate ${name} expires in ${shortHumanDuration(left)}, on ${dateOf(endsAtMs)}`
      : `certificate ${name} has expired on ${dateOf(endsAtMs)}`
  }
  const leaves = ending(certificates)
  return [
    ...ending(authorities).map((each) => `${say(each)}; make a new authority: coracle certs rotate-ca ${each.name}`),
    ...leaves.map((each) => `${say(each)}; renew it: coracle certs renew ${leaves.length > 1 ? 'all' : each.name}`),
  ]
}
