import { EtcdCareError } from './faults.ts'

/** Versions of etcd, which of them may stand beside which, and what is known to go wrong between them. */
export interface EtcdVersion {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** Reads `3.5.21`, `3.6.0-rc.2`, `v3.4.23`. Throws an `EtcdCareError`. */
export function parseVersion(text: string): EtcdVersion {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text) ?? []
  if (patch === undefined) throw new EtcdCareError(`"${text}" is no version of etcd`)
  return { major: Number(major), minor: Number(minor), patch: Number(patch) }
}

/** Throws an `EtcdCareError` for what this program does not know how to handle. */
export function requireKnownVersion(text: string, where: string): EtcdVersion {
  const version = parseVersion(text)
  if (version.major === 3 && version.minor >= 4 && version.minor <= 6) return version
  throw new EtcdCareError(`${where} is etcd ${text}: versions 3.4 to 3.6 are known`)
}

/**
 * From 3.6 on members are what the v3 store says. Up to 3.5 the v2 store said it, and the two may differ: 3.5.1 to
 * 3.5.19 did not write into v3 that a learner was promoted (etcd issue 19557), restores by 3.4 and
 * `--force-new-cluster` left members there that were long gone. 3.5.26 brings v3 in line when it starts.
 */
const firstRepairing = { minor: 5, patch: 26 }
const losesPromotions = ({ minor, patch }: EtcdVersion) => minor === 5 && patch >= 1 && patch <= 19
const repairs = ({ minor, patch }: EtcdVersion) => minor > 5 || (minor === 5 && patch >= firstRepairing.patch)

export interface VersionedMember {
  readonly name: string
  readonly version: string
}

/** What is to be mended before an upgrade, a line each. */
export function versionWarnings(members: readonly VersionedMember[]): string[] {
  const versions = members.map((member) => ({ ...member, ...parseVersion(member.version) }))
  const minors = [...new Set(versions.map(({ minor }) => minor))].sort()
  const warnings: string[] = []
  if (minors.length > 1) {
    warnings.push(
      `members of 3.${minors.join(' and 3.')} stand side by side: finish the upgrade, one member at a time, before anything else`,
    )
  }
  if (minors.at(-1)! - minors[0]! > 1) warnings.push('minors may not be skipped: upgrade through each one')
  const losing = versions.filter(losesPromotions)
  if (losing.length > 0) {
    warnings.push(
      `${losing.map(({ name, version }) => `${name} (${version})`).join(', ')}: a learner promoted here is a learner again ` +
        'after the step to 3.6 ("too many learner members in cluster"): update to 3.5.26 or later first',
    )
  }
  const stale = versions.filter((version) => !repairs(version))
  if (stale.length > 0 && losing.length === 0) {
    warnings.push(
      `${stale.map(({ name, version }) => `${name} (${version})`).join(', ')}: before the step to 3.6 update to 3.5.26 or ` +
        'later and let all members get healthy: removed members may come back otherwise',
    )
  }
  return warnings
}

/** Throws an `EtcdCareError` when a member of version `joining` must not be added to members of these versions. */
export function requireFittingVersion(joining: string, members: readonly VersionedMember[]): void {
  const next = parseVersion(joining)
  const versions = members.map(({ version }) => parseVersion(version))
  const minors = versions.map(({ minor }) => minor)
  const lowest = Math.min(...minors)
  if (next.minor < lowest) {
    throw new EtcdCareError(`etcd ${joining} cannot join a cluster of 3.${lowest}: it would have to be at least that`)
  }
  if (next.minor > lowest + 1) {
    throw new EtcdCareError(`etcd ${joining} cannot join a cluster of 3.${lowest}: minors may not be skipped`)
  }
  if (next.minor < 6) return
  const stale = members.filter((_, index) => !repairs(versions[index]!))
  if (stale.length === 0) return
  throw new EtcdCareError(
    `etcd ${joining} must not join ${stale.map(({ name, version }) => `${name} (${version})`).join(', ')}: removed members ` +
      'may come back, and promoted ones be learners again',
    { hint: 'update these to 3.5.26 or later first, and let all members get healthy' },
  )
}
