import { ConfigError } from './documents.ts'

/** Versions of Kubernetes as configurations name them. */
export interface Version {
  readonly major: number
  readonly minor: number
  readonly patch: number
  /** `rc.1` of `v1.37.0-rc.1`; empty for a release. */
  readonly preRelease: string
}

/** Below 0: the first is the older one. Releases come after what was before them. */
export function compareVersions(one: Version, other: Version): number {
  const difference = one.major - other.major || one.minor - other.minor || one.patch - other.patch
  if (difference !== 0 || one.preRelease === other.preRelease) return difference
  if (one.preRelease === '' || other.preRelease === '') return one.preRelease === '' ? 1 : -1
  return comparePreReleases(one.preRelease.split('.'), other.preRelease.split('.'))
}

/** Part by part: numbers by what they count, `rc.2` before `rc.10`. */
function comparePreReleases(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((part, index) => part !== other[index])
  if (at < 0 || other[at] === undefined) return one.length - other.length
  const [left, right] = [one[at]!, other[at]]
  const isNumeric = /^\d+$/.test(left) && /^\d+$/.test(right)
  return isNumeric ? Number(left) - Number(right) : left < right ? -1 : 1
}

const form = /^v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/

export function parseVersion(text: string): Version | undefined {
  const found = form.exec(text.trim())
  if (!found) return undefined
  const [major, minor, patch] = found.slice(1, 4).map(Number) as [number, number, number]
  return { major, minor, patch, preRelease: found[4]?.slice(1) ?? '' }
}

/**
 * The version that a text names: `1.36.2`, `v1.36.2`, or a label such as `stable-1`, which is the version of this
 * program, since nobody is asked over the network what the newest one is.
 * @throws ConfigError
 */
export function resolveVersion(
  text: string,
  { version, warn }: { readonly version: string; warn(line: string): void },
): string {
  if (parseVersion(text)) return `v${text.trim().replace(/^v/, '')}`
  const label = /^(?:ci\/)?(stable|latest)(?:-(\d+)(?:\.(\d+))?)?$/.exec(text)
  if (!label)
    throw new ConfigError(
      `couldn't parse Kubernetes version ${JSON.stringify(text)}: version ${JSON.stringify(text)} doesn't match patterns for neither semantic version nor labels (stable, latest, ...)`,
    )
  const own = parseVersion(version)!
  if (label[3] !== undefined && Number(label[3]) !== own.minor)
    warn(
      `could not fetch a Kubernetes version for the label ${JSON.stringify(text)}; falling back to the local client version: ${version}`,
    )
  return version
}

/** The minors of Kubernetes that the API server can present itself as. */
export const oldestMinor = 19

/** What of the version is to be known before a cluster of it is made. */
export function versionWarnings(kubernetesVersion: string, program: string): readonly string[] {
  const [asked, own] = [parseVersion(kubernetesVersion)!, parseVersion(program)!]
  if (asked.minor > own.minor)
    return [
      `Kubernetes version is greater than kubeadm version. Please consider to upgrade kubeadm. Kubernetes version: ${kubernetesVersion.replace(/^v/, '')}. Kubeadm version: ${own.major}.${own.minor}.x`,
    ]
  if (asked.minor < own.minor - 1)
    return [
      `this version of kubeadm only supports deploying clusters with the control plane version >= ${own.major}.${own.minor - 1}.0. Current version: ${kubernetesVersion}: images carry that version, the components are those of this program (${program})`,
    ]
  return []
}
