import { ConfigurationError, type PluginConfigurations } from './configuration.ts'
import { type PluginEntry, pluginEntries } from './plugins.ts'

/** Which plugins run, and how: what kube-apiserver's flags say. */
export interface AdmissionOptions {
  /** `--enable-admission-plugins`: besides those that are on by default. */
  readonly enable?: readonly string[]
  /** `--disable-admission-plugins`. */
  readonly disable?: readonly string[]
  readonly configurations?: PluginConfigurations
}

/** The plugins that run, in their order. Throws `ConfigurationError` for a name that nobody knows. */
export function selectPlugins({ enable = [], disable = [] }: AdmissionOptions): readonly PluginEntry[] {
  const known = new Set(pluginEntries.map(({ name }) => name))
  const faults = [
    ...enable.filter((name) => !known.has(name)).map((name) => `enable-admission-plugins plugin "${name}" is unknown`),
    ...disable
      .filter((name) => !known.has(name))
      .map((name) => `disable-admission-plugins plugin "${name}" is unknown`),
  ]
  const both = [...new Set(enable)].filter((name) => disable.includes(name)).sort()
  if (both.length > 0) {
    faults.push(`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`)
  }
  if (faults.length > 0) throw new ConfigurationError(faults.length === 1 ? faults[0]! : `[${faults.join(', ')}]`)
  return pluginEntries.filter(({ name, isDefault }) => enable.includes(name) || (isDefault && !disable.includes(name)))
}
