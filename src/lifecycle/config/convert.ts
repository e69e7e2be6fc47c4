/**
 * From `v1beta2` and `v1beta3` to `v1beta4`: arguments are a list instead of a map, and how long is waited stands in
 * one place (`timeouts`) instead of in several. Values are as `old-types.ts` has checked them.
 */
type Members = Readonly<Record<string, unknown>>

export interface Converted {
  readonly value: Members
  /** What the kind of another document gets of it: a time that stood in the cluster's configuration is the host's now. */
  readonly initTimeouts?: Members
}

export function convertOld(kind: string, value: Members): Converted {
  if (kind === 'ClusterConfiguration') return convertCluster(value)
  const nodeRegistration = value['nodeRegistration'] as Members | undefined
  const converted: Record<string, unknown> = { ...value }
  if (nodeRegistration) converted['nodeRegistration'] = withListOf('kubeletExtraArgs', nodeRegistration)
  if (kind !== 'JoinConfiguration') return { value: converted }
  const { timeout, ...discovery } = (value['discovery'] ?? {}) as Members
  return {
    value: {
      ...converted,
      ...(value['discovery'] !== undefined && { discovery }),
      ...(timeout !== undefined && { timeouts: { discovery: timeout } }),
    },
  }
}

function convertCluster(value: Members): Converted {
  const { useHyperKubeImage: _, ...cluster } = value
  const converted: Record<string, unknown> = { ...cluster }
  const { timeoutForControlPlane, ...apiServer } = (value['apiServer'] ?? {}) as Members
  if (value['apiServer']) converted['apiServer'] = withListOf('extraArgs', apiServer)
  for (const component of ['controllerManager', 'scheduler']) {
    const settings = value[component] as Members | undefined
    if (settings) converted[component] = withListOf('extraArgs', settings)
  }
  const etcd = value['etcd'] as Members | undefined
  const local = etcd?.['local'] as Members | undefined
  if (local) converted['etcd'] = { ...etcd, local: withListOf('extraArgs', local) }
  const dns = value['dns'] as Members | undefined
  if (dns) {
    const { type: _, ...rest } = dns
    converted['dns'] = rest
  }
  return {
    value: converted,
    ...(timeoutForControlPlane !== undefined && {
      initTimeouts: { controlPlaneComponentHealthCheck: timeoutForControlPlane },
    }),
  }
}

/** Maps have no order: the list is sorted by name. */
function withListOf(key: string, members: Members): Members {
  const args = members[key] as Readonly<Record<string, string>> | undefined
  if (!args) return members
  const names = Object.keys(args).sort()
  return { ...members, [key]: names.map((name) => ({ name, value: args[name] })) }
}
