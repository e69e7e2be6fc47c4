import { kinds as builtIn } from '../kinds/index.ts'
import type { Controller } from '../reconciler/controller.ts'
import { RemoteKinds } from '../reconciler/remote-kinds.ts'
import { type Running, type RuntimeOptions, type SpecialController, startController } from '../reconciler/runtime.ts'
import type { Kind } from '../schema/kind.ts'
import { attachDetachController } from './attach-detach.ts'
import { bootstrapSigner } from './bootstrap-signer.ts'
import { certificateApprover } from './certificate-approver.ts'
import { certificateCleaner } from './certificate-cleaner.ts'
import { type CertificateSignerOptions, certificateSigner } from './certificate-signer.ts'
import { clusterRoleAggregationController } from './cluster-role-aggregation.ts'
import { cronJobController } from './cronjob.ts'
import { daemonSetController } from './daemonset.ts'
import { deploymentController } from './deployment.ts'
import { disruptionController } from './disruption.ts'
import { endpointsController } from './endpoints.ts'
import { endpointSliceController } from './endpointslice.ts'
import { endpointSliceMirroringController } from './endpointslice-mirroring.ts'
import { ephemeralVolumeController } from './ephemeral-volume.ts'
import { garbageCollectorController } from './garbage-collector.ts'
import { type AutoscalerOptions, horizontalPodAutoscalerController } from './horizontal-pod-autoscaler.ts'
import { jobControllers } from './job.ts'
import { legacyTokenCleaner } from './legacy-token-cleaner.ts'
import { namespaceController } from './namespace.ts'
import { type NodeIpamOptions, nodeIpamController } from './node-ipam.ts'
import { type NodeLifecycleOptions, nodeLifecycleController } from './node-lifecycle.ts'
import { nodeTtlController } from './node-ttl.ts'
import { persistentVolumeBinder } from './persistentvolume-binder.ts'
import { persistentVolumeExpander } from './persistentvolume-expander.ts'
import { type PodGarbageOptions, podGarbageCollector } from './pod-garbage-collector.ts'
import { replicaSetController } from './replicaset.ts'
import { replicationControllerController } from './replicationcontroller.ts'
import { resourceClaimControllers } from './resource-claim.ts'
import { resourceQuotaController } from './resource-quota.ts'
import { rootCaController } from './root-ca.ts'
import { type ServiceAccountTokenOptions, serviceAccountTokenController } from './service-account-token.ts'
import { serviceAddressRepair } from './service-address-repair.ts'
import { serviceCidrController } from './service-cidr.ts'
import { serviceAccountController } from './serviceaccount.ts'
import { statefulSetController } from './statefulset.ts'
import { storageProtectionControllers } from './storage-protection.ts'
import { taintEvictionController } from './taint-eviction.ts'
import { tokenCleaner } from './token-cleaner.ts'
import { ttlAfterFinishedController } from './ttl-after-finished.ts'
import { validatingAdmissionPolicyStatusController } from './validating-admission-policy-status.ts'
import { volumeDriverControllers } from './volume-driver.ts'

export interface ControllerOptions
  extends NodeIpamOptions,
    NodeLifecycleOptions,
    PodGarbageOptions,
    AutoscalerOptions,
    CertificateSignerOptions,
    ServiceAccountTokenOptions {
  /** The certificate authority of the API server, in PEM; without it nothing is published. */
  readonly rootCertificate?: string
  /** All kinds that are served at the moment, custom resources included; by default the built-in ones. */
  readonly kinds?: () => readonly Kind[]
  /**
   * Which controllers run, as `kube-controller-manager --controllers` says it: `*` for all, `name` for one, `-name` for
   * all but one. All unless said otherwise.
   */
  readonly controllers?: readonly string[]
}

/** Controllers that may be named, and of which nothing runs: they serve a cloud, or what is off in v1.36. */
const withoutWork: readonly string[] = [
  'service-lb-controller',
  'node-route-controller',
  'cloud-node-lifecycle-controller',
  'kube-apiserver-serving-clustertrustbundle-publisher-controller',
  'storageversion-garbage-collector-controller',
  'storage-version-migrator-controller',
  'device-taint-eviction-controller',
  'podcertificaterequest-cleaner-controller',
  'selinux-warning-controller',
]
/** Of which nothing runs unless it is told what it needs. */
const conditional: readonly string[] = [
  'root-ca-certificate-publisher-controller',
  'certificatesigningrequest-signing-controller',
]

/** A name in `controllers` that no controller has. */
export class UnknownControllerError extends Error {}

/**
 * Every controller that is to run. To add one, add a file and a line here. Each call gives new ones, as some
 * remember what they saw.
 */
function controllers(options: ControllerOptions): (Controller | SpecialController)[] {
  const { rootCertificate, signCertificate, kinds = () => builtIn, controllers: chosen = ['*'] } = options
  // The other versions of a resource show the same objects.
  let known: readonly Kind[] = []
  let onePerKnown: readonly Kind[] = []
  const stored = () => {
    // Asked for by several whenever a definition comes, of which there may be thousands: most often nothing else has.
    const now = kinds()
    if (now !== known) onePerKnown = onePerResource(now)
    known = now
    return onePerKnown
  }
  const remoteKinds = new RemoteKinds()
  const all = [
    namespaceController(stored, remoteKinds),
    garbageCollectorController(stored, remoteKinds),
    serviceAccountController,
    serviceAccountTokenController(options),
    clusterRoleAggregationController,
    ...(rootCertificate ? [rootCaController(rootCertificate)] : []),
    replicaSetController,
    replicationControllerController,
    deploymentController,
    daemonSetController(),
    statefulSetController,
    ...jobControllers(),
    cronJobController(),
    ttlAfterFinishedController,
    certificateApprover,
    ...(signCertificate ? [certificateSigner(signCertificate, options.certificateValidityMs)] : []),
    certificateCleaner,
    bootstrapSigner,
    tokenCleaner,
    legacyTokenCleaner,
    endpointsController,
    endpointSliceController,
    endpointSliceMirroringController,
    disruptionController,
    horizontalPodAutoscalerController({ ...options, kinds }),
    resourceQuotaController(stored),
    nodeIpamController(options),
    nodeTtlController(),
    nodeLifecycleController(options),
    taintEvictionController(),
    podGarbageCollector(options),
    ...storageProtectionControllers,
    ...persistentVolumeBinder,
    persistentVolumeExpander,
    attachDetachController(),
    ephemeralVolumeController,
    ...volumeDriverControllers,
    serviceCidrController,
    ...serviceAddressRepair,
    ...resourceClaimControllers,
    validatingAdmissionPolicyStatusController(kinds),
  ]
  const names = new Set([...all.map(({ name }) => name), ...withoutWork, ...conditional])
  const unknown = chosen.find((entry) => entry !== '*' && !names.has(entry.replace(/^-/, '')))
  if (unknown !== undefined) {
    throw new UnknownControllerError(`${JSON.stringify(unknown)} is not in the list of known controllers`)
  }
  return all.filter(({ name }) => isChosen(name, chosen))
}

/** Throws `UnknownControllerError` when a name in `controllers` is none. */
export function requireKnownControllers(options: ControllerOptions): void {
  controllers(options)
}

/** The first entry that names it decides; else whether all are wanted. */
function isChosen(name: string, chosen: readonly string[]): boolean {
  const entry = chosen.find((entry) => entry === name || entry === `-${name}`)
  return entry === undefined ? chosen.includes('*') : entry === name
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

export interface RunningControllers extends Running {
  /**
   * Lets one of those controllers look at one object that work only when they are told to (`RuntimeOptions.stepped`), and
   * says at which; undefined when none waits to be looked at. Throws when it is none of them.
   */
  step(name: string): Promise<string | undefined>
}

/** Starts all controllers; they count as one. */
export function startControllers(runtime: RuntimeOptions, options: ControllerOptions = {}): RunningControllers {
  const { stepped = [] } = runtime
  const chosen = controllers(options)
  const canStep = new Set(chosen.filter((controller) => !('start' in controller)).map(({ name }) => name))
  const strange = stepped.find((name) => !canStep.has(name))
  if (strange !== undefined)
    throw new UnknownControllerError(`${JSON.stringify(strange)} is no controller that can be stepped`)
  const parts = chosen.map((controller) => startController(controller, runtime))
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
    async step(name) {
      if (!stepped.includes(name)) throw new Error(`${name} is not stepped: it works by itself, or not at all`)
      for (const part of parts) {
        const done = part.name === name && 'step' in part ? await part.step() : undefined
        if (done !== undefined) return done
      }
      return undefined
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** What one finishes may be what another waited for. */
async function allIdle(parts: readonly Running[]): Promise<void> {
  for (let busy = parts.filter((part) => part.busy); busy.length > 0; busy = parts.filter((part) => part.busy))
    await Promise.all(busy.map((part) => part.idle()))
}
