/**
 * Where the published schemas do not follow from what a type is: they show how the reference's Go types happen to be
 * declared (a pointer here, a marker there). Entries are `Type.field`.
 */

/** Must be given, but an absent one has no zero that stands for it. */
export const withoutDefault: ReadonlySet<string> = new Set([
  'ContainerRestartRule.action',
  'ContainerRestartRuleOnExitCodes.operator',
  'DaemonSetSpec.selector',
  'DeploymentSpec.selector',
  'HTTPIngressPath.pathType',
  'IPAddressSpec.parentRef',
  'ImageVolumeStatus.imageRef',
  'MutatingWebhook.sideEffects',
  'ParentReference.name',
  'ParentReference.resource',
  'PodCertificateProjection.keyType',
  'PodCertificateProjection.signerName',
  'ReplicaSetSpec.selector',
  'ScaleIOPersistentVolumeSource.secretRef',
  'ScaleIOVolumeSource.secretRef',
  'StatefulSetSpec.selector',
  'TokenReviewSpec.token',
  'ValidatingAdmissionPolicyBindingSpec.policyName',
  'ValidatingWebhook.sideEffects',
])

/** May be left out, and the schema states its zero as default. */
export const withZeroDefault: ReadonlySet<string> = new Set([
  'AzureDiskVolumeSource.readOnly',
  'ConfigMapEnvSource.name',
  'ConfigMapKeySelector.name',
  'ConfigMapProjection.name',
  'ConfigMapVolumeSource.name',
  'FileKeySelector.optional',
  'GRPCAction.service',
  'LocalObjectReference.name',
  'ReplicationControllerSpec.minReadySeconds',
  'SecretEnvSource.name',
  'SecretKeySelector.name',
  'SecretProjection.name',
])

/** Says more about a field than its type does. */
export const extraExtensions: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'APIServiceSpec.caBundle': { 'x-kubernetes-list-type': 'atomic' },
  'PersistentVolumeClaimStatus.allocatedResourceStatuses': { 'x-kubernetes-map-type': 'granular' },
  'PersistentVolumeSpec.claimRef': { 'x-kubernetes-map-type': 'granular' },
}
