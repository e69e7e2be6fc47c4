/** What a test in TypeScript imports: `import { startCluster } from 'coracle'`. */

export type { Client, List, Patch, Ref, WatchEvent } from './client/client.ts'
export { type Cluster, type ClusterOptions, kubernetesVersion, startCluster } from './cluster/cluster.ts'
export { ApiError, isAlreadyExists, isConflict, isNotFound } from './schema/status.ts'
export { realWorld } from './world/real.ts'
export { VirtualWorld } from './world/virtual.ts'
