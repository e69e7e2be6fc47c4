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

export const AWSElasticBlockStoreVolumeSource = object(
  'io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource',
  'An EBS disk of AWS; served by its CSI driver. The disk must be in the zone of the node.',
  {
    volumeID: required(1, string, 'ID of the disk.'),
    fsType: optional(2, string, 'File system of the disk; ext4 when absent.'),
    partition: optional(3, int32, 'Partition number; 0 or absent means the whole disk.'),
    readOnly: optional(4, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface AWSElasticBlockStoreVolumeSource extends Infer<typeof AWSElasticBlockStoreVolumeSource> {}

export const AzureDiskVolumeSource = object(
  'io.k8s.api.core.v1.AzureDiskVolumeSource',
  'A data disk of Azure; served by its CSI driver.',
  {
    diskName: required(1, string, 'Name of the disk.'),
    diskURI: required(2, string, 'URI of the disk.'),
    cachingMode: explicit(
      3,
      oneOf('None', 'ReadOnly', 'ReadWrite'),
      'How the host caches the disk; ReadWrite when absent.',
      { default: 'ReadWrite' },
    ),
    fsType: explicit(4, string, 'File system of the disk; ext4 when absent.', { default: 'ext4' }),
    readOnly: explicit(5, bool, 'Whether mounts are forced to be read-only; false when absent.'),
    kind: optional(
      6,
      oneOf('Dedicated', 'Managed', 'Shared'),
      'Shared and Dedicated are blob disks, Managed is a managed disk; Shared when absent.',
      { default: 'Shared' },
    ),
  },
)
export interface AzureDiskVolumeSource extends Infer<typeof AzureDiskVolumeSource> {}

export const AzureFilePersistentVolumeSource = object(
  'io.k8s.api.core.v1.AzureFilePersistentVolumeSource',
  'A file share of Azure; served by its CSI driver.',
  {
    secretName: required(1, string, 'Secret with the name and the key of the storage account.'),
    shareName: required(2, string, 'Name of the share.'),
    readOnly: optional(3, bool, 'Whether mounts are forced to be read-only.'),
    secretNamespace: explicit(4, string, 'Namespace of the secret; that of the claim when absent.'),
  },
)
export interface AzureFilePersistentVolumeSource extends Infer<typeof AzureFilePersistentVolumeSource> {}

export const AzureFileVolumeSource = object(
  'io.k8s.api.core.v1.AzureFileVolumeSource',
  'A file share of Azure; served by its CSI driver.',
  {
    secretName: required(
      1,
      string,
      'Secret with the name and the key of the storage account, in the namespace of the pod.',
    ),
    shareName: required(2, string, 'Name of the share.'),
    readOnly: optional(3, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface AzureFileVolumeSource extends Infer<typeof AzureFileVolumeSource> {}

export const CSIPersistentVolumeSource = object(
  'io.k8s.api.core.v1.CSIPersistentVolumeSource',
  'A volume of a CSI driver.',
  {
    driver: required(1, string, 'Name of the CSI driver.'),
    volumeHandle: required(2, string, 'ID of the volume, as the driver gave it; cannot be changed.'),
    readOnly: optional(3, bool, 'Whether the volume is attached and mounted read-only.'),
    fsType: optional(4, string, 'File system to mount; absent leaves it to the driver.'),
    volumeAttributes: optional(5, map(string), 'Attributes that the driver gave with the volume.'),
    controllerPublishSecretRef: explicit(6, SecretReference, 'Secret for attaching and detaching the volume.'),
    nodeStageSecretRef: explicit(7, SecretReference, 'Secret for staging the volume on a node.'),
    nodePublishSecretRef: explicit(8, SecretReference, 'Secret for mounting the volume into a pod.'),
    controllerExpandSecretRef: explicit(9, SecretReference, 'Secret for expanding the volume by the controller.'),
    nodeExpandSecretRef: explicit(10, SecretReference, 'Secret for expanding the volume on a node.'),
  },
)
export interface CSIPersistentVolumeSource extends Infer<typeof CSIPersistentVolumeSource> {}

export const CSIVolumeSource = object(
  'io.k8s.api.core.v1.CSIVolumeSource',
  'An ephemeral volume of a CSI driver, which lives as long as the pod.',
  {
    driver: required(1, string, 'Name of the CSI driver; it must support ephemeral volumes.'),
    readOnly: explicit(2, bool, 'Whether the volume is read-only; false when absent.'),
    fsType: explicit(3, string, 'File system to mount; absent leaves it to the driver.'),
    volumeAttributes: optional(4, map(string), 'Attributes for the driver; its documentation says which.'),
    nodePublishSecretRef: explicit(5, LocalObjectReference, 'Secret for mounting, in the namespace of the pod.'),
  },
)
export interface CSIVolumeSource extends Infer<typeof CSIVolumeSource> {}

export const CephFSPersistentVolumeSource = object(
  'io.k8s.api.core.v1.CephFSPersistentVolumeSource',
  'A Ceph file system; no longer supported.',
  {
    monitors: required(1, list(string, { list: 'atomic' }), 'Addresses of the Ceph monitors.'),
    path: optional(2, string, 'Root of the mount in the file system; / when absent.'),
    user: optional(3, string, 'User name at Ceph; admin when absent.'),
    secretFile: optional(4, string, 'Path of the key ring of the user; /etc/ceph/user.secret when absent.'),
    secretRef: explicit(5, SecretReference, 'Secret with the key of the user; wins over secretFile.'),
    readOnly: optional(6, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface CephFSPersistentVolumeSource extends Infer<typeof CephFSPersistentVolumeSource> {}

export const CephFSVolumeSource = object(
  'io.k8s.api.core.v1.CephFSVolumeSource',
  'A Ceph file system; no longer supported.',
  {
    monitors: required(1, list(string, { list: 'atomic' }), 'Addresses of the Ceph monitors.'),
    path: optional(2, string, 'Root of the mount in the file system; / when absent.'),
    user: optional(3, string, 'User name at Ceph; admin when absent.'),
    secretFile: optional(4, string, 'Path of the key ring of the user; /etc/ceph/user.secret when absent.'),
    secretRef: explicit(5, LocalObjectReference, 'Secret with the key of the user; wins over secretFile.'),
    readOnly: optional(6, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface CephFSVolumeSource extends Infer<typeof CephFSVolumeSource> {}

export const CinderPersistentVolumeSource = object(
  'io.k8s.api.core.v1.CinderPersistentVolumeSource',
  'A Cinder disk of OpenStack; served by its CSI driver.',
  {
    volumeID: required(1, string, 'ID of the disk.'),
    fsType: optional(2, string, 'File system of the disk; ext4 when absent.'),
    readOnly: optional(3, bool, 'Whether mounts are forced to be read-only.'),
    secretRef: explicit(4, SecretReference, 'Secret with the access to OpenStack.'),
  },
)
export interface CinderPersistentVolumeSource extends Infer<typeof CinderPersistentVolumeSource> {}

export const CinderVolumeSource = object(
  'io.k8s.api.core.v1.CinderVolumeSource',
  'A Cinder disk of OpenStack; served by its CSI driver.',
  {
    volumeID: required(1, string, 'ID of the disk.'),
    fsType: optional(2, string, 'File system of the disk; ext4 when absent.'),
    readOnly: optional(3, bool, 'Whether mounts are forced to be read-only.'),
    secretRef: explicit(4, LocalObjectReference, 'Secret with the access to OpenStack.'),
  },
)
export interface CinderVolumeSource extends Infer<typeof CinderVolumeSource> {}

export const ClusterTrustBundleProjection = object(
  'io.k8s.api.core.v1.ClusterTrustBundleProjection',
  'Trust anchors that are written to a file in PEM form, without duplicates and in no fixed order.',
  {
    name: explicit(1, string, 'Name of one bundle; excludes signerName and labelSelector.'),
    signerName: explicit(2, string, 'Signer whose bundles are taken; excludes name.'),
    labelSelector: explicit(
      3,
      LabelSelector,
      'Labels of the bundles of the signer; absent selects none, an empty selector all.',
    ),
    optional: explicit(5, bool, 'Whether the pod starts when no bundle matches.'),
    path: required(4, string, 'Path of the file below the volume.'),
  },
)
export interface ClusterTrustBundleProjection extends Infer<typeof ClusterTrustBundleProjection> {}

export const KeyToPath = object('io.k8s.api.core.v1.KeyToPath', 'Puts the value of a key into a file.', {
  key: required(1, string, 'The key whose value is taken.'),
  path: required(2, string, 'Path of the file below the volume; relative and without .. parts.'),
  mode: explicit(
    3,
    int32,
    'Permission bits of the file, 0 to 0777; JSON takes them in decimal. Absent takes defaultMode.',
  ),
})
export interface KeyToPath extends Infer<typeof KeyToPath> {}

export const ConfigMapProjection = object(
  'io.k8s.api.core.v1.ConfigMapProjection',
  'Keys of a config map as files in a projected volume.',
  {
    ...inline(1, LocalObjectReference),
    items: optional(
      2,
      list(KeyToPath, { list: 'atomic' }),
      'Keys and their paths; absent takes every key under its own name.',
    ),
    optional: explicit(4, bool, 'Whether the config map or its keys may be missing.'),
  },
)
export interface ConfigMapProjection extends Infer<typeof ConfigMapProjection> {}

export const ConfigMapVolumeSource = object(
  'io.k8s.api.core.v1.ConfigMapVolumeSource',
  'A volume with the keys of a config map as files.',
  {
    ...inline(1, LocalObjectReference),
    items: optional(
      2,
      list(KeyToPath, { list: 'atomic' }),
      'Keys and their paths; absent takes every key under its own name.',
    ),
    defaultMode: explicit(
      3,
      int32,
      'Permission bits of the files, 0 to 0777; 0644 when absent. JSON takes them in decimal.',
    ),
    optional: explicit(4, bool, 'Whether the config map or its keys may be missing.'),
  },
)
export interface ConfigMapVolumeSource extends Infer<typeof ConfigMapVolumeSource> {}

export const DownwardAPIVolumeFile = object(
  'io.k8s.api.core.v1.DownwardAPIVolumeFile',
  'A file with facts about the pod.',
  {
    path: required(1, string, 'Path of the file below the volume; relative and without .. parts.'),
    fieldRef: explicit(2, ObjectFieldSelector, 'A field of the pod: annotations, labels, name, namespace or uid.'),
    resourceFieldRef: explicit(
      3,
      ResourceFieldSelector,
      'A limit or request of CPU, memory or ephemeral storage of a container.',
    ),
    mode: explicit(
      4,
      int32,
      'Permission bits of the file, 0 to 0777; JSON takes them in decimal. Absent takes defaultMode.',
    ),
  },
)
export interface DownwardAPIVolumeFile extends Infer<typeof DownwardAPIVolumeFile> {}

export const DownwardAPIProjection = object(
  'io.k8s.api.core.v1.DownwardAPIProjection',
  'Facts about the pod as files in a projected volume.',
  {
    items: optional(1, list(DownwardAPIVolumeFile, { list: 'atomic' }), 'The files and what each of them holds.'),
  },
)
export interface DownwardAPIProjection extends Infer<typeof DownwardAPIProjection> {}

export const DownwardAPIVolumeSource = object(
  'io.k8s.api.core.v1.DownwardAPIVolumeSource',
  'A volume with facts about the pod as files.',
  {
    items: optional(1, list(DownwardAPIVolumeFile, { list: 'atomic' }), 'The files and what each of them holds.'),
    defaultMode: explicit(
      2,
      int32,
      'Permission bits of the files, 0 to 0777; 0644 when absent. JSON takes them in decimal.',
    ),
  },
)
export interface DownwardAPIVolumeSource extends Infer<typeof DownwardAPIVolumeSource> {}

export const EmptyDirVolumeSource = object(
  'io.k8s.api.core.v1.EmptyDirVolumeSource',
  'A directory that is empty at first and lives as long as the pod.',
  {
    medium: optional(
      1,
      string,
      'Memory for a RAM disk, HugePages or HugePages-size for huge pages; empty for the disk of the node.',
    ),
    sizeLimit: explicit(2, quantity, 'Most that may be stored; the pod is evicted beyond it. Absent means no limit.'),
  },
)
export interface EmptyDirVolumeSource extends Infer<typeof EmptyDirVolumeSource> {}

export const PersistentVolumeClaimTemplate = object(
  'io.k8s.api.core.v1.PersistentVolumeClaimTemplate',
  'Describes a claim that is made for a pod.',
  {
    metadata: embedded(1, ObjectMeta, 'Labels and annotations of the claim.'),
    spec: required(2, PersistentVolumeClaimSpec, 'What is wished of the storage.'),
  },
)
export interface PersistentVolumeClaimTemplate extends Infer<typeof PersistentVolumeClaimTemplate> {}

export const EphemeralVolumeSource = object(
  'io.k8s.api.core.v1.EphemeralVolumeSource',
  'A volume whose claim is made for the pod and deleted with it.',
  {
    volumeClaimTemplate: explicit(
      1,
      PersistentVolumeClaimTemplate,
      'The claim; its name becomes that of the pod, a dash and that of the volume.',
    ),
  },
)
export interface EphemeralVolumeSource extends Infer<typeof EphemeralVolumeSource> {}

export const FCVolumeSource = object(
  'io.k8s.api.core.v1.FCVolumeSource',
  'A Fibre Channel disk; either targetWWNs with lun or wwids are set.',
  {
    targetWWNs: optional(1, list(string, { list: 'atomic' }), 'World wide names of the targets.'),
    lun: explicit(2, int32, 'Number of the logical unit.'),
    fsType: optional(3, string, 'File system of the disk; ext4 when absent.'),
    readOnly: optional(4, bool, 'Whether mounts are forced to be read-only.'),
    wwids: optional(5, list(string, { list: 'atomic' }), 'World wide identifiers of the disk.'),
  },
)
export interface FCVolumeSource extends Infer<typeof FCVolumeSource> {}

export const FlexPersistentVolumeSource = object(
  'io.k8s.api.core.v1.FlexPersistentVolumeSource',
  'A volume of an exec-based plugin; deprecated, use CSI.',
  {
    driver: required(1, string, 'Name of the driver.'),
    fsType: optional(2, string, 'File system to mount; the driver decides when absent.'),
    secretRef: explicit(3, SecretReference, 'Secret that is passed to the driver.'),
    readOnly: optional(4, bool, 'Whether mounts are forced to be read-only.'),
    options: optional(5, map(string), 'Options that are passed to the driver.'),
  },
)
export interface FlexPersistentVolumeSource extends Infer<typeof FlexPersistentVolumeSource> {}

export const FlexVolumeSource = object(
  'io.k8s.api.core.v1.FlexVolumeSource',
  'A volume of an exec-based plugin; deprecated, use CSI.',
  {
    driver: required(1, string, 'Name of the driver.'),
    fsType: optional(2, string, 'File system to mount; the driver decides when absent.'),
    secretRef: explicit(3, LocalObjectReference, 'Secret that is passed to the driver.'),
    readOnly: optional(4, bool, 'Whether mounts are forced to be read-only.'),
    options: optional(5, map(string), 'Options that are passed to the driver.'),
  },
)
export interface FlexVolumeSource extends Infer<typeof FlexVolumeSource> {}

export const FlockerVolumeSource = object(
  'io.k8s.api.core.v1.FlockerVolumeSource',
  'A Flocker dataset; no longer supported.',
  {
    datasetName: optional(1, string, 'Name of the dataset; deprecated.'),
    datasetUUID: optional(2, string, 'UUID of the dataset.'),
  },
)
export interface FlockerVolumeSource extends Infer<typeof FlockerVolumeSource> {}

export const GCEPersistentDiskVolumeSource = object(
  'io.k8s.api.core.v1.GCEPersistentDiskVolumeSource',
  'A persistent disk of Google Compute Engine; served by its CSI driver.',
  {
    pdName: required(1, string, 'Name of the disk.'),
    fsType: optional(2, string, 'File system of the disk; ext4 when absent.'),
    partition: optional(3, int32, 'Partition number; 0 or absent means the whole disk.'),
    readOnly: optional(4, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface GCEPersistentDiskVolumeSource extends Infer<typeof GCEPersistentDiskVolumeSource> {}

export const GitRepoVolumeSource = object(
  'io.k8s.api.core.v1.GitRepoVolumeSource',
  'A checkout of a git repository; deprecated and off by default, use an init container.',
  {
    repository: required(1, string, 'URL of the repository.'),
    revision: optional(2, string, 'Commit that is checked out.'),
    directory: optional(
      3,
      string,
      'Directory into which it is cloned; a dot means the volume itself, empty a directory named after the repository.',
    ),
  },
)
export interface GitRepoVolumeSource extends Infer<typeof GitRepoVolumeSource> {}

export const GlusterfsPersistentVolumeSource = object(
  'io.k8s.api.core.v1.GlusterfsPersistentVolumeSource',
  'A GlusterFS volume; no longer supported.',
  {
    endpoints: required(1, string, 'Name of the endpoints that list the servers.'),
    path: required(2, string, 'Name of the volume at Gluster.'),
    readOnly: optional(3, bool, 'Whether mounts are forced to be read-only.'),
    endpointsNamespace: explicit(4, string, 'Namespace of the endpoints; that of the claim when absent.'),
  },
)
export interface GlusterfsPersistentVolumeSource extends Infer<typeof GlusterfsPersistentVolumeSource> {}

export const GlusterfsVolumeSource = object(
  'io.k8s.api.core.v1.GlusterfsVolumeSource',
  'A GlusterFS volume; no longer supported.',
  {
    endpoints: required(1, string, 'Name of the endpoints that list the servers.'),
    path: required(2, string, 'Name of the volume at Gluster.'),
    readOnly: optional(3, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface GlusterfsVolumeSource extends Infer<typeof GlusterfsVolumeSource> {}

export const HostPathVolumeSource = object(
  'io.k8s.api.core.v1.HostPathVolumeSource',
  'A file or directory of the node; dangerous, as it opens the node to the pod.',
  {
    path: required(1, string, 'Path on the node; a symbolic link is followed.'),
    type: explicit(
      2,
      oneOf('', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'),
      'What is checked or made before mounting; empty checks nothing.',
    ),
  },
)
export interface HostPathVolumeSource extends Infer<typeof HostPathVolumeSource> {}

export const ISCSIPersistentVolumeSource = object(
  'io.k8s.api.core.v1.ISCSIPersistentVolumeSource',
  'A disk that is reached over iSCSI.',
  {
    targetPortal: required(1, string, 'Address of the target, with port unless it is 860 or 3260.'),
    iqn: required(2, string, 'Qualified name of the target.'),
    lun: required(3, int32, 'Number of the logical unit.'),
    iscsiInterface: optional(4, string, 'Name of the interface to use; default when absent.', { default: 'default' }),
    fsType: optional(5, string, 'File system of the disk; ext4 when absent.'),
    readOnly: optional(6, bool, 'Whether mounts are forced to be read-only.'),
    portals: optional(7, list(string, { list: 'atomic' }), 'Further portals of the target, for multipath.'),
    chapAuthDiscovery: optional(8, bool, 'Whether discovery authenticates with CHAP.'),
    chapAuthSession: optional(11, bool, 'Whether sessions authenticate with CHAP.'),
    secretRef: explicit(10, SecretReference, 'Secret with the CHAP credentials.'),
    initiatorName: explicit(12, string, 'Name of the initiator; a new interface is made for it when given.'),
  },
)
export interface ISCSIPersistentVolumeSource extends Infer<typeof ISCSIPersistentVolumeSource> {}

export const ISCSIVolumeSource = object('io.k8s.api.core.v1.ISCSIVolumeSource', 'A disk that is reached over iSCSI.', {
  targetPortal: required(1, string, 'Address of the target, with port unless it is 860 or 3260.'),
  iqn: required(2, string, 'Qualified name of the target.'),
  lun: required(3, int32, 'Number of the logical unit.'),
  iscsiInterface: optional(4, string, 'Name of the interface to use; default when absent.', { default: 'default' }),
  fsType: optional(5, string, 'File system of the disk; ext4 when absent.'),
  readOnly: optional(6, bool, 'Whether mounts are forced to be read-only.'),
  portals: optional(7, list(string, { list: 'atomic' }), 'Further portals of the target, for multipath.'),
  chapAuthDiscovery: optional(8, bool, 'Whether discovery authenticates with CHAP.'),
  chapAuthSession: optional(11, bool, 'Whether sessions authenticate with CHAP.'),
  secretRef: explicit(10, LocalObjectReference, 'Secret with the CHAP credentials.'),
  initiatorName: explicit(12, string, 'Name of the initiator; a new interface is made for it when given.'),
})
export interface ISCSIVolumeSource extends Infer<typeof ISCSIVolumeSource> {}

export const ImageVolumeSource = object(
  'io.k8s.api.core.v1.ImageVolumeSource',
  'The files of an image or artefact, mounted read-only.',
  {
    reference: optional(1, string, 'Image reference.'),
    pullPolicy: optional(
      2,
      oneOf('Always', 'IfNotPresent', 'Never'),
      'When the image is pulled; absent means Always for the tag latest or none, else IfNotPresent.',
    ),
  },
)
export interface ImageVolumeSource extends Infer<typeof ImageVolumeSource> {}

export const LocalVolumeSource = object(
  'io.k8s.api.core.v1.LocalVolumeSource',
  'A disk, partition or directory of one node; the volume needs a node affinity.',
  {
    path: required(1, string, 'Path on the node.'),
    fsType: explicit(
      2,
      string,
      'File system to mount when the path is a block device; absent detects it or makes ext4.',
    ),
  },
)
export interface LocalVolumeSource extends Infer<typeof LocalVolumeSource> {}

export const NFSVolumeSource = object('io.k8s.api.core.v1.NFSVolumeSource', 'A directory of an NFS server.', {
  server: required(1, string, 'Host name or address of the server.'),
  path: required(2, string, 'Path that the server exports.'),
  readOnly: optional(3, bool, 'Whether mounts are forced to be read-only.'),
})
export interface NFSVolumeSource extends Infer<typeof NFSVolumeSource> {}

export const PersistentVolumeClaimVolumeSource = object(
  'io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource',
  'The volume of a claim in the namespace of the pod.',
  {
    claimName: required(1, string, 'Name of the claim.'),
    readOnly: optional(2, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface PersistentVolumeClaimVolumeSource extends Infer<typeof PersistentVolumeClaimVolumeSource> {}

export const PhotonPersistentDiskVolumeSource = object(
  'io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource',
  'A disk of the Photon controller; no longer supported.',
  {
    pdID: required(1, string, 'ID of the disk.'),
    fsType: optional(2, string, 'File system of the disk; ext4 when absent.'),
  },
)
export interface PhotonPersistentDiskVolumeSource extends Infer<typeof PhotonPersistentDiskVolumeSource> {}

export const PodCertificateProjection = object(
  'io.k8s.api.core.v1.PodCertificateProjection',
  'A key and a certificate for the pod, made and renewed by the kubelet.',
  {
    signerName: required(1, string, 'Signer that issues the certificate.'),
    keyType: required(2, string, 'Kind of key: RSA3072, RSA4096, ECDSAP256, ECDSAP384, ECDSAP521 or ED25519.'),
    maxExpirationSeconds: explicit(
      3,
      int32,
      'Longest life of the certificate in seconds, 3600 to 7862400; 86400 when absent. The signer may give less.',
    ),
    credentialBundlePath: optional(
      4,
      string,
      'File below the volume for key and certificate chain together, in PEM form; the usual choice.',
    ),
    keyPath: optional(5, string, 'File below the volume for the key alone.'),
    certificateChainPath: optional(6, string, 'File below the volume for the certificate chain alone.'),
    userAnnotations: optional(7, map(string), 'Further wishes that are passed to the signer as they are.'),
  },
)
export interface PodCertificateProjection extends Infer<typeof PodCertificateProjection> {}

export const PortworxVolumeSource = object(
  'io.k8s.api.core.v1.PortworxVolumeSource',
  'A Portworx volume; served by its CSI driver.',
  {
    volumeID: required(1, string, 'ID of the volume.'),
    fsType: optional(2, string, 'File system of the volume; ext4 when absent.'),
    readOnly: optional(3, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface PortworxVolumeSource extends Infer<typeof PortworxVolumeSource> {}

export const SecretProjection = object(
  'io.k8s.api.core.v1.SecretProjection',
  'Keys of a secret as files in a projected volume.',
  {
    ...inline(1, LocalObjectReference),
    items: optional(
      2,
      list(KeyToPath, { list: 'atomic' }),
      'Keys and their paths; absent takes every key under its own name.',
    ),
    optional: explicit(4, bool, 'Whether the secret or its keys may be missing.'),
  },
)
export interface SecretProjection extends Infer<typeof SecretProjection> {}

export const ServiceAccountTokenProjection = object(
  'io.k8s.api.core.v1.ServiceAccountTokenProjection',
  'A token of the service account as a file; the kubelet renews it.',
  {
    audience: optional(1, string, 'For whom the token is meant; the API server when absent.'),
    expirationSeconds: explicit(
      2,
      int64,
      'Life of the token in seconds, at least 600; 3600 when absent. Renewed after 80 percent or 24 hours.',
    ),
    path: required(3, string, 'Path of the file below the volume.'),
  },
)
export interface ServiceAccountTokenProjection extends Infer<typeof ServiceAccountTokenProjection> {}

export const VolumeProjection = object(
  'io.k8s.api.core.v1.VolumeProjection',
  'One source of a projected volume; exactly one member is set.',
  {
    secret: explicit(1, SecretProjection, 'Keys of a secret.'),
    downwardAPI: explicit(2, DownwardAPIProjection, 'Facts about the pod.'),
    configMap: explicit(3, ConfigMapProjection, 'Keys of a config map.'),
    serviceAccountToken: explicit(4, ServiceAccountTokenProjection, 'A token of the service account.'),
    clusterTrustBundle: explicit(5, ClusterTrustBundleProjection, 'Trust anchors in PEM form.'),
    podCertificate: explicit(6, PodCertificateProjection, 'A key and a certificate for the pod.'),
  },
)
export interface VolumeProjection extends Infer<typeof VolumeProjection> {}

export const ProjectedVolumeSource = object(
  'io.k8s.api.core.v1.ProjectedVolumeSource',
  'A volume that brings several sources together in one directory.',
  {
    sources: optional(1, list(VolumeProjection, { list: 'atomic' }), 'The sources; their paths must not clash.'),
    defaultMode: explicit(
      2,
      int32,
      'Permission bits of the files, 0 to 0777; 0644 when absent. JSON takes them in decimal.',
    ),
  },
)
export interface ProjectedVolumeSource extends Infer<typeof ProjectedVolumeSource> {}

export const QuobyteVolumeSource = object(
  'io.k8s.api.core.v1.QuobyteVolumeSource',
  'A Quobyte volume; no longer supported.',
  {
    registry: required(1, string, 'Registries as host:port, separated by commas.'),
    volume: required(2, string, 'Name of the volume.'),
    readOnly: optional(3, bool, 'Whether mounts are forced to be read-only.'),
    user: optional(4, string, 'User as which to mount; that of the service account when absent.'),
    group: optional(5, string, 'Group as which to mount; none when absent.'),
    tenant: optional(6, string, 'Tenant that owns the volume; set by the plugin.'),
  },
)
export interface QuobyteVolumeSource extends Infer<typeof QuobyteVolumeSource> {}

export const RBDPersistentVolumeSource = object(
  'io.k8s.api.core.v1.RBDPersistentVolumeSource',
  'A Ceph block device; no longer supported.',
  {
    monitors: required(1, list(string, { list: 'atomic' }), 'Addresses of the Ceph monitors.'),
    image: required(2, string, 'Name of the image.'),
    fsType: optional(3, string, 'File system of the image; ext4 when absent.'),
    pool: optional(4, string, 'Pool of the image; rbd when absent.', { default: 'rbd' }),
    user: optional(5, string, 'User name at Ceph; admin when absent.', { default: 'admin' }),
    keyring: optional(6, string, 'Path of the key ring; /etc/ceph/keyring when absent.', {
      default: '/etc/ceph/keyring',
    }),
    secretRef: explicit(7, SecretReference, 'Secret with the key of the user; wins over keyring.'),
    readOnly: optional(8, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface RBDPersistentVolumeSource extends Infer<typeof RBDPersistentVolumeSource> {}

export const RBDVolumeSource = object(
  'io.k8s.api.core.v1.RBDVolumeSource',
  'A Ceph block device; no longer supported.',
  {
    monitors: required(1, list(string, { list: 'atomic' }), 'Addresses of the Ceph monitors.'),
    image: required(2, string, 'Name of the image.'),
    fsType: optional(3, string, 'File system of the image; ext4 when absent.'),
    pool: optional(4, string, 'Pool of the image; rbd when absent.', { default: 'rbd' }),
    user: optional(5, string, 'User name at Ceph; admin when absent.', { default: 'admin' }),
    keyring: optional(6, string, 'Path of the key ring; /etc/ceph/keyring when absent.', {
      default: '/etc/ceph/keyring',
    }),
    secretRef: explicit(7, LocalObjectReference, 'Secret with the key of the user; wins over keyring.'),
    readOnly: optional(8, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface RBDVolumeSource extends Infer<typeof RBDVolumeSource> {}

export const ScaleIOPersistentVolumeSource = object(
  'io.k8s.api.core.v1.ScaleIOPersistentVolumeSource',
  'A ScaleIO volume; no longer supported.',
  {
    gateway: required(1, string, 'Address of the gateway.'),
    system: required(2, string, 'Name of the storage system.'),
    secretRef: required(3, SecretReference, 'Secret with user and password; logging in fails without it.'),
    sslEnabled: optional(4, bool, 'Whether the gateway is reached over TLS; false when absent.'),
    protectionDomain: optional(5, string, 'Protection domain of the storage.'),
    storagePool: optional(6, string, 'Storage pool of the protection domain.'),
    storageMode: optional(7, string, 'ThickProvisioned or ThinProvisioned; ThinProvisioned when absent.', {
      default: 'ThinProvisioned',
    }),
    volumeName: optional(8, string, 'Name of the volume.'),
    fsType: optional(9, string, 'File system of the volume; xfs when absent.', { default: 'xfs' }),
    readOnly: optional(10, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface ScaleIOPersistentVolumeSource extends Infer<typeof ScaleIOPersistentVolumeSource> {}

export const ScaleIOVolumeSource = object(
  'io.k8s.api.core.v1.ScaleIOVolumeSource',
  'A ScaleIO volume; no longer supported.',
  {
    gateway: required(1, string, 'Address of the gateway.'),
    system: required(2, string, 'Name of the storage system.'),
    secretRef: required(3, LocalObjectReference, 'Secret with user and password; logging in fails without it.'),
    sslEnabled: optional(4, bool, 'Whether the gateway is reached over TLS; false when absent.'),
    protectionDomain: optional(5, string, 'Protection domain of the storage.'),
    storagePool: optional(6, string, 'Storage pool of the protection domain.'),
    storageMode: optional(7, string, 'ThickProvisioned or ThinProvisioned; ThinProvisioned when absent.', {
      default: 'ThinProvisioned',
    }),
    volumeName: optional(8, string, 'Name of the volume.'),
    fsType: optional(9, string, 'File system of the volume; xfs when absent.', { default: 'xfs' }),
    readOnly: optional(10, bool, 'Whether mounts are forced to be read-only.'),
  },
)
export interface ScaleIOVolumeSource extends Infer<typeof ScaleIOVolumeSource> {}

export const SecretVolumeSource = object(
  'io.k8s.api.core.v1.SecretVolumeSource',
  'A volume with the keys of a secret as files.',
  {
    secretName: optional(1, string, 'Name of the secret in the namespace of the pod.'),
    items: optional(
      2,
      list(KeyToPath, { list: 'atomic' }),
      'Keys and their paths; absent takes every key under its own name.',
    ),
    defaultMode: explicit(
      3,
      int32,
      'Permission bits of the files, 0 to 0777; 0644 when absent. JSON takes them in decimal.',
    ),
    optional: explicit(4, bool, 'Whether the secret or its keys may be missing.'),
  },
)
export interface SecretVolumeSource extends Infer<typeof SecretVolumeSource> {}

export const StorageOSPersistentVolumeSource = object(
  'io.k8s.api.core.v1.StorageOSPersistentVolumeSource',
  'A StorageOS volume; no longer supported.',
  {
    volumeName: optional(1, string, 'Name of the volume; unique within its namespace at StorageOS.'),
    volumeNamespace: optional(2, string, 'Namespace at StorageOS; that of the pod when absent.'),
    fsType: optional(3, string, 'File system of the volume; ext4 when absent.'),
    readOnly: optional(4, bool, 'Whether mounts are forced to be read-only.'),
    secretRef: explicit(5, ObjectReference, 'Secret with the access to StorageOS.'),
  },
)
export interface StorageOSPersistentVolumeSource extends Infer<typeof StorageOSPersistentVolumeSource> {}

export const StorageOSVolumeSource = object(
  'io.k8s.api.core.v1.StorageOSVolumeSource',
  'A StorageOS volume; no longer supported.',
  {
    volumeName: optional(1, string, 'Name of the volume; unique within its namespace at StorageOS.'),
    volumeNamespace: optional(2, string, 'Namespace at StorageOS; that of the pod when absent.'),
    fsType: optional(3, string, 'File system of the volume; ext4 when absent.'),
    readOnly: optional(4, bool, 'Whether mounts are forced to be read-only.'),
    secretRef: explicit(5, LocalObjectReference, 'Secret with the access to StorageOS.'),
  },
)
export interface StorageOSVolumeSource extends Infer<typeof StorageOSVolumeSource> {}

export const VsphereVirtualDiskVolumeSource = object(
  'io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource',
  'A virtual disk of vSphere; served by its CSI driver.',
  {
    volumePath: required(1, string, 'Path of the disk.'),
    fsType: optional(2, string, 'File system of the disk; ext4 when absent.'),
    storagePolicyName: optional(3, string, 'Name of the storage policy.'),
    storagePolicyID: optional(4, string, 'ID of the storage policy.'),
  },
)
export interface VsphereVirtualDiskVolumeSource extends Infer<typeof VsphereVirtualDiskVolumeSource> {}

export const VolumeSource = object(
  'io.k8s.api.core.v1.VolumeSource',
  'Where the content of a volume comes from; exactly one member is set.',
  {
    hostPath: explicit(1, HostPathVolumeSource, 'A file or directory of the node.'),
    emptyDir: explicit(2, EmptyDirVolumeSource, 'A directory that lives as long as the pod.'),
    gcePersistentDisk: explicit(3, GCEPersistentDiskVolumeSource, 'A disk of Google Compute Engine; deprecated.'),
    awsElasticBlockStore: explicit(4, AWSElasticBlockStoreVolumeSource, 'An EBS disk of AWS; deprecated.'),
    gitRepo: explicit(5, GitRepoVolumeSource, 'A checkout of a git repository; deprecated.'),
    secret: explicit(6, SecretVolumeSource, 'Keys of a secret as files.'),
    nfs: explicit(7, NFSVolumeSource, 'A directory of an NFS server.'),
    iscsi: explicit(8, ISCSIVolumeSource, 'A disk that is reached over iSCSI.'),
    glusterfs: explicit(9, GlusterfsVolumeSource, 'A GlusterFS volume; no longer supported.'),
    persistentVolumeClaim: explicit(10, PersistentVolumeClaimVolumeSource, 'The volume of a claim.'),
    rbd: explicit(11, RBDVolumeSource, 'A Ceph block device; no longer supported.'),
    flexVolume: explicit(12, FlexVolumeSource, 'A volume of an exec-based plugin; deprecated.'),
    cinder: explicit(13, CinderVolumeSource, 'A Cinder disk of OpenStack; deprecated.'),
    cephfs: explicit(14, CephFSVolumeSource, 'A Ceph file system; no longer supported.'),
    flocker: explicit(15, FlockerVolumeSource, 'A Flocker dataset; no longer supported.'),
    downwardAPI: explicit(16, DownwardAPIVolumeSource, 'Facts about the pod as files.'),
    fc: explicit(17, FCVolumeSource, 'A Fibre Channel disk.'),
    azureFile: explicit(18, AzureFileVolumeSource, 'A file share of Azure; deprecated.'),
    configMap: explicit(19, ConfigMapVolumeSource, 'Keys of a config map as files.'),
    vsphereVolume: explicit(20, VsphereVirtualDiskVolumeSource, 'A virtual disk of vSphere; deprecated.'),
    quobyte: explicit(21, QuobyteVolumeSource, 'A Quobyte volume; no longer supported.'),
    azureDisk: explicit(22, AzureDiskVolumeSource, 'A data disk of Azure; deprecated.'),
    photonPersistentDisk: explicit(
      23,
      PhotonPersistentDiskVolumeSource,
      'A disk of the Photon controller; no longer supported.',
    ),
    projected: explicit(26, ProjectedVolumeSource, 'Several sources in one directory.'),
    portworxVolume: explicit(24, PortworxVolumeSource, 'A Portworx volume; deprecated.'),
    scaleIO: explicit(25, ScaleIOVolumeSource, 'A ScaleIO volume; no longer supported.'),
    storageos: explicit(27, StorageOSVolumeSource, 'A StorageOS volume; no longer supported.'),
    csi: explicit(28, CSIVolumeSource, 'An ephemeral volume of a CSI driver.'),
    ephemeral: explicit(29, EphemeralVolumeSource, 'A volume whose claim is made for the pod.'),
    image: explicit(30, ImageVolumeSource, 'The files of an image.'),
  },
)
export interface VolumeSource extends Infer<typeof VolumeSource> {}

export const Volume = object('io.k8s.api.core.v1.Volume', 'A volume that the containers of a pod may mount.', {
  name: required(1, string, 'Name of the volume; a DNS label, unique in the pod.'),
  ...inline(2, VolumeSource),
})
export interface Volume extends Infer<typeof Volume> {}

export const PersistentVolumeSource = object(
  'io.k8s.api.core.v1.PersistentVolumeSource',
  'What storage is behind a persistent volume; exactly one member is set, and cannot be changed.',
  {
    gcePersistentDisk: explicit(1, GCEPersistentDiskVolumeSource, 'A disk of Google Compute Engine; deprecated.'),
    awsElasticBlockStore: explicit(2, AWSElasticBlockStoreVolumeSource, 'An EBS disk of AWS; deprecated.'),
    hostPath: explicit(3, HostPathVolumeSource, 'A directory of the node; for tests on a single node only.'),
    glusterfs: explicit(4, GlusterfsPersistentVolumeSource, 'A GlusterFS volume; no longer supported.'),
    nfs: explicit(5, NFSVolumeSource, 'A directory of an NFS server.'),
    rbd: explicit(6, RBDPersistentVolumeSource, 'A Ceph block device; no longer supported.'),
    iscsi: explicit(7, ISCSIPersistentVolumeSource, 'A disk that is reached over iSCSI.'),
    cinder: explicit(8, CinderPersistentVolumeSource, 'A Cinder disk of OpenStack; deprecated.'),
    cephfs: explicit(9, CephFSPersistentVolumeSource, 'A Ceph file system; no longer supported.'),
    fc: explicit(10, FCVolumeSource, 'A Fibre Channel disk.'),
    flocker: explicit(11, FlockerVolumeSource, 'A Flocker dataset; no longer supported.'),
    flexVolume: explicit(12, FlexPersistentVolumeSource, 'A volume of an exec-based plugin; deprecated.'),
    azureFile: explicit(13, AzureFilePersistentVolumeSource, 'A file share of Azure; deprecated.'),
    vsphereVolume: explicit(14, VsphereVirtualDiskVolumeSource, 'A virtual disk of vSphere; deprecated.'),
    quobyte: explicit(15, QuobyteVolumeSource, 'A Quobyte volume; no longer supported.'),
    azureDisk: explicit(16, AzureDiskVolumeSource, 'A data disk of Azure; deprecated.'),
    photonPersistentDisk: explicit(
      17,
      PhotonPersistentDiskVolumeSource,
      'A disk of the Photon controller; no longer supported.',
    ),
    portworxVolume: explicit(18, PortworxVolumeSource, 'A Portworx volume; deprecated.'),
    scaleIO: explicit(19, ScaleIOPersistentVolumeSource, 'A ScaleIO volume; no longer supported.'),
    local: explicit(20, LocalVolumeSource, 'A disk, partition or directory of one node.'),
    storageos: explicit(21, StorageOSPersistentVolumeSource, 'A StorageOS volume; no longer supported.'),
    csi: explicit(22, CSIPersistentVolumeSource, 'A volume of a CSI driver.'),
  },
)
export interface PersistentVolumeSource extends Infer<typeof PersistentVolumeSource> {}
