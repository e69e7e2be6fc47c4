import type { Container } from '../../kinds/core/containers.ts'
import type { PersistentVolume } from '../../kinds/core/persistent-volume.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { Volume } from '../../kinds/core/volumes.ts'

/** Which other objects pods and volumes refer to: what a node needs to run them, and so may read. */

type Spec = Pod['spec']
type Environment = Pick<Container, 'env' | 'envFrom'>

/**
 * Different names, in the order in which they come. It is made for every pod that gets a node, and mostly stays empty.
 */
class Names {
  readonly all: string[] = []

  add(name: string | undefined): void {
    if (name && !this.all.includes(name)) this.all.push(name)
  }
}

/** Names of the secrets that a pod refers to, in its namespace. */
export function podSecrets(spec: Spec): readonly string[] {
  const names = new Names()
  for (const { name } of spec.imagePullSecrets ?? []) names.add(name)
  eachEnvironment(spec, ({ env, envFrom }) => {
    for (const { valueFrom } of env ?? []) names.add(valueFrom?.secretKeyRef?.name)
    for (const { secretRef } of envFrom ?? []) names.add(secretRef?.name)
  })
  for (const volume of spec.volumes ?? []) addVolumeSecrets(volume, names)
  return names.all
}

/** Names of the config maps that a pod refers to, in its namespace. */
export function podConfigMaps(spec: Spec): readonly string[] {
  const names = new Names()
  eachEnvironment(spec, ({ env, envFrom }) => {
    for (const { valueFrom } of env ?? []) names.add(valueFrom?.configMapKeyRef?.name)
    for (const { configMapRef } of envFrom ?? []) names.add(configMapRef?.name)
  })
  for (const { configMap, projected } of spec.volumes ?? []) {
    names.add(configMap?.name)
    for (const source of projected?.sources ?? []) names.add(source.configMap?.name)
  }
  return names.all
}

/** Names of the volume claims that a pod uses; those of ephemeral volumes are made of both names. */
export function podVolumeClaims({ metadata, spec }: Pod): readonly string[] {
  const names = new Names()
  for (const volume of spec.volumes ?? []) {
    if (volume.persistentVolumeClaim) names.add(volume.persistentVolumeClaim.claimName)
    else if (volume.ephemeral) names.add(`${metadata.name}-${volume.name}`)
  }
  return names.all
}

/** Names of the claims of devices that a pod uses, as far as they are made. */
export function podResourceClaims({ spec, status }: Pod): readonly string[] {
  const names = new Names()
  for (const { name, resourceClaimName } of spec.resourceClaims ?? []) {
    const made = () => status?.resourceClaimStatuses?.find((each) => each.name === name)
    names.add(resourceClaimName || made()?.resourceClaimName)
  }
  names.add(status?.extendedResourceClaimStatus?.resourceClaimName)
  return names.all
}

function eachEnvironment(
  { initContainers = [], containers = [], ephemeralContainers = [] }: Spec,
  visit: (environment: Environment) => void,
): void {
  for (const container of initContainers) visit(container)
  for (const container of containers) visit(container)
  for (const container of ephemeralContainers) visit(container)
}

function addVolumeSecrets(volume: Volume, names: Names): void {
  const { azureFile, cephfs, cinder, flexVolume, projected, rbd, secret, scaleIO, iscsi, storageos, csi } = volume
  names.add(azureFile?.secretName)
  names.add(secret?.secretName)
  for (const source of [cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos]) names.add(source?.secretRef?.name)
  names.add(csi?.nodePublishSecretRef?.name)
  for (const source of projected?.sources ?? []) names.add(source.secret?.name)
}

interface NamespacedName {
  readonly namespace: string
  readonly name: string
}

/** The secrets of a volume that its node needs: not those for attaching and growing it, which is done elsewhere. */
export function* volumeNodeSecrets({ spec }: PersistentVolume): Generator<NamespacedName> {
  const claimNamespace = spec.claimRef?.namespace ?? ''
  const { azureFile, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos, csi } = spec
  if (azureFile?.secretName) {
    yield { namespace: azureFile.secretNamespace || claimNamespace, name: azureFile.secretName }
  }
  for (const source of [cephfs, flexVolume, rbd, scaleIO, iscsi]) {
    const { namespace, name } = source?.secretRef ?? {}
    if (name) yield { namespace: namespace || claimNamespace, name }
  }
  const exact = [cinder?.secretRef, storageos?.secretRef]
  for (const { namespace = '', name } of [
    ...exact.flatMap((reference) => reference ?? []),
    ...[csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef].flatMap((each) => each ?? []),
  ])
    if (name) yield { namespace, name }
}
