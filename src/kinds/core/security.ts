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
  '',
  {
    type: required(1, oneOf('Localhost', 'RuntimeDefault', 'Unconfined'), ''),
    localhostProfile: explicit(2, string, ''),
  },
  { unions: [{ discriminator: 'type', fields: { localhostProfile: 'LocalhostProfile' } }] },
)
export interface AppArmorProfile extends Infer<typeof AppArmorProfile> {}

export const Capabilities = object('io.k8s.api.core.v1.Capabilities', '', {
  add: optional(1, list(string, { list: 'atomic' }), ''),
  drop: optional(2, list(string, { list: 'atomic' }), ''),
})
export interface Capabilities extends Infer<typeof Capabilities> {}

export const SELinuxOptions = object('io.k8s.api.core.v1.SELinuxOptions', '', {
  user: optional(1, string, ''),
  role: optional(2, string, ''),
  type: optional(3, string, ''),
  level: optional(4, string, ''),
})
export interface SELinuxOptions extends Infer<typeof SELinuxOptions> {}

export const WindowsSecurityContextOptions = object('io.k8s.api.core.v1.WindowsSecurityContextOptions', '', {
  gmsaCredentialSpecName: explicit(1, string, ''),
  gmsaCredentialSpec: explicit(2, string, ''),
  runAsUserName: explicit(3, string, ''),
  hostProcess: explicit(4, bool, ''),
})
export interface WindowsSecurityContextOptions extends Infer<typeof WindowsSecurityContextOptions> {}

export const Sysctl = object('io.k8s.api.core.v1.Sysctl', '', {
  name: required(1, string, ''),
  value: required(2, string, ''),
})
export interface Sysctl extends Infer<typeof Sysctl> {}

export const SeccompProfile = object(
  'io.k8s.api.core.v1.SeccompProfile',
  '',
  {
    type: required(1, oneOf('Localhost', 'RuntimeDefault', 'Unconfined'), ''),
    localhostProfile: explicit(2, string, ''),
  },
  { unions: [{ discriminator: 'type', fields: { localhostProfile: 'LocalhostProfile' } }] },
)
export interface SeccompProfile extends Infer<typeof SeccompProfile> {}

export const PodSecurityContext = object('io.k8s.api.core.v1.PodSecurityContext', '', {
  seLinuxOptions: explicit(1, SELinuxOptions, ''),
  windowsOptions: explicit(8, WindowsSecurityContextOptions, ''),
  runAsUser: explicit(2, int64, ''),
  runAsGroup: explicit(6, int64, ''),
  runAsNonRoot: explicit(3, bool, ''),
  supplementalGroups: optional(4, list(int64, { list: 'atomic' }), ''),
  supplementalGroupsPolicy: explicit(12, oneOf('Merge', 'Strict'), ''),
  fsGroup: explicit(5, int64, ''),
  sysctls: optional(7, list(Sysctl, { list: 'atomic' }), ''),
  fsGroupChangePolicy: explicit(9, oneOf('Always', 'OnRootMismatch'), ''),
  seccompProfile: explicit(10, SeccompProfile, ''),
  appArmorProfile: explicit(11, AppArmorProfile, ''),
  seLinuxChangePolicy: explicit(13, string, ''),
})
export interface PodSecurityContext extends Infer<typeof PodSecurityContext> {}

export const SecurityContext = object('io.k8s.api.core.v1.SecurityContext', '', {
  capabilities: explicit(1, Capabilities, ''),
  privileged: explicit(2, bool, ''),
  seLinuxOptions: explicit(3, SELinuxOptions, ''),
  windowsOptions: explicit(10, WindowsSecurityContextOptions, ''),
  runAsUser: explicit(4, int64, ''),
  runAsGroup: explicit(8, int64, ''),
  runAsNonRoot: explicit(5, bool, ''),
  readOnlyRootFilesystem: explicit(6, bool, ''),
  allowPrivilegeEscalation: explicit(7, bool, ''),
  procMount: explicit(9, oneOf('Default', 'Unmasked'), ''),
  seccompProfile: explicit(11, SeccompProfile, ''),
  appArmorProfile: explicit(12, AppArmorProfile, ''),
})
export interface SecurityContext extends Infer<typeof SecurityContext> {}
