/** What a test in TypeScript imports: `import { startCluster } from 'coracle'`. */

export type { Client, List, Patch, Ref, WatchEvent } from './client/client.ts'
export {
  type Cluster,
  type ClusterOptions,
  type ForkOptions,
  kubernetesVersion,
  startCluster,
} from './cluster/cluster.ts'
export { DaemonSet } from './kinds/apps/daemon-set.ts'
export { Deployment } from './kinds/apps/deployment.ts'
export { ReplicaSet } from './kinds/apps/replica-set.ts'
export { StatefulSet } from './kinds/apps/stateful-set.ts'
export { HorizontalPodAutoscaler } from './kinds/autoscaling/horizontal-pod-autoscaler.ts'
export { CronJob } from './kinds/batch/cron-job.ts'
export { Job } from './kinds/batch/job.ts'
export { Lease } from './kinds/coordination/lease.ts'
export { ConfigMap } from './kinds/core/config-map.ts'
export { Event } from './kinds/core/event.ts'
export { Namespace } from './kinds/core/namespace.ts'
export { Node } from './kinds/core/node.ts'
export { PersistentVolumeClaim } from './kinds/core/persistent-volume-claim.ts'
export { Pod } from './kinds/core/pod.ts'
export { Secret } from './kinds/core/secret.ts'
export { Service } from './kinds/core/service.ts'
export { ServiceAccount } from './kinds/core/service-account.ts'
export { EndpointSlice } from './kinds/discovery/endpoint-slice.ts'
export { kinds } from './kinds/index.ts'
export { NodeMetrics } from './kinds/metrics/node-metrics.ts'
export { PodMetrics } from './kinds/metrics/pod-metrics.ts'
export { PodDisruptionBudget } from './kinds/policy/pod-disruption-budget.ts'
export { ApiError, isAlreadyExists, isConflict, isNotFound } from './schema/status.ts'
export { realWorld } from './world/real.ts'
export { VirtualWorld } from './world/virtual.ts'
