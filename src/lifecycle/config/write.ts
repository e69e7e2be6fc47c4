import { goYaml } from '../../base/go-yaml.ts'
import type {
  ClusterConfiguration,
  InitConfiguration,
  JoinConfiguration,
  ResetConfiguration,
  UpgradeConfiguration,
} from './types.ts'

/**
 * Configurations as kubeadm prints them: keys sorted, what is empty left out. Structures stay where kubeadm's are no
 * pointers (`apiServer: {}`), and what says something by being empty.
 */
type Configuration =
  | ClusterConfiguration
  | InitConfiguration
  | JoinConfiguration
  | ResetConfiguration
  | UpgradeConfiguration

export function configurationYaml(configuration: Configuration): string {
  const written = withoutEmpty(configuration) as Record<string, unknown>
  const node = written['nodeRegistration'] as Record<string, unknown> | undefined
  if (node && !('taints' in node)) node['taints'] = null
  return goYaml(written)
}

/** Several documents of one file. */
export const joinDocuments = (documents: readonly string[]): string => documents.join('---\n')

/** What is not the same when it is there and empty: no taints are not the usual ones, and off is not the default. */
const emptyStays = new Set([
  'taints',
  'allowExperimentalUpgrades',
  'allowRCUpgrades',
  'certificateRenewal',
  'etcdUpgrade',
  'forceUpgrade',
  'imagePullSerial',
  'printConfig',
])

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const isEmpty =
        item === undefined ||
        item === null ||
        item === '' ||
        item === false ||
        item === 0 ||
        (Array.isArray(item) && item.length === 0)
      return isEmpty && !(emptyStays.has(key) && item !== undefined) ? [] : [[key, withoutEmpty(item)]]
    }),
  )
}
