/**
 * The fields of the configurations of other components that may stand beside ours in a file. Their values are passed on
 * as they are; a name that the component does not know is refused before it is passed on.
 */
interface Names {
  readonly [field: string]: Names | true
}

const all = (names: string): Names =>
  Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((field) => [field, true as const]),
  )

const logging: Names = all('format flushFrequency verbosity vmodule options')
const typeMeta = all('apiVersion kind')

const kubeProxy: Names = {
  ...typeMeta,
  ...all(`featureGates hostnameOverride bindAddress healthzBindAddress metricsBindAddress bindAddressHardFail
    enableProfiling showHiddenMetricsForVersion mode detectLocalMode clusterCIDR nodePortAddresses oomScoreAdj
    configSyncPeriod portRange windowsRunAsService`),
  logging,
  clientConnection: all('kubeconfig acceptContentTypes contentType qps burst'),
  iptables: all('masqueradeBit masqueradeAll localhostNodePorts snatNodeInternalIP syncPeriod minSyncPeriod'),
  ipvs: all('syncPeriod minSyncPeriod scheduler excludeCIDRs strictARP tcpTimeout tcpFinTimeout udpTimeout'),
  nftables: all('masqueradeBit masqueradeAll syncPeriod minSyncPeriod'),
  winkernel: all('networkName sourceVip enableDSR rootHnsEndpointName forwardHealthCheckVip'),
  detectLocal: all('bridgeInterface interfaceNamePrefix'),
  conntrack: all('maxPerCore min tcpEstablishedTimeout tcpCloseWaitTimeout tcpBeLiberal udpTimeout udpStreamTimeout'),
}

const kubelet: Names = {
  ...typeMeta,
  ...all(`enableServer staticPodPath podLogsDir syncFrequency fileCheckFrequency httpCheckFrequency staticPodURL
    staticPodURLHeader address port readOnlyPort tlsCertFile tlsPrivateKeyFile tlsCipherSuites tlsMinVersion
    tlsCurvePreferences rotateCertificates serverTLSBootstrap registryPullQPS registryBurst imagePullCredentialsVerificationPolicy
    preloadedImagesVerificationAllowlist eventRecordQPS eventBurst enableDebuggingHandlers enableContentionProfiling
    healthzPort healthzBindAddress oomScoreAdj clusterDomain clusterDNS streamingConnectionIdleTimeout
    nodeStatusUpdateFrequency nodeStatusReportFrequency nodeLeaseDurationSeconds imageMinimumGCAge imageMaximumGCAge
    imageGCHighThresholdPercent imageGCLowThresholdPercent volumeStatsAggPeriod kubeletCgroups systemCgroups cgroupRoot
    cgroupsPerQOS cgroupDriver cpuManagerPolicy singleProcessOOMKill cpuManagerPolicyOptions cpuManagerReconcilePeriod
    memoryManagerPolicy topologyManagerPolicy topologyManagerScope topologyManagerPolicyOptions qosReserved
    runtimeRequestTimeout hairpinMode maxPods podCIDR podPidsLimit resolvConf runOnce cpuCFSQuota cpuCFSQuotaPeriod
    nodeStatusMaxImages maxOpenFiles contentType kubeAPIQPS kubeAPIBurst serializeImagePulls maxParallelImagePulls
    evictionHard evictionSoft evictionSoftGracePeriod evictionPressureTransitionPeriod evictionMaxPodGracePeriod
    evictionMinimumReclaim mergeDefaultEvictionSettings podsPerCore enableControllerAttachDetach protectKernelDefaults
    makeIPTablesUtilChains iptablesMasqueradeBit iptablesDropBit featureGates failSwapOn containerLogMaxSize
    containerLogMaxFiles containerLogMaxWorkers containerLogMonitorInterval configMapAndSecretChangeDetectionStrategy
    systemReserved kubeReserved reservedSystemCPUs showHiddenMetricsForVersion systemReservedCgroup kubeReservedCgroup
    enforceNodeAllocatable allowedUnsafeSysctls volumePluginDir providerID kernelMemcgNotification
    enableSystemLogHandler enableSystemLogQuery shutdownGracePeriod shutdownGracePeriodCriticalPods
    shutdownGracePeriodByPodPriority reservedMemory enableProfilingHandler enableDebugFlagsHandler seccompDefault
    memoryThrottlingFactor registerWithTaints registerNode tracing localStorageCapacityIsolation
    containerRuntimeEndpoint imageServiceEndpoint failCgroupV1 userNamespaces`),
  logging,
  authentication: { x509: all('clientCAFile'), webhook: all('enabled cacheTTL'), anonymous: all('enabled') },
  authorization: { mode: true, webhook: all('cacheAuthorizedTTL cacheUnauthorizedTTL') },
  memorySwap: all('swapBehavior'),
  crashLoopBackOff: all('maxContainerRestartPeriod'),
}

/** By API version and kind. */
const known: Readonly<Record<string, Names>> = {
  'kubelet.config.k8s.io/v1beta1/KubeletConfiguration': kubelet,
  'kubeproxy.config.k8s.io/v1alpha1/KubeProxyConfiguration': kubeProxy,
}

/** Whether that is the configuration of a component that we pass on. */
export const isComponentConfiguration = (apiVersion: string, kind: string): boolean =>
  Object.hasOwn(known, `${apiVersion}/${kind}`)

/** The paths of fields that the component does not know, in the document's order. */
export function unknownComponentFields(apiVersion: string, kind: string, value: unknown): readonly string[] {
  return unknownIn(known[`${apiVersion}/${kind}`]!, value, '')
}

function unknownIn(names: Names, value: unknown, above: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value).flatMap(([field, below]) => {
    const path = above + field
    const known = Object.hasOwn(names, field) ? names[field]! : undefined
    if (known === undefined) return [path]
    return known === true ? [] : unknownIn(known, below, `${path}.`)
  })
}
