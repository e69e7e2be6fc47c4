import { ConfigError } from './documents.ts'

/** kubeadm's own feature gates of v1.36, and what holds where nothing is said. */
export const knownFeatureGates: ReadonlyMap<string, boolean> = new Map([
  ['ControlPlaneKubeletLocalMode', false],
  ['NodeLocalCRISocket', true],
  ['PublicKeysECDSA', false],
  ['RootlessControlPlane', false],
  ['WaitForAllControlPlaneComponents', true],
])

/** Whether a gate is open. */
export function isEnabled(gates: Readonly<Record<string, boolean>> | undefined, name: string): boolean {
  return gates?.[name] ?? knownFeatureGates.get(name) ?? false
}

/**
 * Reads the flag `--feature-gates`: `Name=true,Other=false`.
 * @throws ConfigError in kubeadm's words
 */
export function parseFeatureGates(text: string): Readonly<Record<string, boolean>> {
  const gates: Record<string, boolean> = {}
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue
    const at = part.indexOf('=')
    if (at < 0) throw new ConfigError(`missing bool value for feature-gate key:${part}`)
    const [name, value] = [part.slice(0, at).trim(), part.slice(at + 1).trim()]
    if (!knownFeatureGates.has(name)) throw new ConfigError(`unrecognized feature-gate key: ${name}`)
    if (!/^(true|false|t|f|1|0)$/i.test(value))
      throw new ConfigError(`invalid value ${value} for feature-gate key: ${name}, use true|false instead`)
    gates[name] = /^(true|t|1)$/i.test(value)
  }
  return gates
}
