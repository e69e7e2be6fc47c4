import {
  bool,
  explicit,
  type Infer,
  int64,
  list,
  object,
  oneOf,
  optional,
  required,
  string,
} from '../../schema/types.ts'

export const AppArmorProfile = object(
  'io.k8s.api.core.v1.AppArmorProfile',
  'AppArmor profile of a pod or container.',
  {
    type: required(
      1,
      oneOf('Localhost', 'RuntimeDefault', 'Unconfined'),
      'RuntimeDefault, Unconfined, or Localhost for a profile on the node.',
    ),
    localhostProfile: explicit(
      2,
      string,
      'Name of the profile that is loaded on the node; set exactly when type is Localhost.',
    ),
  },
  { unions: [{ discriminator: 'type', fields: { localhostProfile: 'LocalhostProfile' } }] },
)
export interface AppArmorProfile extends Infer<typeof AppArmorProfile> {}

export const Capabilities = object(
  'io.k8s.api.core.v1.Capabilities',
  'Linux capabilities that are added to or taken from what the runtime gives.',
  {
    add: optional(1, list(string, { list: 'atomic' }), 'Capabilities that are added.'),
    drop: optional(
      2,
      list(string, { list: 'atomic' }),
      'Capabilities that are taken away; ALL takes away all of them.',
    ),
  },
)
export interface Capabilities extends Infer<typeof Capabilities> {}

export const SELinuxOptions = object('io.k8s.api.core.v1.SELinuxOptions', 'SELinux labels of a container.', {
  user: optional(1, string, 'SELinux user of the container.'),
  role: optional(2, string, 'SELinux role of the container.'),
  type: optional(3, string, 'SELinux type of the container.'),
  level: optional(4, string, 'SELinux level of the container, such as s0:c123,c456.'),
})
export interface SELinuxOptions extends Infer<typeof SELinuxOptions> {}

export const WindowsSecurityContextOptions = object(
  'io.k8s.api.core.v1.WindowsSecurityContextOptions',
  'Settings that exist only on Windows.',
  {
    gmsaCredentialSpecName: explicit(1, string, 'Name of the GMSA credential spec to use.'),
    gmsaCredentialSpec: explicit(2, string, 'Content of that spec; filled in by the GMSA admission webhook.'),
    runAsUserName: explicit(3, string, 'User that runs the first process; that of the image when absent.'),
    hostProcess: explicit(
      4,
      bool,
      'Whether the container runs as a process of the host; the same for all containers, and needs hostNetwork.',
    ),
  },
)
export interface WindowsSecurityContextOptions extends Infer<typeof WindowsSecurityContextOptions> {}

export const Sysctl = object('io.k8s.api.core.v1.Sysctl', 'A kernel parameter.', {
  name: required(1, string, 'Name of the parameter.'),
  value: required(2, string, 'Value of the parameter.'),
})
export interface Sysctl extends Infer<typeof Sysctl> {}

export const SeccompProfile = object(
  'io.k8s.api.core.v1.SeccompProfile',
  'Seccomp profile of a pod or container.',
  {
    type: required(
      1,
      oneOf('Localhost', 'RuntimeDefault', 'Unconfined'),
      'RuntimeDefault, Unconfined, or Localhost for a file on the node.',
    ),
    localhostProfile: explicit(
      2,
      string,
      'Path of the file below the seccomp directory of the kubelet; set exactly when type is Localhost.',
    ),
  },
  { unions: [{ discriminator: 'type', fields: { localhostProfile: 'LocalhostProfile' } }] },
)
export interface SeccompProfile extends Infer<typeof SeccompProfile> {}

export const PodSecurityContext = object(
  'io.k8s.api.core.v1.PodSecurityContext',
  'Rights of a pod and defaults for its containers, which may override them.',
  {
    seLinuxOptions: explicit(
      1,
      SELinuxOptions,
      'SELinux labels of all containers; absent lets the runtime choose them.',
    ),
    windowsOptions: explicit(8, WindowsSecurityContextOptions, 'Settings for Windows.'),
    runAsUser: explicit(2, int64, 'User ID of the first process; that of the image when absent.'),
    runAsGroup: explicit(6, int64, 'Group ID of the first process; that of the runtime when absent.'),
    runAsNonRoot: explicit(3, bool, 'Whether a container that would run as user 0 is refused.'),
    supplementalGroups: optional(4, list(int64, { list: 'atomic' }), 'Further group IDs of the first process.'),
    supplementalGroupsPolicy: explicit(
      12,
      oneOf('Merge', 'Strict'),
      'Merge adds the groups that the image gives the user, Strict does not; Merge when absent.',
    ),
    fsGroup: explicit(
      5,
      int64,
      'Group that owns the files of volumes which support it; also a group of every process.',
    ),
    sysctls: optional(7, list(Sysctl, { list: 'atomic' }), 'Kernel parameters for the pod.'),
    fsGroupChangePolicy: explicit(
      9,
      oneOf('Always', 'OnRootMismatch'),
      'OnRootMismatch changes owners only when the root of the volume is not right yet; Always when absent.',
    ),
    seccompProfile: explicit(10, SeccompProfile, 'Seccomp profile of the containers.'),
    appArmorProfile: explicit(11, AppArmorProfile, 'AppArmor profile of the containers.'),
    seLinuxChangePolicy: explicit(
      13,
      string,
      'How volumes get their SELinux label: Recursive or MountOption; the latter where possible when absent.',
    ),
  },
)
export interface PodSecurityContext extends Infer<typeof PodSecurityContext> {}

export const SecurityContext = object(
  'io.k8s.api.core.v1.SecurityContext',
  'Rights of a container; they win over those of the pod.',
  {
    capabilities: explicit(1, Capabilities, 'Linux capabilities; absent leaves what the runtime gives.'),
    privileged: explicit(2, bool, 'Whether its processes are as good as root on the node; false when absent.'),
    seLinuxOptions: explicit(3, SELinuxOptions, 'SELinux labels; absent lets the runtime choose them.'),
    windowsOptions: explicit(10, WindowsSecurityContextOptions, 'Settings for Windows.'),
    runAsUser: explicit(4, int64, 'User ID of the first process; that of the image when absent.'),
    runAsGroup: explicit(8, int64, 'Group ID of the first process; that of the runtime when absent.'),
    runAsNonRoot: explicit(5, bool, 'Whether the container is refused when it would run as user 0.'),
    readOnlyRootFilesystem: explicit(6, bool, 'Whether the root file system is read-only; false when absent.'),
    allowPrivilegeEscalation: explicit(
      7,
      bool,
      'Whether a process may gain more rights than its parent; always true for privileged and CAP_SYS_ADMIN.',
    ),
    procMount: explicit(
      9,
      oneOf('Default', 'Unmasked'),
      'Default hides parts of /proc, Unmasked does not and needs hostUsers to be false; Default when absent.',
    ),
    seccompProfile: explicit(11, SeccompProfile, 'Seccomp profile of the container.'),
    appArmorProfile: explicit(12, AppArmorProfile, 'AppArmor profile of the container.'),
  },
)
export interface SecurityContext extends Infer<typeof SecurityContext> {}
