import {
  bool,
  embedded,
  explicit,
  type Infer,
  inline,
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
} from '../../schema/types.ts'
import { LabelSelector } from '../meta/label-selector.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { PersistentVolumeClaimSpec } from './persistent-volume-claim-spec.ts'
import {
  LocalObjectReference,
  ObjectFieldSelector,
  ObjectReference,
  ResourceFieldSelector,
  SecretReference,
} from './references.ts'

export const AWSElasticBlockStoreVolumeSource = object('io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource', '', {
  volumeID: required(1, string, ''),
  fsType: optional(2, string, ''),
  partition: optional(3, int32, ''),
  readOnly: optional(4, bool, ''),
})
export interface AWSElasticBlockStoreVolumeSource extends Infer<typeof AWSElasticBlockStoreVolumeSource> {}

export const AzureDiskVolumeSource = object('io.k8s.api.core.v1.AzureDiskVolumeSource', '', {
  diskName: required(1, string, ''),
  diskURI: required(2, string, ''),
  cachingMode: explicit(3, oneOf('None', 'ReadOnly', 'ReadWrite'), '', { default: 'ReadWrite' }),
  fsType: explicit(4, string, '', { default: 'ext4' }),
  readOnly: explicit(5, bool, ''),
  kind: optional(6, oneOf('Dedicated', 'Managed', 'Shared'), '', { default: 'Shared' }),
})
export interface AzureDiskVolumeSource extends Infer<typeof AzureDiskVolumeSource> {}

export const AzureFilePersistentVolumeSource = object('io.k8s.api.core.v1.AzureFilePersistentVolumeSource', '', {
  secretName: required(1, string, ''),
  shareName: required(2, string, ''),
  readOnly: optional(3, bool, ''),
  secretNamespace: explicit(4, string, ''),
})
export interface AzureFilePersistentVolumeSource extends Infer<typeof AzureFilePersistentVolumeSource> {}

export const AzureFileVolumeSource = object('io.k8s.api.core.v1.AzureFileVolumeSource', '', {
  secretName: required(1, string, ''),
  shareName: required(2, string, ''),
  readOnly: optional(3, bool, ''),
})
export interface AzureFileVolumeSource extends Infer<typeof AzureFileVolumeSource> {}

export const CSIPersistentVolumeSource = object('io.k8s.api.core.v1.CSIPersistentVolumeSource', '', {
  driver: required(1, string, ''),
  volumeHandle: required(2, string, ''),
  readOnly: optional(3, bool, ''),
  fsType: optional(4, string, ''),
  volumeAttributes: optional(5, map(string), ''),
  controllerPublishSecretRef: explicit(6, SecretReference, ''),
  nodeStageSecretRef: explicit(7, SecretReference, ''),
  nodePublishSecretRef: explicit(8, SecretReference, ''),
  controllerExpandSecretRef: explicit(9, SecretReference, ''),
  nodeExpandSecretRef: explicit(10, SecretReference, ''),
})
export interface CSIPersistentVolumeSource extends Infer<typeof CSIPersistentVolumeSource> {}

export const CSIVolumeSource = object('io.k8s.api.core.v1.CSIVolumeSource', '', {
  driver: required(1, string, ''),
  readOnly: explicit(2, bool, ''),
  fsType: explicit(3, string, ''),
  volumeAttributes: optional(4, map(string), ''),
  nodePublishSecretRef: explicit(5, LocalObjectReference, ''),
})
export interface CSIVolumeSource extends Infer<typeof CSIVolumeSource> {}

export const CephFSPersistentVolumeSource = object('io.k8s.api.core.v1.CephFSPersistentVolumeSource', '', {
  monitors: required(1, list(string, { list: 'atomic' }), ''),
  path: optional(2, string, ''),
  user: optional(3, string, ''),
  secretFile: optional(4, string, ''),
  secretRef: explicit(5, SecretReference, ''),
  readOnly: optional(6, bool, ''),
})
export interface CephFSPersistentVolumeSource extends Infer<typeof CephFSPersistentVolumeSource> {}

export const CephFSVolumeSource = object('io.k8s.api.core.v1.CephFSVolumeSource', '', {
  monitors: required(1, list(string, { list: 'atomic' }), ''),
  path: optional(2, string, ''),
  user: optional(3, string, ''),
  secretFile: optional(4, string, ''),
  secretRef: explicit(5, LocalObjectReference, ''),
  readOnly: optional(6, bool, ''),
})
export interface CephFSVolumeSource extends Infer<typeof CephFSVolumeSource> {}

export const CinderPersistentVolumeSource = object('io.k8s.api.core.v1.CinderPersistentVolumeSource', '', {
  volumeID: required(1, string, ''),
  fsType: optional(2, string, ''),
  readOnly: optional(3, bool, ''),
  secretRef: explicit(4, SecretReference, ''),
})
export interface CinderPersistentVolumeSource extends Infer<typeof CinderPersistentVolumeSource> {}

export const CinderVolumeSource = object('io.k8s.api.core.v1.CinderVolumeSource', '', {
  volumeID: required(1, string, ''),
  fsType: optional(2, string, ''),
  readOnly: optional(3, bool, ''),
  secretRef: explicit(4, LocalObjectReference, ''),
})
export interface CinderVolumeSource extends Infer<typeof CinderVolumeSource> {}

export const ClusterTrustBundleProjection = object('io.k8s.api.core.v1.ClusterTrustBundleProjection', '', {
  name: explicit(1, string, ''),
  signerName: explicit(2, string, ''),
  labelSelector: explicit(3, LabelSelector, ''),
  optional: explicit(5, bool, ''),
  path: required(4, string, ''),
})
export interface ClusterTrustBundleProjection extends Infer<typeof ClusterTrustBundleProjection> {}

export const KeyToPath = object('io.k8s.api.core.v1.KeyToPath', '', {
  key: required(1, string, ''),
  path: required(2, string, ''),
  mode: explicit(3, int32, ''),
})
export interface KeyToPath extends Infer<typeof KeyToPath> {}

export const ConfigMapProjection = object('io.k8s.api.core.v1.ConfigMapProjection', '', {
  ...inline(1, LocalObjectReference),
  items: optional(2, list(KeyToPath, { list: 'atomic' }), ''),
  optional: explicit(4, bool, ''),
})
export interface ConfigMapProjection extends Infer<typeof ConfigMapProjection> {}

export const ConfigMapVolumeSource = object('io.k8s.api.core.v1.ConfigMapVolumeSource', '', {
  ...inline(1, LocalObjectReference),
  items: optional(2, list(KeyToPath, { list: 'atomic' }), ''),
  defaultMode: explicit(3, int32, ''),
  optional: explicit(4, bool, ''),
})
export interface ConfigMapVolumeSource extends Infer<typeof ConfigMapVolumeSource> {}

export const DownwardAPIVolumeFile = object('io.k8s.api.core.v1.DownwardAPIVolumeFile', '', {
  path: required(1, string, ''),
  fieldRef: explicit(2, ObjectFieldSelector, ''),
  resourceFieldRef: explicit(3, ResourceFieldSelector, ''),
  mode: explicit(4, int32, ''),
})
export interface DownwardAPIVolumeFile extends Infer<typeof DownwardAPIVolumeFile> {}

export const DownwardAPIProjection = object('io.k8s.api.core.v1.DownwardAPIProjection', '', {
  items: optional(1, list(DownwardAPIVolumeFile, { list: 'atomic' }), ''),
})
export interface DownwardAPIProjection extends Infer<typeof DownwardAPIProjection> {}

export const DownwardAPIVolumeSource = object('io.k8s.api.core.v1.DownwardAPIVolumeSource', '', {
  items: optional(1, list(DownwardAPIVolumeFile, { list: 'atomic' }), ''),
  defaultMode: explicit(2, int32, ''),
})
export interface DownwardAPIVolumeSource extends Infer<typeof DownwardAPIVolumeSource> {}

export const EmptyDirVolumeSource = object('io.k8s.api.core.v1.EmptyDirVolumeSource', '', {
  medium: optional(1, string, ''),
  sizeLimit: explicit(2, quantity, ''),
})
export interface EmptyDirVolumeSource extends Infer<typeof EmptyDirVolumeSource> {}

export const PersistentVolumeClaimTemplate = object('io.k8s.api.core.v1.PersistentVolumeClaimTemplate', '', {
  metadata: embedded(1, ObjectMeta, ''),
  spec: required(2, PersistentVolumeClaimSpec, ''),
})
export interface PersistentVolumeClaimTemplate extends Infer<typeof PersistentVolumeClaimTemplate> {}

export const EphemeralVolumeSource = object('io.k8s.api.core.v1.EphemeralVolumeSource', '', {
  volumeClaimTemplate: explicit(1, PersistentVolumeClaimTemplate, ''),
})
export interface EphemeralVolumeSource extends Infer<typeof EphemeralVolumeSource> {}

export const FCVolumeSource = object('io.k8s.api.core.v1.FCVolumeSource', '', {
  targetWWNs: optional(1, list(string, { list: 'atomic' }), ''),
  lun: explicit(2, int32, ''),
  fsType: optional(3, string, ''),
  readOnly: optional(4, bool, ''),
  wwids: optional(5, list(string, { list: 'atomic' }), ''),
})
export interface FCVolumeSource extends Infer<typeof FCVolumeSource> {}

export const FlexPersistentVolumeSource = object('io.k8s.api.core.v1.FlexPersistentVolumeSource', '', {
  driver: required(1, string, ''),
  fsType: optional(2, string, ''),
  secretRef: explicit(3, SecretReference, ''),
  readOnly: optional(4, bool, ''),
  options: optional(5, map(string), ''),
})
export interface FlexPersistentVolumeSource extends Infer<typeof FlexPersistentVolumeSource> {}

export const FlexVolumeSource = object('io.k8s.api.core.v1.FlexVolumeSource', '', {
  driver: required(1, string, ''),
  fsType: optional(2, string, ''),
  secretRef: explicit(3, LocalObjectReference, ''),
  readOnly: optional(4, bool, ''),
  options: optional(5, map(string), ''),
})
export interface FlexVolumeSource extends Infer<typeof FlexVolumeSource> {}

export const FlockerVolumeSource = object('io.k8s.api.core.v1.FlockerVolumeSource', '', {
  datasetName: optional(1, string, ''),
  datasetUUID: optional(2, string, ''),
})
export interface FlockerVolumeSource extends Infer<typeof FlockerVolumeSource> {}

export const GCEPersistentDiskVolumeSource = object('io.k8s.api.core.v1.GCEPersistentDiskVolumeSource', '', {
  pdName: required(1, string, ''),
  fsType: optional(2, string, ''),
  partition: optional(3, int32, ''),
  readOnly: optional(4, bool, ''),
})
export interface GCEPersistentDiskVolumeSource extends Infer<typeof GCEPersistentDiskVolumeSource> {}

export const GitRepoVolumeSource = object('io.k8s.api.core.v1.GitRepoVolumeSource', '', {
  repository: required(1, string, ''),
  revision: optional(2, string, ''),
  directory: optional(3, string, ''),
})
export interface GitRepoVolumeSource extends Infer<typeof GitRepoVolumeSource> {}

export const GlusterfsPersistentVolumeSource = object('io.k8s.api.core.v1.GlusterfsPersistentVolumeSource', '', {
  endpoints: required(1, string, ''),
  path: required(2, string, ''),
  readOnly: optional(3, bool, ''),
  endpointsNamespace: explicit(4, string, ''),
})
export interface GlusterfsPersistentVolumeSource extends Infer<typeof GlusterfsPersistentVolumeSource> {}

export const GlusterfsVolumeSource = object('io.k8s.api.core.v1.GlusterfsVolumeSource', '', {
  endpoints: required(1, string, ''),
  path: required(2, string, ''),
  readOnly: optional(3, bool, ''),
})
export interface GlusterfsVolumeSource extends Infer<typeof GlusterfsVolumeSource> {}

export const HostPathVolumeSource = object('io.k8s.api.core.v1.HostPathVolumeSource', '', {
  path: required(1, string, ''),
  type: explicit(
    2,
    oneOf('', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'),
    '',
  ),
})
export interface HostPathVolumeSource extends Infer<typeof HostPathVolumeSource> {}

export const ISCSIPersistentVolumeSource = object('io.k8s.api.core.v1.ISCSIPersistentVolumeSource', '', {
  targetPortal: required(1, string, ''),
  iqn: required(2, string, ''),
  lun: required(3, int32, ''),
  iscsiInterface: optional(4, string, '', { default: 'default' }),
  fsType: optional(5, string, ''),
  readOnly: optional(6, bool, ''),
  portals: optional(7, list(string, { list: 'atomic' }), ''),
  chapAuthDiscovery: optional(8, bool, ''),
  chapAuthSession: optional(11, bool, ''),
  secretRef: explicit(10, SecretReference, ''),
  initiatorName: explicit(12, string, ''),
})
export interface ISCSIPersistentVolumeSource extends Infer<typeof ISCSIPersistentVolumeSource> {}

export const ISCSIVolumeSource = object('io.k8s.api.core.v1.ISCSIVolumeSource', '', {
  targetPortal: required(1, string, ''),
  iqn: required(2, string, ''),
  lun: required(3, int32, ''),
  iscsiInterface: optional(4, string, '', { default: 'default' }),
  fsType: optional(5, string, ''),
  readOnly: optional(6, bool, ''),
  portals: optional(7, list(string, { list: 'atomic' }), ''),
  chapAuthDiscovery: optional(8, bool, ''),
  chapAuthSession: optional(11, bool, ''),
  secretRef: explicit(10, LocalObjectReference, ''),
  initiatorName: explicit(12, string, ''),
})
export interface ISCSIVolumeSource extends Infer<typeof ISCSIVolumeSource> {}

export const ImageVolumeSource = object('io.k8s.api.core.v1.ImageVolumeSource', '', {
  reference: optional(1, string, ''),
  pullPolicy: optional(2, oneOf('Always', 'IfNotPresent', 'Never'), ''),
})
export interface ImageVolumeSource extends Infer<typeof ImageVolumeSource> {}

export const LocalVolumeSource = object('io.k8s.api.core.v1.LocalVolumeSource', '', {
  path: required(1, string, ''),
  fsType: explicit(2, string, ''),
})
export interface LocalVolumeSource extends Infer<typeof LocalVolumeSource> {}

export const NFSVolumeSource = object('io.k8s.api.core.v1.NFSVolumeSource', '', {
  server: required(1, string, ''),
  path: required(2, string, ''),
  readOnly: optional(3, bool, ''),
})
export interface NFSVolumeSource extends Infer<typeof NFSVolumeSource> {}

export const PersistentVolumeClaimVolumeSource = object('io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource', '', {
  claimName: required(1, string, ''),
  readOnly: optional(2, bool, ''),
})
export interface PersistentVolumeClaimVolumeSource extends Infer<typeof PersistentVolumeClaimVolumeSource> {}

export const PhotonPersistentDiskVolumeSource = object('io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource', '', {
  pdID: required(1, string, ''),
  fsType: optional(2, string, ''),
})
export interface PhotonPersistentDiskVolumeSource extends Infer<typeof PhotonPersistentDiskVolumeSource> {}

export const PodCertificateProjection = object('io.k8s.api.core.v1.PodCertificateProjection', '', {
  signerName: required(1, string, ''),
  keyType: required(2, string, ''),
  maxExpirationSeconds: explicit(3, int32, ''),
  credentialBundlePath: optional(4, string, ''),
  keyPath: optional(5, string, ''),
  certificateChainPath: optional(6, string, ''),
  userAnnotations: optional(7, map(string), ''),
})
export interface PodCertificateProjection extends Infer<typeof PodCertificateProjection> {}

export const PortworxVolumeSource = object('io.k8s.api.core.v1.PortworxVolumeSource', '', {
  volumeID: required(1, string, ''),
  fsType: optional(2, string, ''),
  readOnly: optional(3, bool, ''),
})
export interface PortworxVolumeSource extends Infer<typeof PortworxVolumeSource> {}

export const SecretProjection = object('io.k8s.api.core.v1.SecretProjection', '', {
  ...inline(1, LocalObjectReference),
  items: optional(2, list(KeyToPath, { list: 'atomic' }), ''),
  optional: explicit(4, bool, ''),
})
export interface SecretProjection extends Infer<typeof SecretProjection> {}

export const ServiceAccountTokenProjection = object('io.k8s.api.core.v1.ServiceAccountTokenProjection', '', {
  audience: optional(1, string, ''),
  expirationSeconds: explicit(2, int64, ''),
  path: required(3, string, ''),
})
export interface ServiceAccountTokenProjection extends Infer<typeof ServiceAccountTokenProjection> {}

export const VolumeProjection = object('io.k8s.api.core.v1.VolumeProjection', '', {
  secret: explicit(1, SecretProjection, ''),
  downwardAPI: explicit(2, DownwardAPIProjection, ''),
  configMap: explicit(3, ConfigMapProjection, ''),
  serviceAccountToken: explicit(4, ServiceAccountTokenProjection, ''),
  clusterTrustBundle: explicit(5, ClusterTrustBundleProjection, ''),
  podCertificate: explicit(6, PodCertificateProjection, ''),
})
export interface VolumeProjection extends Infer<typeof VolumeProjection> {}

export const ProjectedVolumeSource = object('io.k8s.api.core.v1.ProjectedVolumeSource', '', {
  sources: optional(1, list(VolumeProjection, { list: 'atomic' }), ''),
  defaultMode: explicit(2, int32, ''),
})
export interface ProjectedVolumeSource extends Infer<typeof ProjectedVolumeSource> {}

export const QuobyteVolumeSource = object('io.k8s.api.core.v1.QuobyteVolumeSource', '', {
  registry: required(1, string, ''),
  volume: required(2, string, ''),
  readOnly: optional(3, bool, ''),
  user: optional(4, string, ''),
  group: optional(5, string, ''),
  tenant: optional(6, string, ''),
})
export interface QuobyteVolumeSource extends Infer<typeof QuobyteVolumeSource> {}

export const RBDPersistentVolumeSource = object('io.k8s.api.core.v1.RBDPersistentVolumeSource', '', {
  monitors: required(1, list(string, { list: 'atomic' }), ''),
  image: required(2, string, ''),
  fsType: optional(3, string, ''),
  pool: optional(4, string, '', { default: 'rbd' }),
  user: optional(5, string, '', { default: 'admin' }),
  keyring: optional(6, string, '', { default: '/etc/ceph/keyring' }),
  secretRef: explicit(7, SecretReference, ''),
  readOnly: optional(8, bool, ''),
})
export interface RBDPersistentVolumeSource extends Infer<typeof RBDPersistentVolumeSource> {}

export const RBDVolumeSource = object('io.k8s.api.core.v1.RBDVolumeSource', '', {
  monitors: required(1, list(string, { list: 'atomic' }), ''),
  image: required(2, string, ''),
  fsType: optional(3, string, ''),
  pool: optional(4, string, '', { default: 'rbd' }),
  user: optional(5, string, '', { default: 'admin' }),
  keyring: optional(6, string, '', { default: '/etc/ceph/keyring' }),
  secretRef: explicit(7, LocalObjectReference, ''),
  readOnly: optional(8, bool, ''),
})
export interface RBDVolumeSource extends Infer<typeof RBDVolumeSource> {}

export const ScaleIOPersistentVolumeSource = object('io.k8s.api.core.v1.ScaleIOPersistentVolumeSource', '', {
  gateway: required(1, string, ''),
  system: required(2, string, ''),
  secretRef: required(3, SecretReference, ''),
  sslEnabled: optional(4, bool, ''),
  protectionDomain: optional(5, string, ''),
  storagePool: optional(6, string, ''),
  storageMode: optional(7, string, '', { default: 'ThinProvisioned' }),
  volumeName: optional(8, string, ''),
  fsType: optional(9, string, '', { default: 'xfs' }),
  readOnly: optional(10, bool, ''),
})
export interface ScaleIOPersistentVolumeSource extends Infer<typeof ScaleIOPersistentVolumeSource> {}

export const ScaleIOVolumeSource = object('io.k8s.api.core.v1.ScaleIOVolumeSource', '', {
  gateway: required(1, string, ''),
  system: required(2, string, ''),
  secretRef: required(3, LocalObjectReference, ''),
  sslEnabled: optional(4, bool, ''),
  protectionDomain: optional(5, string, ''),
  storagePool: optional(6, string, ''),
  storageMode: optional(7, string, '', { default: 'ThinProvisioned' }),
  volumeName: optional(8, string, ''),
  fsType: optional(9, string, '', { default: 'xfs' }),
  readOnly: optional(10, bool, ''),
})
export interface ScaleIOVolumeSource extends Infer<typeof ScaleIOVolumeSource> {}

export const SecretVolumeSource = object('io.k8s.api.core.v1.SecretVolumeSource', '', {
  secretName: optional(1, string, ''),
  items: optional(2, list(KeyToPath, { list: 'atomic' }), ''),
  defaultMode: explicit(3, int32, ''),
  optional: explicit(4, bool, ''),
})
export interface SecretVolumeSource extends Infer<typeof SecretVolumeSource> {}

export const StorageOSPersistentVolumeSource = object('io.k8s.api.core.v1.StorageOSPersistentVolumeSource', '', {
  volumeName: optional(1, string, ''),
  volumeNamespace: optional(2, string, ''),
  fsType: optional(3, string, ''),
  readOnly: optional(4, bool, ''),
  secretRef: explicit(5, ObjectReference, ''),
})
export interface StorageOSPersistentVolumeSource extends Infer<typeof StorageOSPersistentVolumeSource> {}

export const StorageOSVolumeSource = object('io.k8s.api.core.v1.StorageOSVolumeSource', '', {
  volumeName: optional(1, string, ''),
  volumeNamespace: optional(2, string, ''),
  fsType: optional(3, string, ''),
  readOnly: optional(4, bool, ''),
  secretRef: explicit(5, LocalObjectReference, ''),
})
export interface StorageOSVolumeSource extends Infer<typeof StorageOSVolumeSource> {}

export const VsphereVirtualDiskVolumeSource = object('io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource', '', {
  volumePath: required(1, string, ''),
  fsType: optional(2, string, ''),
  storagePolicyName: optional(3, string, ''),
  storagePolicyID: optional(4, string, ''),
})
export interface VsphereVirtualDiskVolumeSource extends Infer<typeof VsphereVirtualDiskVolumeSource> {}

export const VolumeSource = object('io.k8s.api.core.v1.VolumeSource', '', {
  hostPath: explicit(1, HostPathVolumeSource, ''),
  emptyDir: explicit(2, EmptyDirVolumeSource, ''),
  gcePersistentDisk: explicit(3, GCEPersistentDiskVolumeSource, ''),
  awsElasticBlockStore: explicit(4, AWSElasticBlockStoreVolumeSource, ''),
  gitRepo: explicit(5, GitRepoVolumeSource, ''),
  secret: explicit(6, SecretVolumeSource, ''),
  nfs: explicit(7, NFSVolumeSource, ''),
  iscsi: explicit(8, ISCSIVolumeSource, ''),
  glusterfs: explicit(9, GlusterfsVolumeSource, ''),
  persistentVolumeClaim: explicit(10, PersistentVolumeClaimVolumeSource, ''),
  rbd: explicit(11, RBDVolumeSource, ''),
  flexVolume: explicit(12, FlexVolumeSource, ''),
  cinder: explicit(13, CinderVolumeSource, ''),
  cephfs: explicit(14, CephFSVolumeSource, ''),
  flocker: explicit(15, FlockerVolumeSource, ''),
  downwardAPI: explicit(16, DownwardAPIVolumeSource, ''),
  fc: explicit(17, FCVolumeSource, ''),
  azureFile: explicit(18, AzureFileVolumeSource, ''),
  configMap: explicit(19, ConfigMapVolumeSource, ''),
  vsphereVolume: explicit(20, VsphereVirtualDiskVolumeSource, ''),
  quobyte: explicit(21, QuobyteVolumeSource, ''),
  azureDisk: explicit(22, AzureDiskVolumeSource, ''),
  photonPersistentDisk: explicit(23, PhotonPersistentDiskVolumeSource, ''),
  projected: explicit(26, ProjectedVolumeSource, ''),
  portworxVolume: explicit(24, PortworxVolumeSource, ''),
  scaleIO: explicit(25, ScaleIOVolumeSource, ''),
  storageos: explicit(27, StorageOSVolumeSource, ''),
  csi: explicit(28, CSIVolumeSource, ''),
  ephemeral: explicit(29, EphemeralVolumeSource, ''),
  image: explicit(30, ImageVolumeSource, ''),
})
export interface VolumeSource extends Infer<typeof VolumeSource> {}

export const Volume = object('io.k8s.api.core.v1.Volume', '', {
  name: required(1, string, ''),
  ...inline(2, VolumeSource),
})
export interface Volume extends Infer<typeof Volume> {}

export const PersistentVolumeSource = object('io.k8s.api.core.v1.PersistentVolumeSource', '', {
  gcePersistentDisk: explicit(1, GCEPersistentDiskVolumeSource, ''),
  awsElasticBlockStore: explicit(2, AWSElasticBlockStoreVolumeSource, ''),
  hostPath: explicit(3, HostPathVolumeSource, ''),
  glusterfs: explicit(4, GlusterfsPersistentVolumeSource, ''),
  nfs: explicit(5, NFSVolumeSource, ''),
  rbd: explicit(6, RBDPersistentVolumeSource, ''),
  iscsi: explicit(7, ISCSIPersistentVolumeSource, ''),
  cinder: explicit(8, CinderPersistentVolumeSource, ''),
  cephfs: explicit(9, CephFSPersistentVolumeSource, ''),
  fc: explicit(10, FCVolumeSource, ''),
  flocker: explicit(11, FlockerVolumeSource, ''),
  flexVolume: explicit(12, FlexPersistentVolumeSource, ''),
  azureFile: explicit(13, AzureFilePersistentVolumeSource, ''),
  vsphereVolume: explicit(14, VsphereVirtualDiskVolumeSource, ''),
  quobyte: explicit(15, QuobyteVolumeSource, ''),
  azureDisk: explicit(16, AzureDiskVolumeSource, ''),
  photonPersistentDisk: explicit(17, PhotonPersistentDiskVolumeSource, ''),
  portworxVolume: explicit(18, PortworxVolumeSource, ''),
  scaleIO: explicit(19, ScaleIOPersistentVolumeSource, ''),
  local: explicit(20, LocalVolumeSource, ''),
  storageos: explicit(21, StorageOSPersistentVolumeSource, ''),
  csi: explicit(22, CSIPersistentVolumeSource, ''),
})
export interface PersistentVolumeSource extends Infer<typeof PersistentVolumeSource> {}
