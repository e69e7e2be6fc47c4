import { kinds as builtIn } from '../kinds/index.ts'
import type { Controller } from '../reconciler/controller.ts'
import { type Running, type RuntimeOptions, type SpecialController, startController } from '../reconciler/runtime.ts'
import type { Kind } from '../schema/kind.ts'
import { clusterRoleAggregationController } from './cluster-role-aggregation.ts'
import { daemonSetController } from './daemonset.ts'
import { deploymentController } from './deployment.ts'
import { disruptionController } from './disruption.ts'
import { endpointsController } from './endpoints.ts'
import { endpointSliceController } from './endpointslice.ts'
import { garbageCollectorController } from './garbage-collector.ts'
import { namespaceController } from './namespace.ts'
import { type NodeLifecycleOptions, nodeLifecycleController } from './node-lifecycle.ts'
import { type PodGarbageOptions, podGarbageCollector } from './pod-garbage-collector.ts'
import { replicaSetController } from './replicaset.ts'
import { replicationControllerController } from './replicationcontroller.ts'
import { resourceQuotaController } from './resource-quota.ts'
import { rootCaController } from './root-ca.ts'
import { serviceAccountTokenController } from './service-account-token.ts'
import { serviceAccountController } from './serviceaccount.ts'
import { statefulSetController } from './statefulset.ts'
import { storageProtectionControllers } from './storage-protection.ts'
import { taintEvictionController } from './taint-eviction.ts'

export interface ControllerOptions extends NodeLifecycleOptions, PodGarbageOptions {
  /** The certificate authority of the API server, in PEM; without it nothing is published. */
  readonly rootCertificate?: string
  /** All kinds that are served at the moment, custom resources included; by default the built-in ones. */
  readonly kinds?: () => readonly Kind[]
  /** Names of controllers that do not run. */
  readonly disabled?: readonly string[]
}

/**
 * Every controller that is not disabled. To add one, add a file and a line here. Each call gives new ones, as some
 * remember what they saw.
 */
function controllers(options: ControllerOptions): (Controller | SpecialController)[] {
  const { rootCertificate, kinds = () => builtIn, disabled = [] } = options
  // The other versions of a resource show the same objects.
  const stored = () => onePerResource(kinds())
  const all = [
    namespaceController(stored),
    garbageCollectorController(stored),
    serviceAccountController,
    serviceAccountTokenController,
    clusterRoleAggregationController,
    ...(rootCertificate ? [rootCaController(rootCertificate)] : []),
    replicaSetController,
    replicationControllerController,
    deploymentController,
    daemonSetController(),
    statefulSetController,
    endpointsController,
    endpointSliceController,
    disruptionController,
    resourceQuotaController(stored),
    nodeLifecycleController(options),
    taintEvictionController(),
    podGarbageCollector(options),
    ...storageProtectionControllers,
  ]
  return all.filter(({ name }) => !disabled.includes(name))
}

/** The version in which objects are stored; where that is not served, the one that is preferred. */
function onePerResource(kinds: readonly Kind[]): readonly Kind[] {
  const stored = new Set(
    kinds.filter(({ storedAs }) => storedAs === undefined).map(({ storagePrefix }) => storagePrefix),
  )
  const seen = new Set<string>()
  return kinds.filter(({ storedAs, storagePrefix }) => {
    if (storedAs !== undefined && (stored.has(storagePrefix) || seen.has(storagePrefix))) return false
    seen.add(storagePrefix)
    return true
  })
}

/** Starts all controllers; they count as one. */
export function startControllers(runtime: RuntimeOptions, options: ControllerOptions = {}): Running {
  const parts = controllers(options).map((controller) => startController(controller, runtime))
  const stop = async () => void (await Promise.all(parts.map((part) => part.stop())))
  return {
    name: 'controllers',
    get busy() {
      return parts.some(({ busy }) => busy)
    },
    get catchesUp() {
      return parts.some(({ catchesUp }) => catchesUp)
    },
    idle: () => allIdle(parts),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** What one finishes may be what another waited for. */
async function allIdle(parts: readonly Running[]): Promise<void> {
  for (let busy = parts.filter((part) => part.busy); busy.length > 0; busy = parts.filter((part) => part.busy))
    await Promise.all(busy.map((part) => part.idle()))
}
