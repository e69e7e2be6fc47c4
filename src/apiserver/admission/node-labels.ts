/** Labels of Kubernetes' own that node agents set on their nodes. */
const own: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'node.kubernetes.io/windows-build',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
])

const ownDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io']
const restricted = 'node-restriction.kubernetes.io'

type Labels = Readonly<Record<string, string>> | undefined

/**
 * The labels that differ and that a node agent may not touch, sorted and joined; empty when there are none. Whoever
 * could label nodes at will could draw other people's pods to them.
 */
export function forbiddenNodeLabels(labels: Labels, before: Labels): string {
  const keys = new Set([...Object.keys(labels ?? {}), ...Object.keys(before ?? {})])
  return [...keys]
    .filter((key) => labels?.[key] !== before?.[key] && isForbidden(key))
    .sort()
    .join(', ')
}

function isForbidden(key: string): boolean {
  const slash = key.indexOf('/')
  const domain = slash < 0 ? '' : key.slice(0, slash)
  if (isBelow(domain, restricted)) return true
  if (!isBelow(domain, 'kubernetes.io') && !isBelow(domain, 'k8s.io')) return false
  return !own.has(key) && !ownDomains.some((each) => isBelow(domain, each))
}

const isBelow = (domain: string, parent: string) => domain === parent || domain.endsWith(`.${parent}`)
