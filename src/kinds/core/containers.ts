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

/** Every signal by which a container may want to be asked to stop. */
export const stopSignal = oneOf(
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
)

export const ConfigMapEnvSource = object(
  'io.k8s.api.core.v1.ConfigMapEnvSource',
  'Takes every key of a config map as an environment variable.',
  {
    ...inline(1, LocalObjectReference),
    optional: explicit(2, bool, 'Whether the container starts without the variables when the config map is missing.'),
  },
)
export interface ConfigMapEnvSource extends Infer<typeof ConfigMapEnvSource> {}

export const ConfigMapKeySelector = object(
  'io.k8s.api.core.v1.ConfigMapKeySelector',
  'Selects one key of a config map in the namespace of the pod.',
  {
    ...inline(1, LocalObjectReference),
    key: required(2, string, 'The key whose value is taken.'),
    optional: explicit(3, bool, 'Whether the config map or the key may be missing.'),
  },
  { atomic: true },
)
export interface ConfigMapKeySelector extends Infer<typeof ConfigMapKeySelector> {}

export const ContainerPort = object(
  'io.k8s.api.core.v1.ContainerPort',
  'A port on which a container listens; other ports are reachable as well, listing them only informs.',
  {
    name: optional(
      1,
      string,
      'Name for the port, at most 15 characters, unique in the pod; services may use it as targetPort.',
    ),
    hostPort: optional(
      2,
      int32,
      'Port of the node that leads to the container; absent means none. With hostNetwork it equals containerPort.',
    ),
    containerPort: required(3, int32, 'Port inside the container, 1 to 65535.'),
    protocol: optional(4, oneOf('SCTP', 'TCP', 'UDP'), 'Transport protocol; TCP when absent.', { default: 'TCP' }),
    hostIP: optional(5, string, 'Address of the node to which the host port is bound; empty means all.'),
  },
)
export interface ContainerPort extends Infer<typeof ContainerPort> {}

export const SecretEnvSource = object(
  'io.k8s.api.core.v1.SecretEnvSource',
  'Takes every key of a secret as an environment variable.',
  {
    ...inline(1, LocalObjectReference),
    optional: explicit(2, bool, 'Whether the container starts without the variables when the secret is missing.'),
  },
)
export interface SecretEnvSource extends Infer<typeof SecretEnvSource> {}

export const EnvFromSource = object('io.k8s.api.core.v1.EnvFromSource', 'A source of several environment variables.', {
  prefix: optional(1, string, 'Text that is put before every variable name.'),
  configMapRef: explicit(2, ConfigMapEnvSource, 'The config map whose keys become variables.'),
  secretRef: explicit(3, SecretEnvSource, 'The secret whose keys become variables.'),
})
export interface EnvFromSource extends Infer<typeof EnvFromSource> {}

export const SecretKeySelector = object(
  'io.k8s.api.core.v1.SecretKeySelector',
  'Selects one key of a secret in the namespace of the pod.',
  {
    ...inline(1, LocalObjectReference),
    key: required(2, string, 'The key whose value is taken.'),
    optional: explicit(3, bool, 'Whether the secret or the key may be missing.'),
  },
  { atomic: true },
)
export interface SecretKeySelector extends Infer<typeof SecretKeySelector> {}

export const FileKeySelector = object(
  'io.k8s.api.core.v1.FileKeySelector',
  'Selects one variable from an env file that lies in an emptyDir volume.',
  {
    volumeName: required(1, string, 'Name of the emptyDir volume that holds the file.'),
    path: required(2, string, 'Path of the file within the volume; relative and without .. parts.'),
    key: required(3, string, 'Name of the variable in the file.'),
    optional: explicit(4, bool, 'Whether the file or the key may be missing.'),
  },
  { atomic: true },
)
export interface FileKeySelector extends Infer<typeof FileKeySelector> {}

export const EnvVarSource = object(
  'io.k8s.api.core.v1.EnvVarSource',
  'Where the value of an environment variable comes from; exactly one source is set.',
  {
    fieldRef: explicit(1, ObjectFieldSelector, 'A field of the pod, such as metadata.name or status.podIP.'),
    resourceFieldRef: explicit(2, ResourceFieldSelector, 'A resource limit or request of a container.'),
    configMapKeyRef: explicit(3, ConfigMapKeySelector, 'A key of a config map.'),
    secretKeyRef: explicit(4, SecretKeySelector, 'A key of a secret.'),
    fileKeyRef: explicit(5, FileKeySelector, 'A variable in an env file on a volume.'),
  },
)
export interface EnvVarSource extends Infer<typeof EnvVarSource> {}

export const EnvVar = object('io.k8s.api.core.v1.EnvVar', 'An environment variable of a container.', {
  name: required(1, string, 'Name of the variable; any printable ASCII except the equals sign.'),
  value: optional(
    2,
    string,
    'Value, in which $(NAME) stands for another variable and $$ for a dollar sign. Excludes valueFrom.',
  ),
  valueFrom: explicit(3, EnvVarSource, 'Source of the value; may only be set when value is empty.'),
})
export interface EnvVar extends Infer<typeof EnvVar> {}

export const ResourceClaim = object(
  'io.k8s.api.core.v1.ResourceClaim',
  'A resource claim of the pod that a container uses.',
  {
    name: required(1, string, 'Name of an entry in spec.resourceClaims of the pod.'),
    request: optional(2, string, 'The request within the claim that is used; empty means all of them.'),
  },
)
export interface ResourceClaim extends Infer<typeof ResourceClaim> {}

export const ResourceRequirements = object(
  'io.k8s.api.core.v1.ResourceRequirements',
  'How much of each resource a container asks for and may use.',
  {
    limits: optional(1, map(quantity), 'Most that may be used of each resource.'),
    requests: optional(
      2,
      map(quantity),
      'Amounts that scheduling sets aside; a resource without a request takes its limit.',
    ),
    claims: optional(
      3,
      list(ResourceClaim, { list: ['name'] }),
      'Resource claims of the pod that this container may use; cannot be changed.',
    ),
  },
)
export interface ResourceRequirements extends Infer<typeof ResourceRequirements> {}

export const ContainerResizePolicy = object(
  'io.k8s.api.core.v1.ContainerResizePolicy',
  'What a change of one resource does to a running container.',
  {
    resourceName: required(1, string, 'The resource; cpu or memory.'),
    restartPolicy: required(2, string, 'NotRequired changes it in place, RestartContainer restarts the container.'),
  },
)
export interface ContainerResizePolicy extends Infer<typeof ContainerResizePolicy> {}

export const ContainerRestartRuleOnExitCodes = object(
  'io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes',
  'Exit codes to which a restart rule applies.',
  {
    operator: required(1, string, 'How the exit code is compared: In or NotIn.'),
    values: optional(2, list(int32, { list: 'set' }), 'The exit codes; at most 255 of them.'),
  },
)
export interface ContainerRestartRuleOnExitCodes extends Infer<typeof ContainerRestartRuleOnExitCodes> {}

export const ContainerRestartRule = object(
  'io.k8s.api.core.v1.ContainerRestartRule',
  'What to do when a container has ended in a certain way.',
  {
    action: required(
      1,
      string,
      'Restart restarts the container; RestartAllContainers restarts the whole pod in place.',
    ),
    exitCodes: explicit(2, ContainerRestartRuleOnExitCodes, 'The exit codes to which the rule applies.'),
  },
)
export interface ContainerRestartRule extends Infer<typeof ContainerRestartRule> {}

export const VolumeMount = object(
  'io.k8s.api.core.v1.VolumeMount',
  'Mounts a volume of the pod into the file system of a container.',
  {
    name: required(1, string, 'Name of the volume in spec.volumes.'),
    readOnly: optional(2, bool, 'Whether the container may only read.'),
    recursiveReadOnly: explicit(
      7,
      string,
      'Whether mounts below are read-only too: Disabled, IfPossible or Enabled. Needs readOnly.',
    ),
    mountPath: required(3, string, 'Path in the container; must not contain a colon.'),
    subPath: optional(4, string, 'Path within the volume that is mounted; empty means its root.'),
    mountPropagation: explicit(
      5,
      oneOf('Bidirectional', 'HostToContainer', 'None'),
      'How later mounts pass between node and container; None when absent.',
    ),
    subPathExpr: optional(
      6,
      string,
      'As subPath, with $(NAME) replaced by variables of the container. Excludes subPath.',
    ),
  },
)
export interface VolumeMount extends Infer<typeof VolumeMount> {}

export const VolumeDevice = object(
  'io.k8s.api.core.v1.VolumeDevice',
  'Gives a container a volume as a raw block device.',
  {
    name: required(1, string, 'Name of a persistentVolumeClaim volume of the pod whose volume mode is Block.'),
    devicePath: required(2, string, 'Path in the container at which the device appears.'),
  },
)
export interface VolumeDevice extends Infer<typeof VolumeDevice> {}

export const ExecAction = object(
  'io.k8s.api.core.v1.ExecAction',
  'Runs a command in the container; exit code 0 is success.',
  {
    command: optional(
      1,
      list(string, { list: 'atomic' }),
      'Command and arguments; no shell is involved. The working directory is the root of the container.',
    ),
  },
)
export interface ExecAction extends Infer<typeof ExecAction> {}

export const HTTPHeader = object('io.k8s.api.core.v1.HTTPHeader', 'One header of an HTTP request.', {
  name: required(1, string, 'Name of the header; written in its canonical form.'),
  value: required(2, string, 'Value of the header.'),
})
export interface HTTPHeader extends Infer<typeof HTTPHeader> {}

export const HTTPGetAction = object(
  'io.k8s.api.core.v1.HTTPGetAction',
  'Sends an HTTP GET; a status from 200 to 399 is success.',
  {
    path: optional(1, string, 'Path of the URL; / when absent.'),
    port: required(2, intOrString, 'Port number, or name of a port of the container.'),
    host: optional(3, string, 'Host to connect to; the IP of the pod when absent.'),
    scheme: optional(4, oneOf('HTTP', 'HTTPS'), 'HTTP or HTTPS; HTTP when absent. Certificates are not verified.'),
    httpHeaders: optional(5, list(HTTPHeader, { list: 'atomic' }), 'Further headers; a name may occur more than once.'),
  },
)
export interface HTTPGetAction extends Infer<typeof HTTPGetAction> {}

export const TCPSocketAction = object(
  'io.k8s.api.core.v1.TCPSocketAction',
  'Opens a TCP connection; being accepted is success.',
  {
    port: required(1, intOrString, 'Port number, or name of a port of the container.'),
    host: optional(2, string, 'Host to connect to; the IP of the pod when absent.'),
  },
)
export interface TCPSocketAction extends Infer<typeof TCPSocketAction> {}

export const GRPCAction = object('io.k8s.api.core.v1.GRPCAction', 'Asks the gRPC health service.', {
  port: required(1, int32, 'Port number of the gRPC service.'),
  service: explicit(2, string, 'Service name in the health request; empty asks for the server as a whole.'),
})
export interface GRPCAction extends Infer<typeof GRPCAction> {}

export const ProbeHandler = object(
  'io.k8s.api.core.v1.ProbeHandler',
  'The check that a probe performs; exactly one is set.',
  {
    exec: explicit(1, ExecAction, 'Runs a command in the container.'),
    httpGet: explicit(2, HTTPGetAction, 'Sends an HTTP GET.'),
    tcpSocket: explicit(3, TCPSocketAction, 'Opens a TCP connection.'),
    grpc: explicit(4, GRPCAction, 'Asks the gRPC health service.'),
  },
)
export interface ProbeHandler extends Infer<typeof ProbeHandler> {}

export const Probe = object('io.k8s.api.core.v1.Probe', 'A check that the kubelet repeats on a container.', {
  ...inline(1, ProbeHandler),
  initialDelaySeconds: optional(2, int32, 'Seconds between the start of the container and the first check.'),
  timeoutSeconds: optional(3, int32, 'Seconds after which a check has failed; 1 when absent.'),
  periodSeconds: optional(4, int32, 'Seconds from one check to the next; 10 when absent.'),
  successThreshold: optional(
    5,
    int32,
    'Successes in a row that count as success after a failure; 1 when absent, and always 1 for liveness and startup.',
  ),
  failureThreshold: optional(6, int32, 'Failures in a row that count as failure after a success; 3 when absent.'),
  terminationGracePeriodSeconds: explicit(
    7,
    int64,
    'Seconds to end in when the probe kills the container; absent takes that of the pod. Not for readiness.',
  ),
})
export interface Probe extends Infer<typeof Probe> {}

export const SleepAction = object('io.k8s.api.core.v1.SleepAction', 'Waits for a number of seconds.', {
  seconds: required(1, int64, 'How many seconds to wait.'),
})
export interface SleepAction extends Infer<typeof SleepAction> {}

export const LifecycleHandler = object(
  'io.k8s.api.core.v1.LifecycleHandler',
  'What to do at one point in the life of a container; exactly one action is set.',
  {
    exec: explicit(1, ExecAction, 'Runs a command in the container.'),
    httpGet: explicit(2, HTTPGetAction, 'Sends an HTTP GET.'),
    tcpSocket: explicit(3, TCPSocketAction, 'Not carried out; kept for compatibility.'),
    sleep: explicit(4, SleepAction, 'Waits for a number of seconds.'),
  },
)
export interface LifecycleHandler extends Infer<typeof LifecycleHandler> {}

export const Lifecycle = object(
  'io.k8s.api.core.v1.Lifecycle',
  'What the kubelet does right after a container has started and before it stops.',
  {
    postStart: explicit(
      1,
      LifecycleHandler,
      'Runs as soon as the container has been created; when it fails, the container is killed and restarted by its policy.',
    ),
    preStop: explicit(
      2,
      LifecycleHandler,
      'Runs before the container is stopped, within the grace period; not when it has ended by itself.',
    ),
    stopSignal: explicit(
      3,
      stopSignal,
      'Signal that stops the container; absent takes that of the image, or SIGTERM. Needs spec.os.name.',
    ),
  },
)
export interface Lifecycle extends Infer<typeof Lifecycle> {}

export const Container = object(
  'io.k8s.api.core.v1.Container',
  'One container of a pod: its image, command, resources and probes.',
  {
    name: required(1, string, 'Name of the container; a DNS label, unique in the pod, cannot be changed.'),
    image: optional(2, string, 'Image reference.'),
    command: optional(
      3,
      list(string, { list: 'atomic' }),
      'Replaces the entrypoint of the image. $(NAME) stands for a variable, $$ for a dollar sign.',
    ),
    args: optional(
      4,
      list(string, { list: 'atomic' }),
      'Replaces the arguments of the image. $(NAME) stands for a variable, $$ for a dollar sign.',
    ),
    workingDir: optional(5, string, 'Working directory; absent takes that of the image.'),
    ports: optional(
      6,
      list(ContainerPort, { list: ['containerPort', 'protocol'], merge: 'containerPort' }),
      'Ports on which the container listens.',
    ),
    envFrom: optional(
      19,
      list(EnvFromSource, { list: 'atomic' }),
      'Sources of several variables; later sources win, and env wins over them.',
    ),
    env: optional(7, list(EnvVar, { list: ['name'], merge: 'name' }), 'Environment variables.'),
    resources: embedded(8, ResourceRequirements, 'What the container asks for and may use of each resource.'),
    resizePolicy: optional(
      23,
      list(ContainerResizePolicy, { list: 'atomic' }),
      'What a change of resources does to the running container.',
    ),
    restartPolicy: explicit(
      24,
      string,
      'When the container is restarted: Always, OnFailure or Never. On an init container, Always makes it a sidecar.',
    ),
    restartPolicyRules: optional(
      25,
      list(ContainerRestartRule, { list: 'atomic' }),
      'Rules that are tried in order before restartPolicy decides; the first that matches wins.',
    ),
    volumeMounts: optional(
      9,
      list(VolumeMount, { list: ['mountPath'], merge: 'mountPath' }),
      'Volumes that are mounted into the file system of the container.',
    ),
    volumeDevices: optional(
      21,
      list(VolumeDevice, { list: ['devicePath'], merge: 'devicePath' }),
      'Volumes that the container sees as block devices.',
    ),
    livenessProbe: explicit(10, Probe, 'Check whose failure restarts the container.'),
    readinessProbe: explicit(11, Probe, 'Check whose failure makes the pod unready, so that services leave it out.'),
    startupProbe: explicit(
      22,
      Probe,
      'Check that must succeed before the other probes begin; its failure restarts the container.',
    ),
    lifecycle: explicit(12, Lifecycle, 'Actions after the start and before the stop.'),
    terminationMessagePath: optional(
      13,
      string,
      'File from which the last words of the container are read; /dev/termination-log when absent.',
    ),
    terminationMessagePolicy: optional(
      20,
      oneOf('FallbackToLogsOnError', 'File'),
      'File reads the message only from that file; FallbackToLogsOnError takes the end of the log when it is empty.',
    ),
    imagePullPolicy: optional(
      14,
      oneOf('Always', 'IfNotPresent', 'Never'),
      'When the image is pulled; absent means Always for the tag latest or none, else IfNotPresent.',
    ),
    securityContext: explicit(15, SecurityContext, 'Rights of the container; its fields win over those of the pod.'),
    stdin: optional(16, bool, 'Whether the container keeps a standard input open, so that a client can attach.'),
    stdinOnce: optional(17, bool, 'Whether the standard input is closed for good after the first client has detached.'),
    tty: optional(18, bool, 'Whether the container gets a terminal; needs stdin.'),
  },
)
export interface Container extends Infer<typeof Container> {}

export const EphemeralContainerCommon = object(
  'io.k8s.api.core.v1.EphemeralContainerCommon',
  'The fields that an ephemeral container shares with other containers.',
  {
    name: required(1, string, 'Name of the container; unique among all containers of the pod.'),
    image: optional(2, string, 'Image reference.'),
    command: optional(
      3,
      list(string, { list: 'atomic' }),
      'Replaces the entrypoint of the image. $(NAME) stands for a variable, $$ for a dollar sign.',
    ),
    args: optional(
      4,
      list(string, { list: 'atomic' }),
      'Replaces the arguments of the image. $(NAME) stands for a variable, $$ for a dollar sign.',
    ),
    workingDir: optional(5, string, 'Working directory; absent takes that of the image.'),
    ports: optional(
      6,
      list(ContainerPort, { list: ['containerPort', 'protocol'], merge: 'containerPort' }),
      'Not allowed for ephemeral containers.',
    ),
    envFrom: optional(
      19,
      list(EnvFromSource, { list: 'atomic' }),
      'Sources of several variables; later sources win, and env wins over them.',
    ),
    env: optional(7, list(EnvVar, { list: ['name'], merge: 'name' }), 'Environment variables.'),
    resources: embedded(
      8,
      ResourceRequirements,
      'Not allowed for ephemeral containers; they use what the pod has left.',
    ),
    resizePolicy: optional(
      23,
      list(ContainerResizePolicy, { list: 'atomic' }),
      'Not allowed for ephemeral containers.',
    ),
    restartPolicy: explicit(24, string, 'Not allowed for ephemeral containers; they are never restarted.'),
    restartPolicyRules: optional(
      25,
      list(ContainerRestartRule, { list: 'atomic' }),
      'Not allowed for ephemeral containers.',
    ),
    volumeMounts: optional(
      9,
      list(VolumeMount, { list: ['mountPath'], merge: 'mountPath' }),
      'Volumes of the pod that are mounted; subPath is not allowed.',
    ),
    volumeDevices: optional(
      21,
      list(VolumeDevice, { list: ['devicePath'], merge: 'devicePath' }),
      'Volumes that the container sees as block devices.',
    ),
    livenessProbe: explicit(10, Probe, 'Not allowed for ephemeral containers.'),
    readinessProbe: explicit(11, Probe, 'Not allowed for ephemeral containers.'),
    startupProbe: explicit(22, Probe, 'Not allowed for ephemeral containers.'),
    lifecycle: explicit(12, Lifecycle, 'Not allowed for ephemeral containers.'),
    terminationMessagePath: optional(
      13,
      string,
      'File from which the last words of the container are read; /dev/termination-log when absent.',
    ),
    terminationMessagePolicy: optional(
      20,
      oneOf('FallbackToLogsOnError', 'File'),
      'File reads the message only from that file; FallbackToLogsOnError takes the end of the log when it is empty.',
    ),
    imagePullPolicy: optional(
      14,
      oneOf('Always', 'IfNotPresent', 'Never'),
      'When the image is pulled; absent means Always for the tag latest or none, else IfNotPresent.',
    ),
    securityContext: explicit(15, SecurityContext, 'Rights of the container; its fields win over those of the pod.'),
    stdin: explicit(16, bool, 'Whether the container keeps a standard input open, so that a client can attach.'),
    stdinOnce: explicit(17, bool, 'Whether the standard input is closed for good after the first client has detached.'),
    tty: explicit(18, bool, 'Whether the container gets a terminal; needs stdin.'),
  },
)
export interface EphemeralContainerCommon extends Infer<typeof EphemeralContainerCommon> {}

export const EphemeralContainer = object(
  'io.k8s.api.core.v1.EphemeralContainer',
  'A container added to a running pod for debugging; never restarted, and cannot be removed.',
  {
    ...inline(1, EphemeralContainerCommon),
    targetContainerName: optional(
      2,
      string,
      'Container whose process namespace is shared; empty means that of the pod.',
    ),
  },
)
export interface EphemeralContainer extends Infer<typeof EphemeralContainer> {}
