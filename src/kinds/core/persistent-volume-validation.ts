import { parseQuantity } from '../../base/quantity.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import { immutable, invalidAll, keepsValue } from '../rules.ts'
import { validateAccessModes } from './claim-validation.ts'
import { changes } from './object-changes.ts'
import type { PersistentVolume } from './persistent-volume.ts'
import { validateNodeSelector } from './selector-validation.ts'
import type { PersistentVolumeSpec } from './shared.ts'
import { PersistentVolumeSource } from './volumes.ts'

const mountOptionAnnotation = 'volume.beta.kubernetes.io/mount-options'

/** In the order in which the reference looks at them: the first one counts, each further one is a fault. */
const sources = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const

/** Sources that are no file system which the kubelet mounts with options. */
const withoutMountOptions: readonly string[] = [
  'hostPath',
  'flocker',
  'fc',
  'flexVolume',
  'portworxVolume',
  'scaleIO',
  'local',
  'csi',
]

export function validatePersistentVolume({ metadata, spec }: PersistentVolume, errors: FieldErrors): void {
  validateUse(spec, errors)
  const hasAffinity = validateAffinity(spec, errors)
  validateSource(spec, hasAffinity, errors)
  const { hostPath, persistentVolumeReclaimPolicy, storageClassName, volumeMode } = spec
  if (hostPath !== undefined && /^\/+\.?\/*$/.test(hostPath.path) && persistentVolumeReclaimPolicy === 'Recycle') {
    errors.forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'")
  }
  if (storageClassName)
    invalidAll('spec.storageClassName', storageClassName, dnsSubdomainFaults(storageClassName), errors)
  if (volumeMode !== undefined && volumeMode !== 'Block' && volumeMode !== 'Filesystem') {
    errors.notSupported('spec.volumeMode', volumeMode, ['Block', 'Filesystem'])
  }
  const used = sources.find((source) => spec[source] !== undefined)
  if (metadata.annotations?.[mountOptionAnnotation] !== undefined && used && withoutMountOptions.includes(used)) {
    const path = `metadata.annotations.${mountOptionAnnotation}`
    errors.forbidden(path, 'may not specify mount options for this volume type')
  }
}

function validateUse(spec: PersistentVolumeSpec, errors: FieldErrors): void {
  const capacity = spec.capacity ?? {}
  if (!spec.accessModes?.length) errors.required('spec.accessModes')
  validateAccessModes('spec.accessModes', spec.accessModes ?? [], errors)
  const names = Object.keys(capacity)
  if (names.length === 0) errors.required('spec.capacity')
  if (capacity.storage === undefined || names.length > 1) {
    errors.notSupported('spec.capacity', capacity, ['storage'])
  }
  for (const name of names) {
    const quantity = parseQuantity(capacity[name]!)
    const path = `spec.capacity[${name}]`
    if (quantity.sign < 0) errors.invalid(path, quantity.value(), 'must be a valid resource quantity')
    if (quantity.sign <= 0) errors.invalid(path, capacity[name], 'must be greater than zero')
  }
  const policies = ['Delete', 'Recycle', 'Retain']
  const policy = spec.persistentVolumeReclaimPolicy
  if (policy && !policies.includes(policy)) errors.notSupported('spec.persistentVolumeReclaimPolicy', policy, policies)
}

/** Whether the volume says from which nodes it can be reached. */
function validateAffinity({ nodeAffinity }: PersistentVolumeSpec, errors: FieldErrors): boolean {
  if (nodeAffinity === undefined) return false
  const path = 'spec.nodeAffinity.required'
  if (nodeAffinity.required === undefined) errors.required(path, 'must specify required node constraints')
  else validateNodeSelector(nodeAffinity.required, path, errors)
  return true
}

function validateSource(spec: PersistentVolumeSpec, hasAffinity: boolean, errors: FieldErrors): void {
  const [used, ...others] = sources.filter((source) => spec[source] !== undefined)
  for (const source of others) errors.forbidden(`spec.${source}`, 'may not specify more than 1 volume type')
  if (used === undefined) errors.required('spec', 'must specify a volume type')
  const needs = (path: string, value: string | undefined) => {
    if (!value) errors.required(`spec.${path}`)
  }
  if (used === 'hostPath') needs('hostPath.path', spec.hostPath?.path)
  if (used === 'nfs') {
    needs('nfs.server', spec.nfs?.server)
    needs('nfs.path', spec.nfs?.path)
    if (spec.nfs?.path && !spec.nfs.path.startsWith('/')) {
      errors.invalid('spec.nfs.path', spec.nfs.path, 'must be an absolute path')
    }
  }
  if (used === 'local') {
    needs('local.path', spec.local?.path)
    if (!hasAffinity) errors.required('spec.nodeAffinity', 'Local volume requires node affinity')
  }
  if (used === 'csi') {
    needs('csi.driver', spec.csi?.driver)
    needs('csi.volumeHandle', spec.csi?.volumeHandle)
  }
}

/** Where the data lies does not change; what may be done with it may. */
export function validatePersistentVolumeUpdate(
  volume: PersistentVolume,
  old: PersistentVolume,
  errors: FieldErrors,
): void {
  validatePersistentVolume(volume, errors)
  const before = sourceOf(old.spec)
  const after = sourceOf(volume.spec)
  if (!equalJson(before, after)) {
    const rule = 'spec.persistentvolumesource is immutable after creation'
    errors.forbidden('spec.persistentvolumesource', `${rule}\n${changes(PersistentVolumeSource, before, after)}`)
  }
  keepsValue('volumeMode', volume.spec.volumeMode, old.spec.volumeMode, errors)
  const { nodeAffinity } = old.spec
  if (nodeAffinity !== undefined && !equalJson(nodeAffinity, volume.spec.nodeAffinity)) {
    errors.invalid('nodeAffinity', volume.spec.nodeAffinity, immutable)
  }
}

function sourceOf(spec: PersistentVolumeSpec): object {
  return Object.fromEntries(sources.flatMap((source) => (spec[source] === undefined ? [] : [[source, spec[source]]])))
}
