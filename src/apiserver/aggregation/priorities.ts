/** Where a group stands among the groups, and a version in its group: the higher, the earlier. */
export interface Priority {
  readonly group: number
  readonly version: number
}

/** What comes from CustomResourceDefinitions stands behind everything that is built in. */
export const customPriority: Priority = { group: 1000, version: 100 }

/** In the reference's order, which discovery shows. The aggregator's own group has no APIService and comes first. */
const builtIn: Readonly<Record<string, number>> = {
  'apiregistration.k8s.io': 20_000,
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'admissionregistration.k8s.io': 16_700,
  'apiextensions.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'resource.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  'internal.apiserver.k8s.io': 16_000,
  'storagemigration.k8s.io': 15_800,
}

const versions: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
}

/** The priority of what this server has built in; undefined for other groups. */
export function builtInPriority(group: string, version: string): Priority | undefined {
  const priority = builtIn[group]
  return priority === undefined ? undefined : { group: priority, version: versions[`${group}/${version}`] ?? 15 }
}
