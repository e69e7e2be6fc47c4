/** Volumes that come from storage systems: what each of them cannot do without. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import { addFaults, checkLocalPath, checkOneOf } from './field-checks.ts'
import type { SourceCheck, VolumeContext } from './volume-validation.ts'
import type {
  AzureDiskVolumeSource,
  CSIVolumeSource,
  FCVolumeSource,
  FlexVolumeSource,
  ISCSIVolumeSource,
  QuobyteVolumeSource,
  VolumeSource,
} from './volumes.ts'

type RemoteName = Exclude<
  keyof VolumeSource,
  | 'emptyDir'
  | 'hostPath'
  | 'gitRepo'
  | 'secret'
  | 'configMap'
  | 'persistentVolumeClaim'
  | 'downwardAPI'
  | 'projected'
  | 'ephemeral'
  | 'image'
>

/** A source that only needs some fields to be there. */
const needs =
  <S extends object>(...names: (keyof S & string)[]): SourceCheck<S> =>
  (source, path, errors) => {
    for (const name of names) {
      const value: unknown = source[name]
      const missing =
        value === '' || value === undefined || value === null || (Array.isArray(value) && value.length === 0)
      if (missing) errors.required(`${path}.${name}`)
    }
  }

const partitionRule = 'must be between 1 and 255, inclusive'

function checkPartition(partition: number | undefined, path: string, errors: FieldErrors): void {
  if (partition !== undefined && (partition < 0 || partition > 255)) errors.invalid(path, partition, partitionRule)
}

export const remoteSources: { readonly [N in RemoteName]: SourceCheck<NonNullable<VolumeSource[N]>> } = {
  gcePersistentDisk({ pdName, partition }, path, errors) {
    if (pdName === '') errors.required(`${path}.pdName`)
    checkPartition(partition, `${path}.partition`, errors)
  },
  awsElasticBlockStore({ volumeID, partition }, path, errors) {
    if (volumeID === '') errors.required(`${path}.volumeID`)
    checkPartition(partition, `${path}.partition`, errors)
  },
  nfs({ server, path: exported }, path, errors) {
    if (server === '') errors.required(`${path}.server`)
    if (exported === '') errors.required(`${path}.path`)
    if (!exported.startsWith('/')) errors.invalid(`${path}.path`, exported, 'must be an absolute path')
  },
  iscsi: validateIscsi,
  glusterfs: needs('endpoints', 'path'),
  flocker({ datasetName = '', datasetUUID = '' }, path, errors) {
    if (datasetName === '' && datasetUUID === '') {
      errors.required(path, 'one of datasetName and datasetUUID is required')
    } else if (datasetName !== '' && datasetUUID !== '') {
      errors.invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously')
    }
    if (datasetName.includes('/')) errors.invalid(`${path}.datasetName`, datasetName, "must not contain '/'")
  },
  rbd: needs('monitors', 'image'),
  cinder({ volumeID, secretRef }, path, errors) {
    if (volumeID === '') errors.required(`${path}.volumeID`)
    if (secretRef && !secretRef.name) errors.required(`${path}.secretRef.name`)
  },
  cephfs: needs('monitors'),
  quobyte: validateQuobyte,
  fc: validateFibreChannel,
  flexVolume: validateFlexVolume,
  azureFile: needs('secretName', 'shareName'),
  vsphereVolume: needs('volumePath'),
  photonPersistentDisk: needs('pdID'),
  portworxVolume: needs('volumeID'),
  azureDisk: validateAzureDisk,
  storageos({ volumeName, secretRef }, path, errors) {
    if (!volumeName) errors.required(`${path}.volumeName`)
    if (secretRef && !secretRef.name) errors.required(`${path}.secretRef.name`)
  },
  scaleIO: needs('gateway', 'system', 'volumeName'),
  csi: validateInlineCsi,
}

const iqnForm = /^iqn\.\d{4}-\d{2}\.([\w\-.]+)(:[^,;*&$|\s]+)$/
const euiForm = /^eui\.[0-9a-fA-F]{16}$/
const naaForm = /^naa\.[0-9a-fA-F]{32}$/
const isQualifiedIscsi = (name: string): boolean => iqnForm.test(name) || euiForm.test(name) || naaForm.test(name)

function validateIscsi(source: ISCSIVolumeSource, path: string, errors: FieldErrors, context: VolumeContext): void {
  const { targetPortal, iqn, lun, initiatorName } = source
  if (targetPortal === '') errors.required(`${path}.targetPortal`)
  if (iqn === '') errors.required(`${path}.iqn`)
  else if (!/^(iqn|eui|naa)/.test(iqn)) {
    errors.invalid(`${path}.iqn`, iqn, 'must be valid format starting with iqn, eui, or naa')
  } else if (!isQualifiedIscsi(iqn)) errors.invalid(`${path}.iqn`, iqn, 'must be valid format')
  if (lun < 0 || lun > 255) errors.invalid(`${path}.lun`, lun, 'must be between 0 and 255, inclusive')
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) errors.required(`${path}.secretRef`)
  if (initiatorName === undefined) return
  if (!isQualifiedIscsi(initiatorName)) errors.invalid(`${path}.initiatorname`, initiatorName, 'must be valid format')
  if (`${context.volumeName}:${targetPortal}`.length > 64) {
    errors.invalid(
      `${context.volumePath}.name`,
      context.volumeName,
      'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.',
    )
  }
}

function validateQuobyte(
  { registry, volume, tenant = '' }: QuobyteVolumeSource,
  path: string,
  errors: FieldErrors,
): void {
  const pairs = 'must be a host:port pair or multiple pairs separated by commas'
  if (registry === '') errors.required(`${path}.registry`, pairs)
  else if (tenant.length >= 65)
    errors.required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters')
  else {
    for (const pair of registry.split(',')) {
      if (!/^(\[[^\]]*\]|[^:]*):[^:]*$/.test(pair)) errors.invalid(`${path}.registry`, registry, pairs)
    }
  }
  if (volume === '') errors.required(`${path}.volume`)
}

function validateFibreChannel(
  { targetWWNs = [], wwids = [], lun }: FCVolumeSource,
  path: string,
  errors: FieldErrors,
): void {
  if (targetWWNs.length === 0 && wwids.length === 0) {
    errors.required(`${path}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both')
  }
  if (targetWWNs.length > 0 && wwids.length > 0) {
    errors.invalid(`${path}.targetWWNs`, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously')
  }
  if (targetWWNs.length === 0) return
  if (lun === undefined) errors.required(`${path}.lun`, 'lun is required if targetWWNs is specified')
  else if (lun < 0 || lun > 255) errors.invalid(`${path}.lun`, lun, 'must be between 0 and 255, inclusive')
}

function validateFlexVolume({ driver, options = {} }: FlexVolumeSource, path: string, errors: FieldErrors): void {
  if (driver === '') errors.required(`${path}.driver`)
  else checkLocalPath(errors, `${path}.driver`, driver)
  for (const [key, value] of Object.entries(options)) {
    const domain = key.split('/')[0] ?? ''
    if (/(^|\.)(kubernetes|k8s)\.io$/.test(domain)) {
      errors.invalid(`${path}.options[${key}]`, value, 'kubernetes.io and k8s.io namespaces are reserved')
    }
  }
}

function validateAzureDisk(source: AzureDiskVolumeSource, path: string, errors: FieldErrors): void {
  const { diskName, diskURI, cachingMode, kind } = source
  if (diskName === '') errors.required(`${path}.diskName`)
  if (diskURI === '') errors.required(`${path}.diskURI`)
  if (cachingMode !== undefined)
    checkOneOf(errors, `${path}.cachingMode`, cachingMode, ['None', 'ReadOnly', 'ReadWrite'])
  if (kind !== undefined) checkOneOf(errors, `${path}.kind`, kind, ['Dedicated', 'Managed', 'Shared'])
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/')) {
    const form = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
    errors.notSupported(`${path}.diskURI`, diskURI, [form])
  }
  if (kind !== 'Managed' && diskURI !== '' && !diskURI.startsWith('https://')) {
    errors.notSupported(`${path}.diskURI`, diskURI, [
      'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd',
    ])
  }
}

function validateInlineCsi({ driver, nodePublishSecretRef }: CSIVolumeSource, path: string, errors: FieldErrors): void {
  validateDriverName(driver, `${path}.driver`, errors)
  if (nodePublishSecretRef && !nodePublishSecretRef.name) errors.required(`${path}.nodePublishSecretRef.name`)
}

/** The name of a CSI driver: a DNS subdomain of at most 63 characters, in whatever case. */
export function validateDriverName(driver: string, path: string, errors: FieldErrors): void {
  if (driver === '') errors.required(path)
  if (driver.length > 63) errors.tooLong(path, 63)
  addFaults(errors, path, driver.toLowerCase(), dnsSubdomainFaults(driver.toLowerCase()))
}
