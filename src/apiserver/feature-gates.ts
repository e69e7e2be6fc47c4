/**
 * The feature gates of v1.36, as far as a flag may name them. This server has what is on by default and nothing else:
 * a gate can be named, and what it would change is refused in words that say why.
 */

/** Alpha, or beta that is off unless asked for. */
const off = words(`
  APIServingWithRoutine AllowUnsafeMalformedObjectDeletion CBORServingAndStorage CPUManagerPolicyAlphaOptions
  CRDObservedGenerationTracking CSIVolumeHealth ClientsAllowCBOR ClientsPreferCBOR
  CloudControllerManagerWatchBasedRoutesReconciliation CloudControllerManagerWebhook ClusterTrustBundle
  ClusterTrustBundleProjection ComponentFlagz ComponentStatusz ConcurrentWatchObjectDecode ConstrainedImpersonation
  ContainerStopSignals CoordinatedLeaderElection CrossNamespaceVolumeDataSource CustomCPUCFSQuotaPeriod
  DRAConsumableCapacity DRADeviceBindingConditions DRADeviceTaintRules DRADeviceTaints DRAExtendedResource
  DRAPartitionableDevices DeclarativeValidationTakeover EventedPLEG GangScheduling GenericWorkload HPAScaleToZero
  ImageVolumeWithDigest InPlacePodLevelResourcesVerticalScaling InPlacePodVerticalScalingAllocatedStatus
  InPlacePodVerticalScalingExclusiveCPUs InPlacePodVerticalScalingExclusiveMemory KubeletInUserNamespace
  LocalStorageCapacityIsolationFSQuotaMonitoring MemoryQoS MutablePVNodeAffinity MutablePodResourcesForSuspendedJobs
  MutableSchedulingDirectivesForSuspendedJobs MutatingAdmissionPolicy NodeDeclaredFeatures NodeLogQuery
  PodAndContainerStatsFromCRI PodCertificateRequest PodLogsQuerySplitStreams QOSReserved
  ReduceDefaultCrashLoopBackOffDecay RestartAllContainersOnContainerExits RuntimeClassInImageCriApi SELinuxMount
  SchedulerAsyncAPICalls StorageCapacityScoring StorageVersionAPI StorageVersionMigrator StrictIPCIDRValidation
  TaintTolerationComparisonOperators TopologyManagerPolicyAlphaOptions UnknownVersionInteroperabilityProxy
  UserNamespacesHostNetworkSupport VolumeLimitScaling WindowsCPUAndMemoryAffinity WindowsHostNetwork`)

/** On unless somebody switches them off. */
const on = words(`
  APIResponseCompression APIServerIdentity AllowDNSOnlyNodeCSR AllowInsecureKubeletCertificateSigningRequests
  AllowParsingUserUIDFromCertAuth AtomicFIFO AuthorizePodWebsocketUpgradeCreatePermission CPUManagerPolicyBetaOptions
  ChangeContainerStatusOnKubeletRestart ClearingNominatedNodeNameAfterBinding ContainerCheckpoint ContainerRestartRules
  DRAAdminAccess DRAPrioritizedList DRAResourceClaimDeviceStatus DRASchedulerFilterTimeout DeclarativeValidation
  DeploymentReplicaSetTerminatingReplicas DetectCacheInconsistency DisableCPUQuotaWithExclusiveCPUs
  DisableNodeKubeProxyVersion EnvFiles ExternalServiceAccountTokenSigner GitRepoVolumeDriver GracefulNodeShutdown
  GracefulNodeShutdownBasedOnPodPriority HPAConfigurableTolerance HostnameOverride ImageVolume InOrderInformers
  InOrderInformersBatchProcess InformerResourceVersion KMSv1 KubeletCrashLoopBackOffMax KubeletEnsureSecretPulledImages
  KubeletPSI KubeletPodResourcesDynamicResources KubeletPodResourcesGet KubeletPodResourcesListUseActivePods
  KubeletRegistrationGetOnExistsOnly KubeletSeparateDiskGC KubeletServiceAccountTokenForCredentialProviders
  ListFromCacheSnapshot MatchLabelKeysInPodTopologySpread MatchLabelKeysInPodTopologySpreadSelectorMerge
  MaxUnavailableStatefulSet MutableCSINodeAllocatableCount NominatedNodeNameForExpectation OpenAPIEnums
  OpportunisticBatching PodDeletionCost PodLevelResources PodReadyToStartContainersCondition PodTopologyLabelsAdmission
  PortForwardWebsockets PreventStaticPodAPIReferences ProcMountType RelaxedServiceNameValidation
  ReloadKubeletServerCertificateFile RemoteRequestHeaderUID ResourceHealthStatus ResourceHealthStatusMessage
  RotateKubeletServerCertificate SELinuxChangePolicy SELinuxMountReadWriteOncePod SchedulerAsyncPreemption
  SchedulerPopFromBackoffQ SeparateCacheWatchRPC ServiceAccountNodeAudienceRestriction SizeBasedListCostEstimate
  StatefulSetSemanticRevisionComparison StorageNamespaceIndex StorageVersionHash
  StructuredAuthenticationConfigurationEgressSelector StructuredAuthenticationConfigurationJWKSMetrics
  TokenRequestServiceAccountUIDValidation TopologyManagerPolicyBetaOptions TranslateStreamCloseWebsocketRequests
  UnauthenticatedHTTP2DOSMitigation UnlockWhileProcessingFIFO UserNamespacesSupport
  WatchCacheInitializationPostStartHook WatchList WatchListClient WindowsGracefulNodeShutdown`)

/** On for good: the reference, too, refuses to switch them off. */
const locked = words(`
  APIServerTracing AggregatedDiscoveryRemoveBetaType AllowOverwriteTerminationGracePeriodSeconds
  AnonymousAuthConfigurableEndpoints AnyVolumeDataSource AuthorizeNodeWithSelectors AuthorizeWithSelectors
  BtreeWatchCache CPUManagerPolicyOptions CRDValidationRatcheting CSIServiceAccountTokenSecrets ConsistentListFromCache
  CustomResourceFieldSelectors DisableAllocatorDualWrite DynamicResourceAllocation ExecProbeTimeout
  HonorPVReclaimPolicy ImageMaximumGCAge InPlacePodVerticalScaling JobBackoffLimitPerIndex JobManagedBy
  JobPodReplacementPolicy JobSuccessPolicy KubeletCgroupDriverFromCRI KubeletFineGrainedAuthz KubeletTracing
  LogarithmicScaleDown MatchLabelKeysInPodAffinity MultiCIDRServiceAllocator NFTablesProxyMode
  NodeInclusionPolicyInPodTopologySpread NodeSwap OrderedNamespaceDeletion PodLifecycleSleepAction
  PodLifecycleSleepActionAllowZero PodObservedGenerationTracking PodSchedulingReadiness PreferSameTrafficDistribution
  RecoverVolumeExpansionFailure RecursiveReadOnlyMounts RelaxedDNSSearchValidation RelaxedEnvironmentVariableValidation
  ResilientWatchCacheInitialization RetryGenerateName SchedulerQueueingHints SeparateTaintEvictionController
  ServiceAccountTokenJTI ServiceAccountTokenNodeBinding ServiceAccountTokenNodeBindingValidation
  ServiceAccountTokenPodNodeInfo SidecarContainers StreamingCollectionEncodingToJSON
  StreamingCollectionEncodingToProtobuf StructuredAuthenticationConfiguration SupplementalGroupsPolicy SystemdWatchdog
  TopologyManagerPolicyOptions VolumeAttributesClass WinDSR WinOverlay`)

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}

/** What a flag says that cannot be done; the message says what is not there. */
export class SettingError extends Error {}

/**
 * Checks the value of `--feature-gates`: `Name=true,Other=false`.
 * @throws SettingError for names that are none, and for values that would change anything
 */
export function checkFeatureGates(text: string): void {
  for (const [name, value] of pairsOf('--feature-gates', text)) {
    if (value === '') throw wrong('--feature-gates', text, `missing bool value for ${name}`)
    const wish = parseBool(value)
    if (wish === undefined) {
      const why = `invalid value of ${name}=${value}, err: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`
      throw wrong('--feature-gates', text, why)
    }
    const fault = gateFault(name, wish)
    if (fault !== undefined) throw wrong('--feature-gates', text, fault)
  }
}

function gateFault(name: string, wish: boolean): string | undefined {
  if (name === 'AllAlpha') return wish ? 'this server has no alpha features' : undefined
  if (name === 'AllBeta')
    return `this server has those beta features that are on by default, and cannot switch them all`
  if (off.has(name)) {
    return wish ? `${name} is alpha or off by default in v1.36, and this server does not have what it does` : undefined
  }
  if (locked.has(name)) {
    return wish ? undefined : `cannot set feature gate ${name} to false, feature is locked to true`
  }
  if (!on.has(name)) return `unrecognized feature gate: ${name}`
  return wish ? undefined : `${name} is on by default in v1.36, and this server cannot do without it`
}

export const wrong = (flag: string, text: string, why: string): SettingError =>
  new SettingError(`invalid argument ${JSON.stringify(text)} for ${JSON.stringify(flag)} flag: ${why}`)

/** `a=b,c=d`; a part without `=` has the empty value. Later ones stand for earlier ones of the same name. */
export function pairsOf(flag: string, text: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue
    const at = part.indexOf('=')
    const name = at < 0 ? part : part.slice(0, at).trim()
    if (name === '') throw wrong(flag, text, `malformed pair, expect string=bool`)
    pairs.set(name, at < 0 ? '' : part.slice(at + 1).trim())
  }
  return pairs
}

/** As Go reads a bool. */
export function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : undefined
}
