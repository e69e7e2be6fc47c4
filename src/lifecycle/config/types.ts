import { Taint } from '../../kinds/core/scheduling.ts'
import {
  bool,
  duration,
  embedded,
  explicit,
  type Field,
  type Infer,
  int32,
  list,
  map,
  type ObjectType,
  object,
  oneOf,
  optional,
  string,
  type Type,
  time,
} from '../../schema/types.ts'

/**
 * The types of `kubeadm.k8s.io/v1beta4`, field by field. `embedded` ones are there after reading, as zero or with their
 * default; `explicit` ones say something by being there. Numbers mean nothing: none of this is ever sent as protobuf.
 */
export const group = 'kubeadm.k8s.io'
export const currentVersion = 'v1beta4'
export const currentApiVersion: string = `${group}/${currentVersion}`

const name = (type: string) => `${group}.${currentVersion}.${type}`

/** Fields that are always there, and those that may be absent. */
const filled = <T extends Type>(type: T): Field<T, 'embedded'> => embedded(0, type, '')
const given = <T extends Type>(type: T): Field<T, 'explicit'> => explicit(0, type, '')
const maybe = <T extends Type>(type: T): Field<T, 'optional'> => optional(0, type, '')

const typeMeta = { apiVersion: maybe(string), kind: maybe(string) } as const

/** An argument of a component: the name of a flag without dashes. The same one may be there several times. */
export const Argument = object(name('Arg'), 'A flag of a component.', { name: filled(string), value: filled(string) })
export interface Argument extends Infer<typeof Argument> {}

export const EnvVar = object(name('EnvVar'), 'A variable of the environment.', {
  name: filled(string),
  value: maybe(string),
  valueFrom: given(map(string)),
})

export const HostPathMount = object(name('HostPathMount'), 'A path of the host that a component sees.', {
  name: filled(string),
  hostPath: filled(string),
  mountPath: filled(string),
  readOnly: maybe(bool),
  pathType: maybe(string),
})
export interface HostPathMount extends Infer<typeof HostPathMount> {}

const componentFields = {
  extraArgs: maybe(list(Argument)),
  extraVolumes: maybe(list(HostPathMount)),
  extraEnvs: maybe(list(EnvVar)),
} as const

export const ControlPlaneComponent = object(
  name('ControlPlaneComponent'),
  'Settings of a component of the control plane.',
  componentFields,
)
export interface ControlPlaneComponent extends Infer<typeof ControlPlaneComponent> {}

const ApiServer = object(name('APIServer'), 'Settings of API servers.', {
  ...componentFields,
  certSANs: maybe(list(string)),
})

const imageFields = { imageRepository: maybe(string), imageTag: maybe(string) } as const

const LocalEtcd = object(name('LocalEtcd'), 'An etcd beside every control plane.', {
  ...imageFields,
  dataDir: filled(string),
  extraArgs: maybe(list(Argument)),
  extraEnvs: maybe(list(EnvVar)),
  serverCertSANs: maybe(list(string)),
  peerCertSANs: maybe(list(string)),
})
export interface LocalEtcd extends Infer<typeof LocalEtcd> {}

const ExternalEtcd = object(name('ExternalEtcd'), 'An etcd that somebody else cares for.', {
  endpoints: filled(list(string)),
  caFile: filled(string),
  certFile: filled(string),
  keyFile: filled(string),
  httpEndpoints: maybe(list(string)),
})
export interface ExternalEtcd extends Infer<typeof ExternalEtcd> {}

export const ClusterConfiguration = object(name('ClusterConfiguration'), 'What holds for the whole cluster.', {
  ...typeMeta,
  etcd: filled(
    object(name('Etcd'), 'Where state is kept.', { local: given(LocalEtcd), external: given(ExternalEtcd) }),
  ),
  networking: filled(
    object(name('Networking'), 'Addresses and names.', {
      serviceSubnet: filled(string),
      podSubnet: filled(string),
      dnsDomain: filled(string),
    }),
  ),
  kubernetesVersion: filled(string),
  controlPlaneEndpoint: filled(string),
  apiServer: filled(ApiServer),
  controllerManager: filled(ControlPlaneComponent),
  scheduler: filled(ControlPlaneComponent),
  dns: filled(object(name('DNS'), 'The DNS of the cluster.', { ...imageFields, disabled: maybe(bool) })),
  proxy: filled(object(name('Proxy'), 'The proxy of services.', { disabled: maybe(bool) })),
  certificatesDir: filled(string),
  imageRepository: filled(string),
  featureGates: maybe(map(bool)),
  clusterName: filled(string),
  encryptionAlgorithm: filled(string),
  certificateValidityPeriod: given(duration),
  caCertificateValidityPeriod: given(duration),
})
export interface ClusterConfiguration extends Infer<typeof ClusterConfiguration> {}

const ApiEndpoint = object(name('APIEndpoint'), 'Where the API server of this host is reached.', {
  advertiseAddress: filled(string),
  bindPort: filled(int32),
})
export interface ApiEndpoint extends Infer<typeof ApiEndpoint> {}

export const NodeRegistration = object(name('NodeRegistrationOptions'), 'How a host becomes a node.', {
  name: filled(string),
  criSocket: filled(string),
  taints: given(list(Taint)),
  kubeletExtraArgs: maybe(list(Argument)),
  ignorePreflightErrors: maybe(list(string)),
  imagePullPolicy: filled(string),
  imagePullSerial: given(bool),
})
export interface NodeRegistration extends Infer<typeof NodeRegistration> {}

export const Timeouts = object(name('Timeouts'), 'How long is waited for what.', {
  controlPlaneComponentHealthCheck: given(duration),
  kubeletHealthCheck: given(duration),
  kubernetesAPICall: given(duration),
  etcdAPICall: given(duration),
  tlsBootstrap: given(duration),
  discovery: given(duration),
  upgradeManifests: given(duration),
})
export interface Timeouts extends Infer<typeof Timeouts> {}

export const BootstrapToken = object(name('BootstrapToken'), 'A token with which nodes join.', {
  token: filled(string),
  description: maybe(string),
  ttl: given(duration),
  expires: given(time),
  usages: maybe(list(string)),
  groups: maybe(list(string)),
})
export interface BootstrapToken extends Infer<typeof BootstrapToken> {}

const Patches = object(name('Patches'), 'Where patches of what is deployed lie.', { directory: maybe(string) })

export const InitConfiguration = object(name('InitConfiguration'), 'What holds for `init` on this host.', {
  ...typeMeta,
  bootstrapTokens: maybe(list(BootstrapToken)),
  dryRun: maybe(bool),
  nodeRegistration: filled(NodeRegistration),
  localAPIEndpoint: filled(ApiEndpoint),
  certificateKey: maybe(string),
  skipPhases: maybe(list(string)),
  patches: given(Patches),
  timeouts: filled(Timeouts),
})
export interface InitConfiguration extends Infer<typeof InitConfiguration> {}

const TokenDiscovery = object(name('BootstrapTokenDiscovery'), 'Finding the cluster by a token.', {
  token: filled(string),
  apiServerEndpoint: filled(string),
  caCertHashes: maybe(list(string)),
  unsafeSkipCAVerification: maybe(bool),
})

export const JoinConfiguration = object(name('JoinConfiguration'), 'What holds for `join` on this host.', {
  ...typeMeta,
  dryRun: maybe(bool),
  nodeRegistration: filled(NodeRegistration),
  caCertPath: filled(string),
  discovery: filled(
    object(name('Discovery'), 'How the cluster is found.', {
      bootstrapToken: given(TokenDiscovery),
      file: given(object(name('FileDiscovery'), 'Finding it by a kubeconfig.', { kubeConfigPath: filled(string) })),
      tlsBootstrapToken: maybe(string),
    }),
  ),
  controlPlane: given(
    object(name('JoinControlPlane'), 'There: this host becomes a control plane.', {
      localAPIEndpoint: filled(ApiEndpoint),
      certificateKey: maybe(string),
    }),
  ),
  skipPhases: maybe(list(string)),
  patches: given(Patches),
  timeouts: filled(Timeouts),
})
export interface JoinConfiguration extends Infer<typeof JoinConfiguration> {}

export const ResetConfiguration = object(name('ResetConfiguration'), 'What holds for `reset` on this host.', {
  ...typeMeta,
  cleanupTmpDir: maybe(bool),
  certificatesDir: filled(string),
  criSocket: filled(string),
  dryRun: maybe(bool),
  force: maybe(bool),
  ignorePreflightErrors: maybe(list(string)),
  skipPhases: maybe(list(string)),
  unmountFlags: maybe(list(oneOf('MNT_FORCE', 'MNT_DETACH', 'MNT_EXPIRE', 'UMOUNT_NOFOLLOW'))),
  timeouts: filled(Timeouts),
})
export interface ResetConfiguration extends Infer<typeof ResetConfiguration> {}

const upgradeFields = {
  dryRun: given(bool),
  etcdUpgrade: given(bool),
  ignorePreflightErrors: maybe(list(string)),
} as const

/** What `upgrade apply` and `upgrade node` have in common. */
const upgradeHostFields = {
  ...upgradeFields,
  certificateRenewal: given(bool),
  patches: given(Patches),
  skipPhases: maybe(list(string)),
  imagePullPolicy: maybe(string),
  imagePullSerial: given(bool),
} as const

/** What `upgrade plan` and `upgrade apply` have in common. */
const upgradeVersionFields = {
  kubernetesVersion: maybe(string),
  allowExperimentalUpgrades: given(bool),
  allowRCUpgrades: given(bool),
  printConfig: given(bool),
} as const

export const UpgradeConfiguration = object(name('UpgradeConfiguration'), 'What holds for `upgrade` on this host.', {
  ...typeMeta,
  apply: filled(
    object(name('UpgradeApplyConfiguration'), 'For `upgrade apply`.', {
      ...upgradeHostFields,
      ...upgradeVersionFields,
      forceUpgrade: given(bool),
    }),
  ),
  diff: filled(
    object(name('UpgradeDiffConfiguration'), 'For `upgrade diff`.', {
      kubernetesVersion: maybe(string),
      contextLines: maybe(int32),
    }),
  ),
  node: filled(object(name('UpgradeNodeConfiguration'), 'For `upgrade node`.', upgradeHostFields)),
  plan: filled(
    object(name('UpgradePlanConfiguration'), 'For `upgrade plan`.', { ...upgradeFields, ...upgradeVersionFields }),
  ),
  timeouts: filled(Timeouts),
})
export interface UpgradeConfiguration extends Infer<typeof UpgradeConfiguration> {}

/** The kinds that a file may hold, by their names. */
export const currentTypes: Readonly<Record<string, ObjectType>> = {
  InitConfiguration,
  ClusterConfiguration,
  JoinConfiguration,
  ResetConfiguration,
  UpgradeConfiguration,
}
