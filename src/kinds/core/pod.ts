import { defineKind, type Kind } from '../../schema/kind.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  int32,
  int64,
  list,
  map,
  object,
  oneOf,
  optional,
  quantity,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { ResourceRequirements } from './containers.ts'
import { PodSpec } from './pod-spec.ts'

export const PodCondition = object('io.k8s.api.core.v1.PodCondition', '', {
  type: required(1, string, ''),
  observedGeneration: optional(7, int64, ''),
  status: required(2, string, ''),
  lastProbeTime: embedded(3, time, ''),
  lastTransitionTime: embedded(4, time, ''),
  reason: optional(5, string, ''),
  message: optional(6, string, ''),
})
export interface PodCondition extends Infer<typeof PodCondition> {}

export const HostIP = object('io.k8s.api.core.v1.HostIP', '', {
  ip: required(1, string, ''),
})
export interface HostIP extends Infer<typeof HostIP> {}

export const PodIP = object('io.k8s.api.core.v1.PodIP', '', {
  ip: required(1, string, ''),
})
export interface PodIP extends Infer<typeof PodIP> {}

export const ContainerStateWaiting = object('io.k8s.api.core.v1.ContainerStateWaiting', '', {
  reason: optional(1, string, ''),
  message: optional(2, string, ''),
})
export interface ContainerStateWaiting extends Infer<typeof ContainerStateWaiting> {}

export const ContainerStateRunning = object('io.k8s.api.core.v1.ContainerStateRunning', '', {
  startedAt: embedded(1, time, ''),
})
export interface ContainerStateRunning extends Infer<typeof ContainerStateRunning> {}

export const ContainerStateTerminated = object('io.k8s.api.core.v1.ContainerStateTerminated', '', {
  exitCode: required(1, int32, ''),
  signal: optional(2, int32, ''),
  reason: optional(3, string, ''),
  message: optional(4, string, ''),
  startedAt: embedded(5, time, ''),
  finishedAt: embedded(6, time, ''),
  containerID: optional(7, string, ''),
})
export interface ContainerStateTerminated extends Infer<typeof ContainerStateTerminated> {}

export const ContainerState = object('io.k8s.api.core.v1.ContainerState', '', {
  waiting: explicit(1, ContainerStateWaiting, ''),
  running: explicit(2, ContainerStateRunning, ''),
  terminated: explicit(3, ContainerStateTerminated, ''),
})
export interface ContainerState extends Infer<typeof ContainerState> {}

export const ImageVolumeStatus = object('io.k8s.api.core.v1.ImageVolumeStatus', '', {
  imageRef: required(1, string, ''),
})
export interface ImageVolumeStatus extends Infer<typeof ImageVolumeStatus> {}

export const VolumeStatus = object('io.k8s.api.core.v1.VolumeStatus', '', {
  image: explicit(1, ImageVolumeStatus, ''),
})
export interface VolumeStatus extends Infer<typeof VolumeStatus> {}

export const VolumeMountStatus = object('io.k8s.api.core.v1.VolumeMountStatus', '', {
  name: required(1, string, ''),
  mountPath: required(2, string, ''),
  readOnly: optional(3, bool, ''),
  recursiveReadOnly: explicit(4, string, ''),
  volumeStatus: explicit(5, VolumeStatus, ''),
})
export interface VolumeMountStatus extends Infer<typeof VolumeMountStatus> {}

export const LinuxContainerUser = object('io.k8s.api.core.v1.LinuxContainerUser', '', {
  uid: required(1, int64, ''),
  gid: required(2, int64, ''),
  supplementalGroups: optional(3, list(int64, { list: 'atomic' }), ''),
})
export interface LinuxContainerUser extends Infer<typeof LinuxContainerUser> {}

export const ContainerUser = object('io.k8s.api.core.v1.ContainerUser', '', {
  linux: explicit(1, LinuxContainerUser, ''),
})
export interface ContainerUser extends Infer<typeof ContainerUser> {}

export const ResourceHealth = object('io.k8s.api.core.v1.ResourceHealth', '', {
  resourceID: required(1, string, ''),
  health: optional(2, string, ''),
  message: optional(6, string, ''),
})
export interface ResourceHealth extends Infer<typeof ResourceHealth> {}

export const ResourceStatus = object('io.k8s.api.core.v1.ResourceStatus', '', {
  name: required(1, string, ''),
  resources: optional(2, list(ResourceHealth, { list: ['resourceID'] }), ''),
})
export interface ResourceStatus extends Infer<typeof ResourceStatus> {}

export const ContainerStatus = object('io.k8s.api.core.v1.ContainerStatus', '', {
  name: required(1, string, ''),
  state: embedded(2, ContainerState, ''),
  lastState: embedded(3, ContainerState, ''),
  ready: required(4, bool, ''),
  restartCount: required(5, int32, ''),
  image: required(6, string, ''),
  imageID: required(7, string, ''),
  containerID: optional(8, string, ''),
  started: explicit(9, bool, ''),
  allocatedResources: optional(10, map(quantity), ''),
  resources: explicit(11, ResourceRequirements, ''),
  volumeMounts: optional(12, list(VolumeMountStatus, { list: ['mountPath'], merge: 'mountPath' }), ''),
  user: explicit(13, ContainerUser, ''),
  allocatedResourcesStatus: optional(14, list(ResourceStatus, { list: ['name'], merge: 'name' }), ''),
  stopSignal: explicit(
    15,
    oneOf(
      'SIGABRT',
      'SIGALRM',
      'SIGBUS',
      'SIGCHLD',
      'SIGCLD',
      'SIGCONT',
      'SIGFPE',
      'SIGHUP',
      'SIGILL',
      'SIGINT',
      'SIGIO',
      'SIGIOT',
      'SIGKILL',
      'SIGPIPE',
      'SIGPOLL',
      'SIGPROF',
      'SIGPWR',
      'SIGQUIT',
      'SIGRTMAX',
      'SIGRTMAX-1',
      'SIGRTMAX-10',
      'SIGRTMAX-11',
      'SIGRTMAX-12',
      'SIGRTMAX-13',
      'SIGRTMAX-14',
      'SIGRTMAX-2',
      'SIGRTMAX-3',
      'SIGRTMAX-4',
      'SIGRTMAX-5',
      'SIGRTMAX-6',
      'SIGRTMAX-7',
      'SIGRTMAX-8',
      'SIGRTMAX-9',
      'SIGRTMIN',
      'SIGRTMIN+1',
      'SIGRTMIN+10',
      'SIGRTMIN+11',
      'SIGRTMIN+12',
      'SIGRTMIN+13',
      'SIGRTMIN+14',
      'SIGRTMIN+15',
      'SIGRTMIN+2',
      'SIGRTMIN+3',
      'SIGRTMIN+4',
      'SIGRTMIN+5',
      'SIGRTMIN+6',
      'SIGRTMIN+7',
      'SIGRTMIN+8',
      'SIGRTMIN+9',
      'SIGSEGV',
      'SIGSTKFLT',
      'SIGSTOP',
      'SIGSYS',
      'SIGTERM',
      'SIGTRAP',
      'SIGTSTP',
      'SIGTTIN',
      'SIGTTOU',
      'SIGURG',
      'SIGUSR1',
      'SIGUSR2',
      'SIGVTALRM',
      'SIGWINCH',
      'SIGXCPU',
      'SIGXFSZ',
    ),
    '',
  ),
})
export interface ContainerStatus extends Infer<typeof ContainerStatus> {}

export const PodResourceClaimStatus = object('io.k8s.api.core.v1.PodResourceClaimStatus', '', {
  name: required(1, string, ''),
  resourceClaimName: explicit(2, string, ''),
})
export interface PodResourceClaimStatus extends Infer<typeof PodResourceClaimStatus> {}

export const ContainerExtendedResourceRequest = object('io.k8s.api.core.v1.ContainerExtendedResourceRequest', '', {
  containerName: required(1, string, ''),
  resourceName: required(2, string, ''),
  requestName: required(3, string, ''),
})
export interface ContainerExtendedResourceRequest extends Infer<typeof ContainerExtendedResourceRequest> {}

export const PodExtendedResourceClaimStatus = object('io.k8s.api.core.v1.PodExtendedResourceClaimStatus', '', {
  requestMappings: required(1, list(ContainerExtendedResourceRequest, { list: 'atomic' }), ''),
  resourceClaimName: required(2, string, ''),
})
export interface PodExtendedResourceClaimStatus extends Infer<typeof PodExtendedResourceClaimStatus> {}

export const NodeAllocatableResourceClaimStatus = object('io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus', '', {
  resourceClaimName: required(1, string, ''),
  containers: optional(2, list(string, { list: 'set' }), ''),
  resources: required(3, map(quantity), ''),
})
export interface NodeAllocatableResourceClaimStatus extends Infer<typeof NodeAllocatableResourceClaimStatus> {}

export const PodStatus = object('io.k8s.api.core.v1.PodStatus', '', {
  observedGeneration: optional(17, int64, ''),
  phase: optional(1, oneOf('Failed', 'Pending', 'Running', 'Succeeded', 'Unknown'), ''),
  conditions: optional(2, list(PodCondition, { list: ['type'], merge: 'type' }), ''),
  message: optional(3, string, ''),
  reason: optional(4, string, ''),
  nominatedNodeName: optional(11, string, ''),
  hostIP: optional(5, string, ''),
  hostIPs: optional(16, list(HostIP, { list: 'atomic', merge: 'ip' }), ''),
  podIP: optional(6, string, ''),
  podIPs: optional(12, list(PodIP, { list: ['ip'], merge: 'ip' }), ''),
  startTime: explicit(7, time, ''),
  initContainerStatuses: optional(10, list(ContainerStatus, { list: 'atomic' }), ''),
  containerStatuses: optional(8, list(ContainerStatus, { list: 'atomic' }), ''),
  qosClass: optional(9, oneOf('BestEffort', 'Burstable', 'Guaranteed'), ''),
  ephemeralContainerStatuses: optional(13, list(ContainerStatus, { list: 'atomic' }), ''),
  resize: optional(14, string, ''),
  resourceClaimStatuses: optional(
    15,
    list(PodResourceClaimStatus, { list: ['name'], merge: 'name', retainKeys: true }),
    '',
  ),
  extendedResourceClaimStatus: explicit(18, PodExtendedResourceClaimStatus, ''),
  allocatedResources: optional(19, map(quantity), ''),
  resources: explicit(20, ResourceRequirements, ''),
  nodeAllocatableResourceClaimStatuses: optional(21, list(NodeAllocatableResourceClaimStatus, { list: 'atomic' }), ''),
})
export interface PodStatus extends Infer<typeof PodStatus> {}

export const podSchema = object('io.k8s.api.core.v1.Pod', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, PodSpec, ''),
  status: embedded(3, PodStatus, ''),
})
export interface Pod extends Infer<typeof podSchema> {}

export const Pod: Kind<Pod> = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  storageVersionHash: 'xPOwRZ+Yhw8=',
  schema: podSchema,
  status: {},
  subresources: [
    { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
    { name: 'binding', kind: 'Binding', verbs: ['create'] },
    { name: 'ephemeralcontainers', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    { name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
    { name: 'proxy', kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
    { name: 'resize', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
  ],
})
