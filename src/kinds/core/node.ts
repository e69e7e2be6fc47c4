import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
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
import { ageColumn, nameColumn, textColumn, wideColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { nodeWarnings, validateNode, validateNodeUpdate } from './node-validation.ts'
import { Taint } from './scheduling.ts'

export const ConfigMapNodeConfigSource = object('io.k8s.api.core.v1.ConfigMapNodeConfigSource', '', {
  namespace: required(1, string, ''),
  name: required(2, string, ''),
  uid: optional(3, string, ''),
  resourceVersion: optional(4, string, ''),
  kubeletConfigKey: required(5, string, ''),
})
export interface ConfigMapNodeConfigSource extends Infer<typeof ConfigMapNodeConfigSource> {}

export const NodeConfigSource = object('io.k8s.api.core.v1.NodeConfigSource', '', {
  configMap: explicit(2, ConfigMapNodeConfigSource, ''),
})
export interface NodeConfigSource extends Infer<typeof NodeConfigSource> {}

export const NodeSpec = object('io.k8s.api.core.v1.NodeSpec', '', {
  podCIDR: optional(1, string, ''),
  podCIDRs: optional(7, list(string, { list: 'set', merge: true }), ''),
  providerID: optional(3, string, ''),
  unschedulable: optional(4, bool, ''),
  taints: optional(5, list(Taint, { list: 'atomic' }), ''),
  configSource: explicit(6, NodeConfigSource, ''),
  externalID: optional(2, string, ''),
})
export interface NodeSpec extends Infer<typeof NodeSpec> {}

export const NodeCondition = object('io.k8s.api.core.v1.NodeCondition', '', {
  type: required(1, string, ''),
  status: required(2, string, ''),
  lastHeartbeatTime: embedded(3, time, ''),
  lastTransitionTime: embedded(4, time, ''),
  reason: optional(5, string, ''),
  message: optional(6, string, ''),
})
export interface NodeCondition extends Infer<typeof NodeCondition> {}

export const NodeAddress = object('io.k8s.api.core.v1.NodeAddress', '', {
  type: required(1, string, ''),
  address: required(2, string, ''),
})
export interface NodeAddress extends Infer<typeof NodeAddress> {}

export const DaemonEndpoint = object('io.k8s.api.core.v1.DaemonEndpoint', '', {
  Port: required(1, int32, ''),
})
export interface DaemonEndpoint extends Infer<typeof DaemonEndpoint> {}

export const NodeDaemonEndpoints = object('io.k8s.api.core.v1.NodeDaemonEndpoints', '', {
  kubeletEndpoint: embedded(1, DaemonEndpoint, ''),
})
export interface NodeDaemonEndpoints extends Infer<typeof NodeDaemonEndpoints> {}

export const NodeSwapStatus = object('io.k8s.api.core.v1.NodeSwapStatus', '', {
  capacity: explicit(1, int64, ''),
})
export interface NodeSwapStatus extends Infer<typeof NodeSwapStatus> {}

export const NodeSystemInfo = object('io.k8s.api.core.v1.NodeSystemInfo', '', {
  machineID: required(1, string, ''),
  systemUUID: required(2, string, ''),
  bootID: required(3, string, ''),
  kernelVersion: required(4, string, ''),
  osImage: required(5, string, ''),
  containerRuntimeVersion: required(6, string, ''),
  kubeletVersion: required(7, string, ''),
  kubeProxyVersion: required(8, string, ''),
  operatingSystem: required(9, string, ''),
  architecture: required(10, string, ''),
  swap: explicit(11, NodeSwapStatus, ''),
})
export interface NodeSystemInfo extends Infer<typeof NodeSystemInfo> {}

export const ContainerImage = object('io.k8s.api.core.v1.ContainerImage', '', {
  names: optional(1, list(string, { list: 'atomic' }), ''),
  sizeBytes: optional(2, int64, ''),
})
export interface ContainerImage extends Infer<typeof ContainerImage> {}

export const AttachedVolume = object('io.k8s.api.core.v1.AttachedVolume', '', {
  name: required(1, string, ''),
  devicePath: required(2, string, ''),
})
export interface AttachedVolume extends Infer<typeof AttachedVolume> {}

export const NodeConfigStatus = object('io.k8s.api.core.v1.NodeConfigStatus', '', {
  assigned: explicit(1, NodeConfigSource, ''),
  active: explicit(2, NodeConfigSource, ''),
  lastKnownGood: explicit(3, NodeConfigSource, ''),
  error: optional(4, string, ''),
})
export interface NodeConfigStatus extends Infer<typeof NodeConfigStatus> {}

export const NodeRuntimeHandlerFeatures = object('io.k8s.api.core.v1.NodeRuntimeHandlerFeatures', '', {
  recursiveReadOnlyMounts: explicit(1, bool, ''),
  userNamespaces: explicit(2, bool, ''),
})
export interface NodeRuntimeHandlerFeatures extends Infer<typeof NodeRuntimeHandlerFeatures> {}

export const NodeRuntimeHandler = object('io.k8s.api.core.v1.NodeRuntimeHandler', '', {
  name: optional(1, string, ''),
  features: explicit(2, NodeRuntimeHandlerFeatures, ''),
})
export interface NodeRuntimeHandler extends Infer<typeof NodeRuntimeHandler> {}

export const NodeFeatures = object('io.k8s.api.core.v1.NodeFeatures', '', {
  supplementalGroupsPolicy: explicit(1, bool, ''),
})
export interface NodeFeatures extends Infer<typeof NodeFeatures> {}

export const NodeStatus = object('io.k8s.api.core.v1.NodeStatus', '', {
  capacity: optional(1, map(quantity), ''),
  allocatable: optional(2, map(quantity), ''),
  phase: optional(3, oneOf('Pending', 'Running', 'Terminated'), ''),
  conditions: optional(4, list(NodeCondition, { list: ['type'], merge: 'type' }), ''),
  addresses: optional(5, list(NodeAddress, { list: ['type'], merge: 'type' }), ''),
  daemonEndpoints: embedded(6, NodeDaemonEndpoints, ''),
  nodeInfo: embedded(7, NodeSystemInfo, ''),
  images: optional(8, list(ContainerImage, { list: 'atomic' }), ''),
  volumesInUse: optional(9, list(string, { list: 'atomic' }), ''),
  volumesAttached: optional(10, list(AttachedVolume, { list: 'atomic' }), ''),
  config: explicit(11, NodeConfigStatus, ''),
  runtimeHandlers: optional(12, list(NodeRuntimeHandler, { list: 'atomic' }), ''),
  features: explicit(13, NodeFeatures, ''),
  declaredFeatures: optional(14, list(string, { list: 'atomic' }), ''),
})
export interface NodeStatus extends Infer<typeof NodeStatus> {}

export const nodeSchema = object('io.k8s.api.core.v1.Node', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  spec: embedded(2, NodeSpec, ''),
  status: embedded(3, NodeStatus, ''),
})
export interface Node extends Infer<typeof nodeSchema> {}

export const Node: Kind<Node> = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  storageVersionHash: 'XwShjMxG9Fs=',
  storagePrefix: 'minions',
  schema: nodeSchema,
  subresources: [{ name: 'proxy', kind: 'NodeProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
  nameRule: subdomainNameRule,
  defaults({ spec, status }) {
    if (status.allocatable === undefined && status.capacity !== undefined) status.allocatable = { ...status.capacity }
    if (spec.podCIDRs === undefined && spec.podCIDR) spec.podCIDRs = [spec.podCIDR]
    if (spec.podCIDRs !== undefined) spec.podCIDR = spec.podCIDRs[0]
  },
  prepareUpdate(node, old) {
    node.status = structuredClone(old.status) as Mutable<NodeStatus>
  },
  validate: validateNode,
  validateUpdate(node, old, errors) {
    validateNode(node, errors)
    validateNodeUpdate(node, old, errors)
  },
  warnings: nodeWarnings,
  status: { validateUpdate: validateNodeUpdate },
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec.unschedulable ?? false) },
  columns: [
    nameColumn,
    textColumn('Status', 'Whether the node is ready, and whether pods may be placed on it.', statusText),
    textColumn('Roles', 'What the node is for, as its labels say.', rolesText),
    ageColumn,
    textColumn('Version', 'The version of the kubelet.', ({ status }) => status.nodeInfo.kubeletVersion),
    wideColumn('Internal-IP', 'The address inside the cluster.', (node) => addressOf(node, 'InternalIP')),
    wideColumn('External-IP', 'The address from outside.', (node) => addressOf(node, 'ExternalIP')),
    wideColumn('OS-Image', 'The operating system.', ({ status }) => status.nodeInfo.osImage || '<unknown>'),
    wideColumn('Kernel-Version', 'The kernel, and what it was built for.', kernelText),
    wideColumn(
      'Container-Runtime',
      'The container runtime and its version.',
      ({ status }) => status.nodeInfo.containerRuntimeVersion || '<unknown>',
    ),
  ],
})

function statusText({ spec, status }: Node): string {
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  const health = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return spec.unschedulable ? `${health},SchedulingDisabled` : health
}

const rolePrefix = 'node-role.kubernetes.io/'

function rolesText({ metadata }: Node): string {
  const roles = new Set<string>()
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) roles.add(key.slice(rolePrefix.length))
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(value)
  }
  return roles.size === 0 ? '<none>' : [...roles].sort().join(',')
}

function addressOf({ status }: Node, type: string): string {
  return status.addresses?.find((address) => address.type === type)?.address ?? '<none>'
}

function kernelText({ status: { nodeInfo } }: Node): string {
  if (!nodeInfo.kernelVersion) return '<unknown>'
  return nodeInfo.architecture ? `${nodeInfo.kernelVersion} (${nodeInfo.architecture})` : nodeInfo.kernelVersion
}
