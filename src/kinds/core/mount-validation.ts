/** Where the volumes of a pod appear in a container: as files, or as block devices. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import type { Container, VolumeMount } from './containers.ts'
import { checkLocalPath, checkOneOf } from './field-checks.ts'
import type { Volume } from './volumes.ts'

type Volumes = ReadonlyMap<string, Volume>

export function validateMounts(container: Container, path: string, volumes: Volumes, errors: FieldErrors): void {
  const taken = new Set<string>()
  const devices = container.volumeDevices ?? []
  const mounts = container.volumeMounts ?? []
  for (let index = 0; index < mounts.length; index++) {
    const mount = mounts[index] as VolumeMount
    const { name, mountPath } = mount
    const at = `${path}[${index}]`
    if (name === '') errors.required(`${at}.name`)
    if (!volumes.has(name)) errors.notFound(`${at}.name`, name)
    if (mountPath === '') errors.required(`${at}.mountPath`)
    if (taken.has(mountPath)) errors.invalid(`${at}.mountPath`, mountPath, 'must be unique')
    taken.add(mountPath)
    if (devices.some((device) => device.name === name)) {
      errors.invalid(`${at}.name`, name, 'must not already exist in volumeDevices')
    }
    if (devices.some((device) => device.devicePath === mountPath)) {
      errors.invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices')
    }
    validateSubPath(mount, path, at, errors)
    validatePropagation(mount, container, path, errors)
  }
}

/** Some faults are shown at the list: so the reference does. */
function validateSubPath({ subPath, subPathExpr }: VolumeMount, list: string, at: string, errors: FieldErrors): void {
  if (subPath) checkLocalPath(errors, `${list}.subPath`, subPath)
  if (!subPathExpr) return
  if (subPath) errors.invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive')
  checkLocalPath(errors, `${list}.subPathExpr`, subPathExpr)
}

function validatePropagation(mount: VolumeMount, container: Container, list: string, errors: FieldErrors): void {
  const { mountPropagation, recursiveReadOnly, readOnly } = mount
  if (mountPropagation !== undefined) {
    const path = `${list}.mountPropagation`
    checkOneOf(errors, path, mountPropagation, ['Bidirectional', 'HostToContainer', 'None'])
    if (mountPropagation === 'Bidirectional' && !container.securityContext?.privileged) {
      errors.forbidden(path, 'Bidirectional mount propagation is available only to privileged containers')
    }
  }
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return
  const path = `${list}.recursiveReadOnly`
  if (recursiveReadOnly !== 'Enabled' && recursiveReadOnly !== 'IfPossible') {
    return errors.notSupported(path, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible'])
  }
  if (!readOnly) errors.forbidden(path, 'may only be specified when readOnly is true')
  if (mountPropagation !== undefined && mountPropagation !== 'None') {
    errors.forbidden(path, 'may only be specified when mountPropagation is None or not specified')
  }
}

export function validateDevices(container: Container, path: string, volumes: Volumes, errors: FieldErrors): void {
  const names = new Set<string>()
  const paths = new Set<string>()
  const mounts = container.volumeMounts ?? []
  container.volumeDevices?.forEach(({ name, devicePath }, index) => {
    const at = `${path}[${index}]`
    const volume = volumes.get(name)
    if (name === '') errors.required(`${at}.name`)
    if (names.has(name)) errors.invalid(`${at}.name`, name, 'must be unique')
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      const detail = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'
      errors.invalid(`${at}.name`, name, detail)
    }
    if (!volume) errors.notFound(`${at}.name`, name)
    if (devicePath === '') errors.required(`${at}.devicePath`)
    if (paths.has(devicePath)) errors.invalid(`${at}.devicePath`, devicePath, 'must be unique')
    if (devicePath.split('/').includes('..')) {
      errors.invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')")
    } else paths.add(devicePath)
    if (mounts.some((mount) => mount.name === name)) {
      errors.invalid(`${at}.name`, name, 'must not already exist in volumeMounts')
    }
    if (mounts.some((mount) => mount.mountPath === devicePath)) {
      errors.invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts')
    }
    if (name !== '') names.add(name)
  })
}
