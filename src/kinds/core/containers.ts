import {
  bool,
  embedded,
  explicit,
  type Infer,
  inline,
  int32,
  int64,
  intOrString,
  list,
  map,
  object,
  oneOf,
  optional,
  quantity,
  required,
  string,
} from '../../schema/types.ts'
import { LocalObjectReference, ObjectFieldSelector, ResourceFieldSelector } from './references.ts'
import { SecurityContext } from './security.ts'

export const ConfigMapEnvSource = object('io.k8s.api.core.v1.ConfigMapEnvSource', '', {
  ...inline(1, LocalObjectReference),
  optional: explicit(2, bool, ''),
})
export interface ConfigMapEnvSource extends Infer<typeof ConfigMapEnvSource> {}

export const ConfigMapKeySelector = object(
  'io.k8s.api.core.v1.ConfigMapKeySelector',
  '',
  {
    ...inline(1, LocalObjectReference),
    key: required(2, string, ''),
    optional: explicit(3, bool, ''),
  },
  { atomic: true },
)
export interface ConfigMapKeySelector extends Infer<typeof ConfigMapKeySelector> {}

export const ContainerPort = object('io.k8s.api.core.v1.ContainerPort', '', {
  name: optional(1, string, ''),
  hostPort: optional(2, int32, ''),
  containerPort: required(3, int32, ''),
  protocol: optional(4, oneOf('SCTP', 'TCP', 'UDP'), '', { default: 'TCP' }),
  hostIP: optional(5, string, ''),
})
export interface ContainerPort extends Infer<typeof ContainerPort> {}

export const SecretEnvSource = object('io.k8s.api.core.v1.SecretEnvSource', '', {
  ...inline(1, LocalObjectReference),
  optional: explicit(2, bool, ''),
})
export interface SecretEnvSource extends Infer<typeof SecretEnvSource> {}

export const EnvFromSource = object('io.k8s.api.core.v1.EnvFromSource', '', {
  prefix: optional(1, string, ''),
  configMapRef: explicit(2, ConfigMapEnvSource, ''),
  secretRef: explicit(3, SecretEnvSource, ''),
})
export interface EnvFromSource extends Infer<typeof EnvFromSource> {}

export const SecretKeySelector = object(
  'io.k8s.api.core.v1.SecretKeySelector',
  '',
  {
    ...inline(1, LocalObjectReference),
    key: required(2, string, ''),
    optional: explicit(3, bool, ''),
  },
  { atomic: true },
)
export interface SecretKeySelector extends Infer<typeof SecretKeySelector> {}

export const FileKeySelector = object(
  'io.k8s.api.core.v1.FileKeySelector',
  '',
  {
    volumeName: required(1, string, ''),
    path: required(2, string, ''),
    key: required(3, string, ''),
    optional: explicit(4, bool, ''),
  },
  { atomic: true },
)
export interface FileKeySelector extends Infer<typeof FileKeySelector> {}

export const EnvVarSource = object('io.k8s.api.core.v1.EnvVarSource', '', {
  fieldRef: explicit(1, ObjectFieldSelector, ''),
  resourceFieldRef: explicit(2, ResourceFieldSelector, ''),
  configMapKeyRef: explicit(3, ConfigMapKeySelector, ''),
  secretKeyRef: explicit(4, SecretKeySelector, ''),
  fileKeyRef: explicit(5, FileKeySelector, ''),
})
export interface EnvVarSource extends Infer<typeof EnvVarSource> {}

export const EnvVar = object('io.k8s.api.core.v1.EnvVar', '', {
  name: required(1, string, ''),
  value: optional(2, string, ''),
  valueFrom: explicit(3, EnvVarSource, ''),
})
export interface EnvVar extends Infer<typeof EnvVar> {}

export const ResourceClaim = object('io.k8s.api.core.v1.ResourceClaim', '', {
  name: required(1, string, ''),
  request: optional(2, string, ''),
})
export interface ResourceClaim extends Infer<typeof ResourceClaim> {}

export const ResourceRequirements = object('io.k8s.api.core.v1.ResourceRequirements', '', {
  limits: optional(1, map(quantity), ''),
  requests: optional(2, map(quantity), ''),
  claims: optional(3, list(ResourceClaim, { list: ['name'] }), ''),
})
export interface ResourceRequirements extends Infer<typeof ResourceRequirements> {}

export const ContainerResizePolicy = object('io.k8s.api.core.v1.ContainerResizePolicy', '', {
  resourceName: required(1, string, ''),
  restartPolicy: required(2, string, ''),
})
export interface ContainerResizePolicy extends Infer<typeof ContainerResizePolicy> {}

export const ContainerRestartRuleOnExitCodes = object('io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes', '', {
  operator: required(1, string, ''),
  values: optional(2, list(int32, { list: 'set' }), ''),
})
export interface ContainerRestartRuleOnExitCodes extends Infer<typeof ContainerRestartRuleOnExitCodes> {}

export const ContainerRestartRule = object('io.k8s.api.core.v1.ContainerRestartRule', '', {
  action: required(1, string, ''),
  exitCodes: explicit(2, ContainerRestartRuleOnExitCodes, ''),
})
export interface ContainerRestartRule extends Infer<typeof ContainerRestartRule> {}

export const VolumeMount = object('io.k8s.api.core.v1.VolumeMount', '', {
  name: required(1, string, ''),
  readOnly: optional(2, bool, ''),
  recursiveReadOnly: explicit(7, string, ''),
  mountPath: required(3, string, ''),
  subPath: optional(4, string, ''),
  mountPropagation: explicit(5, oneOf('Bidirectional', 'HostToContainer', 'None'), ''),
  subPathExpr: optional(6, string, ''),
})
export interface VolumeMount extends Infer<typeof VolumeMount> {}

export const VolumeDevice = object('io.k8s.api.core.v1.VolumeDevice', '', {
  name: required(1, string, ''),
  devicePath: required(2, string, ''),
})
export interface VolumeDevice extends Infer<typeof VolumeDevice> {}

export const ExecAction = object('io.k8s.api.core.v1.ExecAction', '', {
  command: optional(1, list(string, { list: 'atomic' }), ''),
})
export interface ExecAction extends Infer<typeof ExecAction> {}

export const HTTPHeader = object('io.k8s.api.core.v1.HTTPHeader', '', {
  name: required(1, string, ''),
  value: required(2, string, ''),
})
export interface HTTPHeader extends Infer<typeof HTTPHeader> {}

export const HTTPGetAction = object('io.k8s.api.core.v1.HTTPGetAction', '', {
  path: optional(1, string, ''),
  port: required(2, intOrString, ''),
  host: optional(3, string, ''),
  scheme: optional(4, oneOf('HTTP', 'HTTPS'), ''),
  httpHeaders: optional(5, list(HTTPHeader, { list: 'atomic' }), ''),
})
export interface HTTPGetAction extends Infer<typeof HTTPGetAction> {}

export const TCPSocketAction = object('io.k8s.api.core.v1.TCPSocketAction', '', {
  port: required(1, intOrString, ''),
  host: optional(2, string, ''),
})
export interface TCPSocketAction extends Infer<typeof TCPSocketAction> {}

export const GRPCAction = object('io.k8s.api.core.v1.GRPCAction', '', {
  port: required(1, int32, ''),
  service: explicit(2, string, ''),
})
export interface GRPCAction extends Infer<typeof GRPCAction> {}

export const ProbeHandler = object('io.k8s.api.core.v1.ProbeHandler', '', {
  exec: explicit(1, ExecAction, ''),
  httpGet: explicit(2, HTTPGetAction, ''),
  tcpSocket: explicit(3, TCPSocketAction, ''),
  grpc: explicit(4, GRPCAction, ''),
})
export interface ProbeHandler extends Infer<typeof ProbeHandler> {}

export const Probe = object('io.k8s.api.core.v1.Probe', '', {
  ...inline(1, ProbeHandler),
  initialDelaySeconds: optional(2, int32, ''),
  timeoutSeconds: optional(3, int32, ''),
  periodSeconds: optional(4, int32, ''),
  successThreshold: optional(5, int32, ''),
  failureThreshold: optional(6, int32, ''),
  terminationGracePeriodSeconds: explicit(7, int64, ''),
})
export interface Probe extends Infer<typeof Probe> {}

export const SleepAction = object('io.k8s.api.core.v1.SleepAction', '', {
  seconds: required(1, int64, ''),
})
export interface SleepAction extends Infer<typeof SleepAction> {}

export const LifecycleHandler = object('io.k8s.api.core.v1.LifecycleHandler', '', {
  exec: explicit(1, ExecAction, ''),
  httpGet: explicit(2, HTTPGetAction, ''),
  tcpSocket: explicit(3, TCPSocketAction, ''),
  sleep: explicit(4, SleepAction, ''),
})
export interface LifecycleHandler extends Infer<typeof LifecycleHandler> {}

export const Lifecycle = object('io.k8s.api.core.v1.Lifecycle', '', {
  postStart: explicit(1, LifecycleHandler, ''),
  preStop: explicit(2, LifecycleHandler, ''),
  stopSignal: explicit(
    3,
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
export interface Lifecycle extends Infer<typeof Lifecycle> {}

export const Container = object('io.k8s.api.core.v1.Container', '', {
  name: required(1, string, ''),
  image: optional(2, string, ''),
  command: optional(3, list(string, { list: 'atomic' }), ''),
  args: optional(4, list(string, { list: 'atomic' }), ''),
  workingDir: optional(5, string, ''),
  ports: optional(6, list(ContainerPort, { list: ['containerPort', 'protocol'], merge: 'containerPort' }), ''),
  envFrom: optional(19, list(EnvFromSource, { list: 'atomic' }), ''),
  env: optional(7, list(EnvVar, { list: ['name'], merge: 'name' }), ''),
  resources: embedded(8, ResourceRequirements, ''),
  resizePolicy: optional(23, list(ContainerResizePolicy, { list: 'atomic' }), ''),
  restartPolicy: explicit(24, string, ''),
  restartPolicyRules: optional(25, list(ContainerRestartRule, { list: 'atomic' }), ''),
  volumeMounts: optional(9, list(VolumeMount, { list: ['mountPath'], merge: 'mountPath' }), ''),
  volumeDevices: optional(21, list(VolumeDevice, { list: ['devicePath'], merge: 'devicePath' }), ''),
  livenessProbe: explicit(10, Probe, ''),
  readinessProbe: explicit(11, Probe, ''),
  startupProbe: explicit(22, Probe, ''),
  lifecycle: explicit(12, Lifecycle, ''),
  terminationMessagePath: optional(13, string, ''),
  terminationMessagePolicy: optional(20, oneOf('FallbackToLogsOnError', 'File'), ''),
  imagePullPolicy: optional(14, oneOf('Always', 'IfNotPresent', 'Never'), ''),
  securityContext: explicit(15, SecurityContext, ''),
  stdin: optional(16, bool, ''),
  stdinOnce: optional(17, bool, ''),
  tty: optional(18, bool, ''),
})
export interface Container extends Infer<typeof Container> {}

export const EphemeralContainerCommon = object('io.k8s.api.core.v1.EphemeralContainerCommon', '', {
  name: required(1, string, ''),
  image: optional(2, string, ''),
  command: optional(3, list(string, { list: 'atomic' }), ''),
  args: optional(4, list(string, { list: 'atomic' }), ''),
  workingDir: optional(5, string, ''),
  ports: optional(6, list(ContainerPort, { list: ['containerPort', 'protocol'], merge: 'containerPort' }), ''),
  envFrom: optional(19, list(EnvFromSource, { list: 'atomic' }), ''),
  env: optional(7, list(EnvVar, { list: ['name'], merge: 'name' }), ''),
  resources: embedded(8, ResourceRequirements, ''),
  resizePolicy: optional(23, list(ContainerResizePolicy, { list: 'atomic' }), ''),
  restartPolicy: explicit(24, string, ''),
  restartPolicyRules: optional(25, list(ContainerRestartRule, { list: 'atomic' }), ''),
  volumeMounts: optional(9, list(VolumeMount, { list: ['mountPath'], merge: 'mountPath' }), ''),
  volumeDevices: optional(21, list(VolumeDevice, { list: ['devicePath'], merge: 'devicePath' }), ''),
  livenessProbe: explicit(10, Probe, ''),
  readinessProbe: explicit(11, Probe, ''),
  startupProbe: explicit(22, Probe, ''),
  lifecycle: explicit(12, Lifecycle, ''),
  terminationMessagePath: optional(13, string, ''),
  terminationMessagePolicy: optional(20, oneOf('FallbackToLogsOnError', 'File'), ''),
  imagePullPolicy: optional(14, oneOf('Always', 'IfNotPresent', 'Never'), ''),
  securityContext: explicit(15, SecurityContext, ''),
  stdin: explicit(16, bool, ''),
  stdinOnce: explicit(17, bool, ''),
  tty: explicit(18, bool, ''),
})
export interface EphemeralContainerCommon extends Infer<typeof EphemeralContainerCommon> {}

export const EphemeralContainer = object('io.k8s.api.core.v1.EphemeralContainer', '', {
  ...inline(1, EphemeralContainerCommon),
  targetContainerName: optional(2, string, ''),
})
export interface EphemeralContainer extends Infer<typeof EphemeralContainer> {}
