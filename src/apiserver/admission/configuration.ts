import { parse } from 'yaml'
import { SettingError } from '../feature-gates.ts'

/** A configuration of plugins that cannot be used. */
export class ConfigurationError extends SettingError {}

export type Fields = Readonly<Record<string, unknown>>

/** What the file of `--admission-control-config-file` says: the configuration of each plugin that it names. */
export type PluginConfigurations = ReadonlyMap<string, Fields>

/**
 * Reads that file (`apiserver.config.k8s.io/v1` `AdmissionConfiguration`). A configuration stands in it, or in a file
 * of its own that `readFile` gives, relative to the folder of this one. Throws `ConfigurationError`.
 */
export async function readPluginConfigurations(
  text: string,
  readFile: (path: string) => Promise<string | undefined>,
): Promise<PluginConfigurations> {
  const { kind, apiVersion, plugins = [] } = fieldsOf(text)
  if (kind !== 'AdmissionConfiguration' || !versions.has(apiVersion as string)) {
    throw new ConfigurationError(
      `no kind "${kind ?? ''}" is registered for version "${apiVersion ?? ''}" in scheme "k8s.io/apiserver/pkg/admission/config.go"`,
    )
  }
  const found = new Map<string, Fields>()
  for (const { name, path, configuration } of plugins as readonly Fields[]) {
    if (typeof name !== 'string') throw new ConfigurationError('plugins: name: Required value')
    if (configuration !== undefined && configuration !== null) found.set(name, configuration as Fields)
    else if (typeof path === 'string' && path !== '') {
      const content = await readFile(path)
      if (content === undefined) throw new ConfigurationError(`open ${path}: no such file or directory`)
      found.set(name, fieldsOf(content))
    }
  }
  return found
}

const versions: ReadonlySet<string> = new Set(['apiserver.config.k8s.io/v1', 'apiserver.k8s.io/v1alpha1'])

/** The fields of a YAML or JSON object. */
export function fieldsOf(text: string): Fields {
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    throw new ConfigurationError(`cannot be read as YAML: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigurationError('is not an object')
  }
  return value as Fields
}
