import type { Clock, Random } from '../../world/world.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'
import type { Authorizer } from '../authz/authz.ts'
import { alwaysPullImages } from './always-pull-images.ts'
import { antiAffinityTopology } from './anti-affinity-topology.ts'
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificate-requests.ts'
import { claimResize } from './claim-resize.ts'
import type { Fields } from './configuration.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { denyServiceExternalIps } from './deny-external-ips.ts'
import { eventRateLimit } from './event-rate-limit.ts'
import { everyoneRefused } from './everyone-refused.ts'
import { extendedResourceToleration } from './extended-resource-toleration.ts'
import { type AskReviewer, imagePolicyWebhook } from './image-policy-webhook.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceAutoProvision, namespaceExists } from './namespace-existence.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeRestriction } from './node-restriction.ts'
import { nodeTaint } from './node-taint.ts'
import { type FindKind, ownerReferences } from './owner-references.ts'
import { podNodeSelector } from './pod-node-selector.ts'
import { podSecurity } from './pod-security/index.ts'
import { podTopologyLabels } from './pod-topology-labels.ts'
import { priority } from './priority.ts'
import { type QuotaBooks, resourceQuota } from './resource-quota.ts'
import { runtimeClass } from './runtime-class.ts'
import { serviceAccount } from './service-account.ts'
import { storageProtection } from './storage-protection.ts'
import { tolerationRestriction } from './toleration-restriction.ts'
import { trustBundleAttest } from './trust-bundle-attest.ts'

/** What the plugins work with. */
export interface PluginServices {
  readonly reader: ClusterReader
  readonly books: QuotaBooks
  readonly clock: Clock
  readonly random: Random
  readonly authorizer: Authorizer
  readonly findKind: FindKind
  readonly createNamespace: (name: string) => Promise<void>
  /** By which image reviewers are asked; absent: they cannot be. */
  readonly askReviewer?: AskReviewer
}

/** One plugin that `--enable-admission-plugins` and `--disable-admission-plugins` know. */
export interface PluginEntry {
  readonly name: string
  readonly isDefault: boolean
  /** Absent: it has nothing to do in this version; the name is known for configurations that have it. */
  readonly make?: (services: PluginServices, configuration: Fields | undefined) => AdmissionPlugin
}

const on = (name: string, make?: PluginEntry['make']): PluginEntry => ({ name, isDefault: true, ...(make && { make }) })
const off = (name: string, make?: PluginEntry['make']): PluginEntry => ({
  name,
  isDefault: false,
  ...(make && { make }),
})

/** Every plugin, in the order in which the reference asks them. To add one, add a file and a line here. */
export const pluginEntries: readonly PluginEntry[] = [
  off('AlwaysAdmit'),
  off('NamespaceAutoProvision', ({ reader, createNamespace }) => namespaceAutoProvision(reader, createNamespace)),
  on('NamespaceLifecycle', ({ reader }) => namespaceLifecycle(reader)),
  off('NamespaceExists', ({ reader }) => namespaceExists(reader)),
  off('LimitPodHardAntiAffinityTopology', () => antiAffinityTopology),
  on('LimitRanger', ({ reader }) => limitRanger(reader)),
  on('ServiceAccount', ({ reader, random }) => serviceAccount(reader, random)),
  off('NodeRestriction', ({ reader, authorizer }) => nodeRestriction(reader, authorizer)),
  on('TaintNodesByCondition', () => nodeTaint),
  off('AlwaysPullImages', () => alwaysPullImages),
  off('ImagePolicyWebhook', ({ askReviewer, clock }, fields) => imagePolicyWebhook(fields, askReviewer, clock)),
  on('PodSecurity', ({ reader }, fields) => podSecurity(reader, fields)),
  off('PodNodeSelector', ({ reader }, fields) => podNodeSelector(reader, fields)),
  on('Priority', ({ reader }) => priority(reader)),
  on('DefaultTolerationSeconds', (_, fields) => defaultTolerationSeconds(fields)),
  off('PodTolerationRestriction', ({ reader }, fields) => tolerationRestriction(reader, fields)),
  off('EventRateLimit', ({ clock }, fields) => eventRateLimit(fields, clock)),
  off('ExtendedResourceToleration', () => extendedResourceToleration),
  on('DefaultStorageClass', ({ reader }) => defaultStorageClass(reader)),
  on('StorageObjectInUseProtection', () => storageProtection),
  off('OwnerReferencesPermissionEnforcement', ({ authorizer, findKind }) => ownerReferences(authorizer, findKind)),
  on('PersistentVolumeClaimResize', ({ reader }) => claimResize(reader)),
  on('RuntimeClass', ({ reader }) => runtimeClass(reader)),
  on('CertificateApproval', ({ authorizer }) => certificateApproval(authorizer)),
  on('CertificateSigning', ({ authorizer }) => certificateSigning(authorizer)),
  on('ClusterTrustBundleAttest', ({ authorizer }) => trustBundleAttest(authorizer)),
  on('CertificateSubjectRestriction', () => certificateSubjectRestriction),
  on('DefaultIngressClass', ({ reader }) => defaultIngressClass(reader)),
  off('DenyServiceExternalIPs', () => denyServiceExternalIps),
  on('PodTopologyLabels', ({ reader }) => podTopologyLabels(reader)),
  // Behind a feature gate that is off.
  on('NodeDeclaredFeatureValidator'),
  // Theirs is the list of what is stored: `admission/index.ts` puts them here.
  on('MutatingAdmissionPolicy'),
  on('MutatingAdmissionWebhook'),
  on('ValidatingAdmissionPolicy'),
  on('ValidatingAdmissionWebhook'),
  // Books what it lets in, so nothing but a refusal of everything may come after it.
  on('ResourceQuota', ({ reader, books }, fields) => resourceQuota(reader, books, fields)),
  off('AlwaysDeny', () => everyoneRefused),
]
