import type { FieldErrors } from '../../../schema/field-errors.ts'
import type { Level, Policy } from './checks.ts'

const prefix = 'pod-security.kubernetes.io'
const levels: readonly Level[] = ['privileged', 'baseline', 'restricted']
const modes = ['enforce', 'audit', 'warn'] as const

export type Mode = (typeof modes)[number]
export type Labels = Readonly<Record<string, string>>

/** Put together once: every pod that is made is looked at in all modes. */
const keys = Object.fromEntries(
  modes.map((mode) => [mode, { level: `${prefix}/${mode}`, version: `${prefix}/${mode}-version` }]),
) as Readonly<Record<Mode, { readonly level: string; readonly version: string }>>

/** What a namespace asks for in a mode. A level that there is not is taken as the strictest. */
export function policyOf(labels: Labels, mode: Mode): Policy {
  const level = labels[keys[mode].level]
  const version = minorOf(labels[keys[mode].version] ?? 'latest')
  if (level === undefined) return { level: 'privileged', version: version ?? 'latest' }
  return { level: isLevel(level) ? level : 'restricted', version: version ?? 'latest' }
}

const isLevel = (text: string): text is Level => (levels as readonly string[]).includes(text)

/** The minor version that a label states; undefined when it states none. */
function minorOf(text: string): number | 'latest' | undefined {
  if (text === 'latest') return 'latest'
  const [, minor] = /^v1\.(0|[1-9]\d{0,3})$/.exec(text) ?? []
  return minor === undefined ? undefined : Number(minor)
}

/** The defaults of a configuration (`enforce`, `enforce-version`, …) as labels, and what is wrong with them. */
export function labelsOfDefaults(fields: Readonly<Record<string, unknown>>): {
  readonly defaults: Labels
  readonly faults: readonly string[]
} {
  const defaults: Record<string, string> = {}
  const faults: string[] = []
  for (const mode of modes) {
    const { [mode]: level, [`${mode}-version`]: version } = fields
    if (typeof level === 'string' && level !== '') defaults[`${prefix}/${mode}`] = level
    if (typeof version === 'string' && version !== '') defaults[`${prefix}/${mode}-version`] = version
    const given = defaults[`${prefix}/${mode}`]
    if (given !== undefined && !isLevel(given)) {
      faults.push(`defaults.${mode}: Invalid value: "${given}": must be one of ${levels.join(', ')}`)
    }
    const minor = defaults[`${prefix}/${mode}-version`]
    if (minor !== undefined && minorOf(minor) === undefined) {
      faults.push(`defaults.${mode}-version: Invalid value: "${minor}": must be "latest" or "v1.x"`)
    }
  }
  return { defaults, faults }
}

export function faultsOfLabels(labels: Labels, errors: FieldErrors): void {
  for (const mode of modes) {
    const key = `${prefix}/${mode}`
    const level = labels[key]
    if (level !== undefined && !isLevel(level)) {
      errors.invalid(`metadata.labels[${key}]`, level, `must be one of ${levels.join(', ')}`)
    }
    const version = labels[`${key}-version`]
    if (version !== undefined && minorOf(version) === undefined) {
      errors.invalid(`metadata.labels[${key}-version]`, version, 'must be "latest" or "v1.x"')
    }
  }
}
