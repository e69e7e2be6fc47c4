/** Volumes of a pod: exactly one source each, and what that source needs. */
import { compareQuantities } from '../../base/quantity.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsLabelFaults } from '../../schema/names.ts'
import { validateClaimTemplate } from './claim-template-validation.ts'
import { addFaults, checkLocalPath, checkNoBackSteps, checkOneOf } from './field-checks.ts'
import { validateProjected } from './projected-volume-validation.ts'
import { remoteSources } from './remote-volume-validation.ts'
import { checkMode, validateFile, validateItems } from './volume-file-validation.ts'
import type { HostPathVolumeSource, Volume, VolumeSource } from './volumes.ts'

/** What a volume source's check gets to know beside the source. */
export interface VolumeContext {
  readonly volumeName: string
  readonly volumePath: string
  /** Empty in a template, whose pods have no name yet. */
  readonly podName: string
}

/** One check for each kind of source. */
export type SourceCheck<S> = (source: S, path: string, errors: FieldErrors, context: VolumeContext) => void

type SourceName = keyof VolumeSource

/** Checks all volumes; gives those that are right, by name: only they can be mounted. */
export function validateVolumes(
  volumes: readonly Volume[],
  podName: string,
  path: string,
  errors: FieldErrors,
): ReadonlyMap<string, Volume> {
  const valid = new Map<string, Volume>()
  const created = createdClaims(volumes, podName)
  for (let index = 0; index < volumes.length; index++) {
    const volume = volumes[index] as Volume
    const at = `${path}[${index}]`
    const before = errors.length
    validateSource(volume, at, podName, errors)
    if (volume.name === '') errors.required(`${at}.name`)
    else addFaults(errors, `${at}.name`, volume.name, dnsLabelFaults(volume.name))
    if (valid.has(volume.name)) errors.duplicate(`${at}.name`, volume.name)
    if (errors.length === before) valid.set(volume.name, volume)
    const claim = volume.persistentVolumeClaim?.claimName
    if (claim !== undefined && created?.has(claim)) {
      const detail = 'must not reference a PVC that gets created for an ephemeral volume'
      errors.invalid(`${at}.persistentVolumeClaim.claimName`, claim, detail)
    }
  }
  return valid
}

/** The names of the claims that will be made for the pod's own volumes. */
function createdClaims(volumes: readonly Volume[], podName: string): ReadonlySet<string> | undefined {
  if (podName === '' || !volumes.some((volume) => volume.ephemeral)) return undefined
  return new Set(volumes.filter((volume) => volume.ephemeral).map((volume) => `${podName}-${volume.name}`))
}

function validateSource(volume: Volume, path: string, podName: string, errors: FieldErrors): void {
  let found = 0
  const context = { volumeName: volume.name, volumePath: path, podName }
  for (const name of sourceOrder) {
    const source = volume[name]
    if (source === undefined) continue
    if (found++ > 0) errors.forbidden(`${path}.${name}`, 'may not specify more than 1 volume type')
    else (sourceChecks[name] as SourceCheck<unknown>)(source, `${path}.${name}`, errors, context)
  }
  if (found === 0) errors.required(path, 'must specify a volume type')
}

const sourceChecks: { readonly [N in SourceName]: SourceCheck<NonNullable<VolumeSource[N]>> } = {
  emptyDir({ sizeLimit }, path, errors) {
    if (sizeLimit !== undefined && compareQuantities(sizeLimit, '0') < 0) {
      errors.forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')
    }
  },
  hostPath: validateHostPath,
  gitRepo({ repository, directory = '' }, path, errors) {
    if (repository === '') errors.required(`${path}.repository`)
    checkLocalPath(errors, `${path}.directory`, directory)
  },
  secret({ secretName, defaultMode, items }, path, errors) {
    if (!secretName) errors.required(`${path}.secretName`)
    checkMode(defaultMode, `${path}.defaultMode`, errors)
    validateItems(items, `${path}.items`, errors)
  },
  configMap({ name, defaultMode, items }, path, errors) {
    if (!name) errors.required(`${path}.name`)
    checkMode(defaultMode, `${path}.defaultMode`, errors)
    validateItems(items, `${path}.items`, errors)
  },
  persistentVolumeClaim({ claimName }, path, errors) {
    if (claimName === '') errors.required(`${path}.claimName`)
  },
  downwardAPI({ defaultMode, items = [] }, path, errors) {
    checkMode(defaultMode, `${path}.defaultMode`, errors)
    for (const file of items) validateFile(file, path, errors)
  },
  projected: validateProjected,
  ephemeral({ volumeClaimTemplate }, path, errors, context) {
    if (!volumeClaimTemplate) errors.required(`${path}.volumeClaimTemplate`)
    else validateClaimTemplate(volumeClaimTemplate, `${path}.volumeClaimTemplate`, errors, context)
  },
  image({ reference = '', pullPolicy }, path, errors) {
    if (reference.trim() === '') errors.required(`${path}.reference`)
    if (pullPolicy !== undefined) {
      checkOneOf(errors, `${path}.pullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never'])
    }
  },
  ...remoteSources,
}

/** The order in which the reference looks; of two sources the later one is the fault. */
const sourceOrder: readonly SourceName[] = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
]

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
]

function validateHostPath({ path: hostPath, type }: HostPathVolumeSource, path: string, errors: FieldErrors): void {
  if (hostPath === '') return errors.required(`${path}.path`)
  checkNoBackSteps(errors, `${path}.path`, hostPath)
  if (type !== undefined) checkOneOf(errors, `${path}.type`, type, hostPathTypes)
}
