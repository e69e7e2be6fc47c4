import { ConfigurationError, type Fields } from '../configuration.ts'
import { type Labels, labelsOfDefaults } from './labels.ts'

/** What `PodSecurityConfiguration` says (`pod-security.admission.config.k8s.io/v1`). */
export interface PodSecuritySettings {
  /** The labels that a namespace is taken to have where it has none of its own. */
  readonly defaults: Labels
  readonly exempt: {
    readonly usernames: ReadonlySet<string>
    readonly namespaces: ReadonlySet<string>
    readonly runtimeClasses: ReadonlySet<string>
  }
}

/** Throws `ConfigurationError` when a level or a version is none. */
export function podSecuritySettings(configuration: Fields | undefined): PodSecuritySettings {
  const { defaults, faults } = labelsOfDefaults((configuration?.['defaults'] ?? {}) as Fields)
  if (faults.length > 0) throw new ConfigurationError(faults.join(', '))
  const exemptions = (configuration?.['exemptions'] ?? {}) as Fields
  const names = (field: string): ReadonlySet<string> => new Set((exemptions[field] ?? []) as readonly string[])
  return {
    defaults,
    exempt: {
      usernames: names('usernames'),
      namespaces: names('namespaces'),
      runtimeClasses: names('runtimeClasses'),
    },
  }
}
