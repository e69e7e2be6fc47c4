import type { Mutable } from '../../schema/types.ts'
import { pullPolicyOf } from './image-name.ts'
import type { PersistentVolumeClaimSpec } from './persistent-volume-claim-spec.ts'
import type { ObjectFieldSelector } from './references.ts'
import type { DownwardAPIVolumeFile, Volume, VolumeProjection } from './volumes.ts'

/** Read and write for the owner, read for everybody else. */
const defaultMode = 0o644
const hour = 3600
const day = 24 * hour

export function defaultVolume(volume: Mutable<Volume>): void {
  if (Object.keys(volume).length < 2) volume.emptyDir = {}
  if (volume.secret) volume.secret.defaultMode ??= defaultMode
  if (volume.configMap) volume.configMap.defaultMode ??= defaultMode
  if (volume.projected) defaultProjected(volume.projected)
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= defaultMode
    defaultFiles(volume.downwardAPI.items)
  }
  if (volume.hostPath) volume.hostPath.type ??= ''
  if (volume.image) volume.image.pullPolicy ??= pullPolicyOf(volume.image.reference ?? '')
  if (volume.ephemeral?.volumeClaimTemplate) defaultClaimSpec(volume.ephemeral.volumeClaimTemplate.spec)
  defaultRemoteDisk(volume)
}

export function defaultClaimSpec(spec: Mutable<PersistentVolumeClaimSpec>): void {
  spec.volumeMode ??= 'Filesystem'
}

function defaultProjected(projected: NonNullable<Mutable<Volume>['projected']>): void {
  projected.defaultMode ??= defaultMode
  for (const source of projected.sources ?? []) defaultProjection(source)
}

function defaultProjection(source: Mutable<VolumeProjection>): void {
  defaultFiles(source.downwardAPI?.items)
  if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= hour
  if (source.podCertificate) source.podCertificate.maxExpirationSeconds ??= day
}

function defaultFiles(files: readonly Mutable<DownwardAPIVolumeFile>[] | undefined): void {
  for (const file of files ?? []) defaultFieldRef(file.fieldRef)
}

function defaultRemoteDisk({ iscsi, rbd, azureDisk, scaleIO }: Mutable<Volume>): void {
  if (iscsi) iscsi.iscsiInterface ??= 'default'
  if (rbd) {
    rbd.pool ??= 'rbd'
    rbd.user ??= 'admin'
    rbd.keyring ??= '/etc/ceph/keyring'
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite'
    azureDisk.kind ??= 'Shared'
    azureDisk.fsType ??= 'ext4'
    azureDisk.readOnly ??= false
  }
  if (scaleIO) {
    scaleIO.storageMode ??= 'ThinProvisioned'
    scaleIO.fsType ??= 'xfs'
  }
}

export function defaultFieldRef(reference: Mutable<ObjectFieldSelector> | undefined): void {
  if (reference) reference.apiVersion ??= 'v1'
}
