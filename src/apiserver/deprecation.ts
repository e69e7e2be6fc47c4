import type { Kind } from '../schema/kind.ts'

/** Kinds that the reference has declared deprecated, with the minor that did and what takes their place. */
const deprecated: Readonly<Record<string, Deprecation>> = {
  'v1 ComponentStatus': { since: 'v1.19+' },
  'v1 Endpoints': { since: 'v1.33+', replacement: 'discovery.k8s.io/v1 EndpointSlice' },
}

interface Deprecation {
  readonly since: string
  readonly replacement?: string
  /** The minor that has it no more. */
  readonly removed?: string
}

/** The minor that serves the kind no more; empty when that is not known. */
export const removedRelease = ({ group, version, kind }: Kind): string =>
  deprecated[`${group === '' ? '' : `${group}/`}${version} ${kind}`]?.removed ?? ''

const warnings = new WeakMap<Kind, string>()

/** What a client of this kind is warned of at every request; empty for most. */
export function deprecationWarning(kind: Kind): string {
  let warning = warnings.get(kind)
  if (warning === undefined) {
    const name = `${kind.group === '' ? '' : `${kind.group}/`}${kind.version} ${kind.kind}`
    const known = deprecated[name]
    warning = known === undefined ? '' : `${name} is deprecated in ${known.since}`
    if (known?.replacement !== undefined) warning += `; use ${known.replacement}`
    warning ||= kind.deprecation ?? ''
    warnings.set(kind, warning)
  }
  return warning
}
