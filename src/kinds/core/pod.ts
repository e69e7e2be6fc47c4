import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
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
import { ResourceRequirements, stopSignal } from './containers.ts'
import { podColumns } from './pod-columns.ts'
import { defaultPod } from './pod-defaults.ts'
import { podGracePeriod, preparePodCreate, preparePodUpdate } from './pod-lifecycle.ts'
import { PodSpec } from './pod-spec.ts'
import { preparePodStatus, validatePodStatus } from './pod-status-validation.ts'
import {
  prepareEphemeralContainers,
  prepareResize,
  validateEphemeralContainersUpdate,
  validateResize,
} from './pod-subresources.ts'
import { validatePodUpdate } from './pod-update-validation.ts'
import { validatePod } from './pod-validation.ts'
import { podWarnings } from './pod-warnings.ts'

export const PodCondition = object('io.k8s.api.core.v1.PodCondition', 'One aspect of the state of a pod.', {
  type: required(1, string, 'Name of the condition: PodScheduled, Initialized, ContainersReady, Ready and others.'),
  observedGeneration: optional(7, int64, 'Generation of the pod on which the condition is based.'),
  status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
  lastProbeTime: embedded(3, time, 'When the condition was last checked.'),
  lastTransitionTime: embedded(4, time, 'When the status last changed from one value to another.'),
  reason: optional(5, string, 'One CamelCase word that says why the condition last changed, for programs.'),
  message: optional(6, string, 'What happened, in words for people.'),
})
export interface PodCondition extends Infer<typeof PodCondition> {}

export const HostIP = object('io.k8s.api.core.v1.HostIP', 'An address of the node of a pod.', {
  ip: required(1, string, 'The IP address.'),
})
export interface HostIP extends Infer<typeof HostIP> {}

export const PodIP = object('io.k8s.api.core.v1.PodIP', 'An address of a pod.', {
  ip: required(1, string, 'The IP address.'),
})
export interface PodIP extends Infer<typeof PodIP> {}

export const ContainerStateWaiting = object(
  'io.k8s.api.core.v1.ContainerStateWaiting',
  'The container does not run yet.',
  {
    reason: optional(1, string, 'Why it waits, as one CamelCase word, such as ImagePullBackOff.'),
    message: optional(2, string, 'Why it waits, in words for people.'),
  },
)
export interface ContainerStateWaiting extends Infer<typeof ContainerStateWaiting> {}

export const ContainerStateRunning = object('io.k8s.api.core.v1.ContainerStateRunning', 'The container runs.', {
  startedAt: embedded(1, time, 'When it was last started.'),
})
export interface ContainerStateRunning extends Infer<typeof ContainerStateRunning> {}

export const ContainerStateTerminated = object(
  'io.k8s.api.core.v1.ContainerStateTerminated',
  'The container has ended.',
  {
    exitCode: required(1, int32, 'Exit code of its main process.'),
    signal: optional(2, int32, 'Signal that ended it; 0 means none.'),
    reason: optional(3, string, 'Why it ended, as one CamelCase word, such as Completed or OOMKilled.'),
    message: optional(4, string, 'Its last words, from the termination message file or the log.'),
    startedAt: embedded(5, time, 'When the container had started.'),
    finishedAt: embedded(6, time, 'When the container ended.'),
    containerID: optional(7, string, 'ID of the ended container, as runtime://id.'),
  },
)
export interface ContainerStateTerminated extends Infer<typeof ContainerStateTerminated> {}

export const ContainerState = object(
  'io.k8s.api.core.v1.ContainerState',
  'State of a container; one member is set, waiting when none is.',
  {
    waiting: explicit(1, ContainerStateWaiting, 'Set while the container waits to run.'),
    running: explicit(2, ContainerStateRunning, 'Set while the container runs.'),
    terminated: explicit(3, ContainerStateTerminated, 'Set when the container has ended.'),
  },
)
export interface ContainerState extends Infer<typeof ContainerState> {}

export const ImageVolumeStatus = object(
  'io.k8s.api.core.v1.ImageVolumeStatus',
  'What is known about an image volume.',
  {
    imageRef: required(1, string, 'Digest of the image that is mounted.'),
  },
)
export interface ImageVolumeStatus extends Infer<typeof ImageVolumeStatus> {}

export const VolumeStatus = object(
  'io.k8s.api.core.v1.VolumeStatus',
  'What is known about a mounted volume, by its kind.',
  {
    image: explicit(1, ImageVolumeStatus, 'The image volume; absent for other volumes.'),
  },
)
export interface VolumeStatus extends Infer<typeof VolumeStatus> {}

export const VolumeMountStatus = object(
  'io.k8s.api.core.v1.VolumeMountStatus',
  'What is known about one mount of a container.',
  {
    name: required(1, string, 'Name of the mount as in volumeMounts.'),
    mountPath: required(2, string, 'Path of the mount as in volumeMounts.'),
    readOnly: optional(3, bool, 'Whether the mount is read-only.'),
    recursiveReadOnly: explicit(4, string, 'Disabled or Enabled; which of the two IfPossible came to.'),
    volumeStatus: explicit(5, VolumeStatus, 'What is known about the volume itself.'),
  },
)
export interface VolumeMountStatus extends Infer<typeof VolumeMountStatus> {}

export const LinuxContainerUser = object(
  'io.k8s.api.core.v1.LinuxContainerUser',
  'User under which the first process of a Linux container runs.',
  {
    uid: required(1, int64, 'User ID of the process.'),
    gid: required(2, int64, 'Primary group ID of the process.'),
    supplementalGroups: optional(3, list(int64, { list: 'atomic' }), 'Further group IDs.'),
  },
)
export interface LinuxContainerUser extends Infer<typeof LinuxContainerUser> {}

export const ContainerUser = object(
  'io.k8s.api.core.v1.ContainerUser',
  'User under which the first process of a container runs.',
  {
    linux: explicit(1, LinuxContainerUser, 'The user on Linux; it may change itself where it has the right to.'),
  },
)
export interface ContainerUser extends Infer<typeof ContainerUser> {}

export const ResourceHealth = object(
  'io.k8s.api.core.v1.ResourceHealth',
  'Health of one device that a container uses.',
  {
    resourceID: required(1, string, 'Identifier of the device; unique for the resource.'),
    health: optional(2, string, 'Healthy, Unhealthy or Unknown; Unknown when nothing has been reported for a while.'),
    message: optional(6, string, 'More about the health, in words for people.'),
  },
)
export interface ResourceHealth extends Infer<typeof ResourceHealth> {}

export const ResourceStatus = object('io.k8s.api.core.v1.ResourceStatus', 'Health of the devices of one resource.', {
  name: required(1, string, 'Name of the resource, or claim:name/request for a resource claim.'),
  resources: optional(2, list(ResourceHealth, { list: ['resourceID'] }), 'Health of each device of the resource.'),
})
export interface ResourceStatus extends Infer<typeof ResourceStatus> {}

export const ContainerStatus = object('io.k8s.api.core.v1.ContainerStatus', 'What is known about a container.', {
  name: required(1, string, 'Name of the container; cannot be changed.'),
  state: embedded(2, ContainerState, 'What the container does now.'),
  lastState: embedded(3, ContainerState, 'How the container ended the last time; empty when it never has.'),
  ready: required(4, bool, 'Whether it passes its readiness probe; always true after the start when it has none.'),
  restartCount: required(
    5,
    int32,
    'How often it has been restarted; may start again from the ended containers that are still there.',
  ),
  image: required(6, string, 'Image that it runs, as the runtime names it.'),
  imageID: required(7, string, 'ID of the image that it runs.'),
  containerID: optional(8, string, 'ID of the container, as runtime://id.'),
  started: explicit(9, bool, 'Whether it has started: its postStart hook and its startup probe have succeeded.'),
  allocatedResources: optional(10, map(quantity), 'Resources that the node has set aside for the container.'),
  resources: explicit(11, ResourceRequirements, 'Requests and limits that are in force on the running container.'),
  volumeMounts: optional(
    12,
    list(VolumeMountStatus, { list: ['mountPath'], merge: 'mountPath' }),
    'What is known about its mounts.',
  ),
  user: explicit(13, ContainerUser, 'User under which its first process runs.'),
  allocatedResourcesStatus: optional(
    14,
    list(ResourceStatus, { list: ['name'], merge: 'name' }),
    'Health of the devices that it uses.',
  ),
  stopSignal: explicit(15, stopSignal, 'Signal that stops the container.'),
})
export interface ContainerStatus extends Infer<typeof ContainerStatus> {}

export const PodResourceClaimStatus = object(
  'io.k8s.api.core.v1.PodResourceClaimStatus',
  'The claim that was made from a template for a pod.',
  {
    name: required(1, string, 'Name of the entry in spec.resourceClaims.'),
    resourceClaimName: explicit(2, string, 'Name of the claim; absent when none was needed.'),
  },
)
export interface PodResourceClaimStatus extends Infer<typeof PodResourceClaimStatus> {}

export const ContainerExtendedResourceRequest = object(
  'io.k8s.api.core.v1.ContainerExtendedResourceRequest',
  'Maps an extended resource of a container to a request in the special claim of the pod.',
  {
    containerName: required(1, string, 'Name of the container.'),
    resourceName: required(2, string, 'Name of the extended resource.'),
    requestName: required(3, string, 'Name of the request in the claim.'),
  },
)
export interface ContainerExtendedResourceRequest extends Infer<typeof ContainerExtendedResourceRequest> {}

export const PodExtendedResourceClaimStatus = object(
  'io.k8s.api.core.v1.PodExtendedResourceClaimStatus',
  'The claim that provides the extended resources of a pod through devices.',
  {
    requestMappings: required(
      1,
      list(ContainerExtendedResourceRequest, { list: 'atomic' }),
      'Which request stands for which extended resource of which container.',
    ),
    resourceClaimName: required(2, string, 'Name of the claim in the namespace of the pod.'),
  },
)
export interface PodExtendedResourceClaimStatus extends Infer<typeof PodExtendedResourceClaimStatus> {}

export const NodeAllocatableResourceClaimStatus = object(
  'io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus',
  'Node resources, such as memory, that a pod gets through a resource claim.',
  {
    resourceClaimName: required(1, string, 'Name of the claim.'),
    containers: optional(2, list(string, { list: 'set' }), 'Names of the containers that use the claim.'),
    resources: required(3, map(quantity), 'Amounts that the claim provides.'),
  },
)
export interface NodeAllocatableResourceClaimStatus extends Infer<typeof NodeAllocatableResourceClaimStatus> {}

export const PodStatus = object(
  'io.k8s.api.core.v1.PodStatus',
  'What is known about a pod; written mostly by its kubelet.',
  {
    observedGeneration: optional(17, int64, 'Generation of the pod on which this status is based.'),
    phase: optional(
      1,
      oneOf('Failed', 'Pending', 'Running', 'Succeeded', 'Unknown'),
      'Where the pod is in its life: Pending, Running, Succeeded, Failed or Unknown.',
    ),
    conditions: optional(
      2,
      list(PodCondition, { list: ['type'], merge: 'type' }),
      'Aspects of the state, such as PodScheduled and Ready.',
    ),
    message: optional(3, string, 'Why the pod is in this state, in words for people.'),
    reason: optional(4, string, 'Why the pod is in this state, as one CamelCase word, such as Evicted.'),
    nominatedNodeName: optional(
      11,
      string,
      'Node on which room is being made for the pod; it may still end up elsewhere.',
    ),
    hostIP: optional(5, string, 'Address of the node; absent until its kubelet has taken up the pod.'),
    hostIPs: optional(16, list(HostIP, { list: 'atomic', merge: 'ip' }), 'Addresses of the node, hostIP first.'),
    podIP: optional(6, string, 'Address of the pod; absent until it has one.'),
    podIPs: optional(
      12,
      list(PodIP, { list: ['ip'], merge: 'ip' }),
      'Addresses of the pod, at most one for each IP family, podIP first.',
    ),
    startTime: explicit(7, time, 'When the kubelet took up the pod, before its images were pulled.'),
    initContainerStatuses: optional(
      10,
      list(ContainerStatus, { list: 'atomic' }),
      'What is known about each init container.',
    ),
    containerStatuses: optional(8, list(ContainerStatus, { list: 'atomic' }), 'What is known about each container.'),
    qosClass: optional(
      9,
      oneOf('BestEffort', 'Burstable', 'Guaranteed'),
      'Guaranteed, Burstable or BestEffort, as follows from requests and limits.',
    ),
    ephemeralContainerStatuses: optional(
      13,
      list(ContainerStatus, { list: 'atomic' }),
      'What is known about each ephemeral container.',
    ),
    resize: optional(
      14,
      string,
      'Deprecated state of a resize; the conditions PodResizePending and PodResizeInProgress have taken its place.',
    ),
    resourceClaimStatuses: optional(
      15,
      list(PodResourceClaimStatus, { list: ['name'], merge: 'name', retainKeys: true }),
      'Claims that were made from templates for the pod.',
    ),
    extendedResourceClaimStatus: explicit(
      18,
      PodExtendedResourceClaimStatus,
      'Claim that provides the extended resources of the pod.',
    ),
    allocatedResources: optional(19, map(quantity), 'Resources that the node has set aside for the pod as a whole.'),
    resources: explicit(20, ResourceRequirements, 'Requests and limits that are in force for the pod as a whole.'),
    nodeAllocatableResourceClaimStatuses: optional(
      21,
      list(NodeAllocatableResourceClaimStatus, { list: 'atomic' }),
      'Node resources that the pod gets through resource claims.',
    ),
  },
)
export interface PodStatus extends Infer<typeof PodStatus> {}

export const podSchema = object('io.k8s.api.core.v1.Pod', 'A group of containers that run together on one node.', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
  spec: embedded(2, PodSpec, 'What is wished of the pod; most of it cannot be changed after creation.'),
  status: embedded(3, PodStatus, 'What is known about the pod.'),
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
  nameRule: subdomainNameRule,
  defaults: defaultPod,
  prepareCreate: preparePodCreate,
  prepareUpdate: preparePodUpdate,
  validate: validatePod,
  validateUpdate: validatePodUpdate,
  warnings: podWarnings,
  status: { prepareUpdate: preparePodStatus, validateUpdate: validatePodStatus },
  sides: {
    resize: { prepareUpdate: prepareResize, validateUpdate: validateResize },
    ephemeralcontainers: {
      prepareUpdate: prepareEphemeralContainers,
      validateUpdate: validateEphemeralContainersUpdate,
    },
  },
  gracePeriod: podGracePeriod,
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status.phase ?? '',
    'status.podIP': ({ status }) => status.podIPs?.[0]?.ip ?? status.podIP ?? '',
    // Selectors may name it, but it never has a value.
    'status.podIPs': () => '',
    'status.nominatedNodeName': ({ status }) => status.nominatedNodeName ?? '',
  },
  // Each node agent asks for the pods of its node.
  indexedFields: ['spec.nodeName'],
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
