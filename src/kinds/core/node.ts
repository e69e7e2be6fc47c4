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

export const ConfigMapNodeConfigSource = object(
  'io.k8s.api.core.v1.ConfigMapNodeConfigSource',
  'A config map with the configuration of a kubelet; no longer supported.',
  {
    namespace: required(1, string, 'Namespace of the config map.'),
    name: required(2, string, 'Name of the config map.'),
    uid: optional(3, string, 'UID of the config map; only in the status.'),
    resourceVersion: optional(4, string, 'Resource version of the config map; only in the status.'),
    kubeletConfigKey: required(5, string, 'Key of the config map that holds the configuration.'),
  },
)
export interface ConfigMapNodeConfigSource extends Infer<typeof ConfigMapNodeConfigSource> {}

export const NodeConfigSource = object(
  'io.k8s.api.core.v1.NodeConfigSource',
  'Where a kubelet took its configuration from; no longer supported.',
  {
    configMap: explicit(2, ConfigMapNodeConfigSource, 'The config map with the configuration.'),
  },
)
export interface NodeConfigSource extends Infer<typeof NodeConfigSource> {}

export const NodeSpec = object('io.k8s.api.core.v1.NodeSpec', 'What is wished of a node.', {
  podCIDR: optional(
    1,
    string,
    'Network from which the pods of the node get their addresses; equals the first of podCIDRs.',
  ),
  podCIDRs: optional(
    7,
    list(string, { list: 'set', merge: true }),
    'Networks for the pods of the node; at most one for each IP family.',
  ),
  providerID: optional(3, string, 'Identifier of the machine at the cloud provider, as provider://id.'),
  unschedulable: optional(4, bool, 'Whether new pods stay away from the node; kubectl cordon sets it.'),
  taints: optional(5, list(Taint, { list: 'atomic' }), 'Marks that keep away pods which do not tolerate them.'),
  configSource: explicit(6, NodeConfigSource, 'No longer supported.'),
  externalID: optional(2, string, 'No longer used.'),
})
export interface NodeSpec extends Infer<typeof NodeSpec> {}

export const NodeCondition = object('io.k8s.api.core.v1.NodeCondition', 'One aspect of the state of a node.', {
  type: required(
    1,
    string,
    'Name of the condition: Ready, MemoryPressure, DiskPressure, PIDPressure or NetworkUnavailable.',
  ),
  status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
  lastHeartbeatTime: embedded(3, time, 'When the kubelet last confirmed the condition.'),
  lastTransitionTime: embedded(4, time, 'When the status last changed from one value to another.'),
  reason: optional(5, string, 'One CamelCase word that says why the condition last changed, for programs.'),
  message: optional(6, string, 'What happened, in words for people.'),
})
export interface NodeCondition extends Infer<typeof NodeCondition> {}

export const NodeAddress = object('io.k8s.api.core.v1.NodeAddress', 'One address of a node.', {
  type: required(1, string, 'Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS.'),
  address: required(2, string, 'The address itself.'),
})
export interface NodeAddress extends Infer<typeof NodeAddress> {}

export const DaemonEndpoint = object('io.k8s.api.core.v1.DaemonEndpoint', 'The port of a daemon on a node.', {
  Port: required(1, int32, 'Port number of the daemon.'),
})
export interface DaemonEndpoint extends Infer<typeof DaemonEndpoint> {}

export const NodeDaemonEndpoints = object(
  'io.k8s.api.core.v1.NodeDaemonEndpoints',
  'Ports of the daemons that run on a node.',
  {
    kubeletEndpoint: embedded(1, DaemonEndpoint, 'Port of the kubelet.'),
  },
)
export interface NodeDaemonEndpoints extends Infer<typeof NodeDaemonEndpoints> {}

export const NodeSwapStatus = object('io.k8s.api.core.v1.NodeSwapStatus', 'Swap memory of a node.', {
  capacity: explicit(1, int64, 'Size of the swap memory in bytes.'),
})
export interface NodeSwapStatus extends Infer<typeof NodeSwapStatus> {}

export const NodeSystemInfo = object('io.k8s.api.core.v1.NodeSystemInfo', 'Identity and software versions of a node.', {
  machineID: required(1, string, 'Machine ID of the operating system, from /etc/machine-id.'),
  systemUUID: required(2, string, 'UUID of the hardware.'),
  bootID: required(3, string, 'ID of the current boot.'),
  kernelVersion: required(4, string, 'Version of the kernel, as uname -r states it.'),
  osImage: required(5, string, 'Name of the operating system, from /etc/os-release.'),
  containerRuntimeVersion: required(6, string, 'Runtime and version, such as containerd://2.1.0.'),
  kubeletVersion: required(7, string, 'Version of the kubelet.'),
  kubeProxyVersion: required(8, string, 'Deprecated; no longer filled in.'),
  operatingSystem: required(9, string, 'Operating system, such as linux.'),
  architecture: required(10, string, 'Processor architecture, such as amd64.'),
  swap: explicit(11, NodeSwapStatus, 'Swap memory of the node.'),
})
export interface NodeSystemInfo extends Infer<typeof NodeSystemInfo> {}

export const ContainerImage = object('io.k8s.api.core.v1.ContainerImage', 'An image that lies on a node.', {
  names: optional(1, list(string, { list: 'atomic' }), 'Names by which the image is known, tags and digests.'),
  sizeBytes: optional(2, int64, 'Size of the image in bytes.'),
})
export interface ContainerImage extends Infer<typeof ContainerImage> {}

export const AttachedVolume = object('io.k8s.api.core.v1.AttachedVolume', 'A volume that is attached to a node.', {
  name: required(1, string, 'Unique name of the volume.'),
  devicePath: required(2, string, 'Path of the device on the node.'),
})
export interface AttachedVolume extends Infer<typeof AttachedVolume> {}

export const NodeConfigStatus = object(
  'io.k8s.api.core.v1.NodeConfigStatus',
  'State of the kubelet configuration; no longer supported.',
  {
    assigned: explicit(1, NodeConfigSource, 'The configuration that the kubelet is to use.'),
    active: explicit(2, NodeConfigSource, 'The configuration that the kubelet uses.'),
    lastKnownGood: explicit(3, NodeConfigSource, 'The configuration to which the kubelet falls back.'),
    error: optional(4, string, 'Problem with the assigned configuration.'),
  },
)
export interface NodeConfigStatus extends Infer<typeof NodeConfigStatus> {}

export const NodeRuntimeHandlerFeatures = object(
  'io.k8s.api.core.v1.NodeRuntimeHandlerFeatures',
  'What a runtime handler can do.',
  {
    recursiveReadOnlyMounts: explicit(1, bool, 'Whether the handler can mount recursively read-only.'),
    userNamespaces: explicit(2, bool, 'Whether the handler supports user namespaces.'),
  },
)
export interface NodeRuntimeHandlerFeatures extends Infer<typeof NodeRuntimeHandlerFeatures> {}

export const NodeRuntimeHandler = object('io.k8s.api.core.v1.NodeRuntimeHandler', 'A runtime handler of a node.', {
  name: embedded(1, string, 'Name of the handler; empty is the default one.'),
  features: explicit(2, NodeRuntimeHandlerFeatures, 'What the handler can do.'),
})
export interface NodeRuntimeHandler extends Infer<typeof NodeRuntimeHandler> {}

export const NodeFeatures = object(
  'io.k8s.api.core.v1.NodeFeatures',
  'What the container runtime of a node can do, whatever the handler.',
  {
    supplementalGroupsPolicy: explicit(
      1,
      bool,
      'Whether supplementalGroupsPolicy and the user in container statuses are supported.',
    ),
  },
)
export interface NodeFeatures extends Infer<typeof NodeFeatures> {}

export const NodeStatus = object('io.k8s.api.core.v1.NodeStatus', 'What is known about a node.', {
  capacity: optional(1, map(quantity), 'Resources that the node has in all.'),
  allocatable: optional(2, map(quantity), 'Resources that are there for pods: capacity less what the system keeps.'),
  phase: optional(3, oneOf('Pending', 'Running', 'Terminated'), 'Deprecated; never set.'),
  conditions: optional(
    4,
    list(NodeCondition, { list: ['type'], merge: 'type' }),
    'Aspects of the state, such as Ready and MemoryPressure.',
  ),
  addresses: optional(
    5,
    list(NodeAddress, { list: ['type'], merge: 'type' }),
    'Addresses at which the node can be reached.',
  ),
  daemonEndpoints: embedded(6, NodeDaemonEndpoints, 'Ports of the daemons on the node.'),
  nodeInfo: embedded(7, NodeSystemInfo, 'Identity and software versions.'),
  images: optional(8, list(ContainerImage, { list: 'atomic' }), 'Images that lie on the node.'),
  volumesInUse: optional(
    9,
    list(string, { list: 'atomic' }),
    'Attachable volumes that the node has mounted; they are not safe to detach.',
  ),
  volumesAttached: optional(10, list(AttachedVolume, { list: 'atomic' }), 'Volumes that are attached to the node.'),
  config: explicit(11, NodeConfigStatus, 'No longer supported.'),
  runtimeHandlers: optional(12, list(NodeRuntimeHandler, { list: 'atomic' }), 'Runtime handlers that the node offers.'),
  features: explicit(13, NodeFeatures, 'What the container runtime can do.'),
  declaredFeatures: optional(
    14,
    list(string, { list: 'atomic' }),
    'Features on which pods may depend and which the node states to have.',
  ),
})
export interface NodeStatus extends Infer<typeof NodeStatus> {}

export const nodeSchema = object('io.k8s.api.core.v1.Node', 'A machine on which pods run.', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
  spec: embedded(2, NodeSpec, 'What is wished of the node.'),
  status: embedded(3, NodeStatus, 'What is known about the node.'),
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
    node.status = old.status as Mutable<NodeStatus>
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
