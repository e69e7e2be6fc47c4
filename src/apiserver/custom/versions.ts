/** Orders versions as Kubernetes does: stable ones first, then beta, then alpha, newer before older; others by name, last. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [read(left), read(right)]
  if (a === undefined || b === undefined) {
    if (a !== b) return a === undefined ? 1 : -1
    return left < right ? -1 : left === right ? 0 : 1
  }
  return b.stage - a.stage || b.major - a.major || b.minor - a.minor
}

const stages = ['alpha', 'beta', '']

function read(version: string): { readonly stage: number; readonly major: number; readonly minor: number } | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  if (match === null) return undefined
  const [, major, stage = '', minor = '0'] = match
  return { stage: stages.indexOf(stage), major: Number(major), minor: Number(minor) }
}
