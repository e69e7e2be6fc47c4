/** What pods of one operating system cannot say, because only the other one knows it. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import type { Container } from './containers.ts'
import type { PodSpec } from './pod-spec.ts'
import type { WindowsSecurityContextOptions } from './security.ts'

export function validateOS(spec: PodSpec, path: string, errors: FieldErrors): void {
  const name = spec.os?.name
  if (name === undefined) return
  if (name === '') errors.required(`${path}.os.name`, 'cannot be empty')
  else if (name === 'linux') validateLinux(spec, path, errors)
  else if (name === 'windows') validateWindows(spec, path, errors)
  else errors.notSupported(`${path}.os`, name, ['linux', 'windows'])
}

function forEachContainer(spec: PodSpec, path: string, visit: (container: Container, path: string) => void): void {
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    spec[list]?.forEach((container, index) => {
      visit(container as Container, `${path}.${list}[${index}]`)
    })
  }
}

function validateLinux(spec: PodSpec, path: string, errors: FieldErrors): void {
  const detail = 'windows options cannot be set for a linux pod'
  if (spec.securityContext?.windowsOptions) errors.forbidden(`${path}.securityContext.windowsOptions`, detail)
  forEachContainer(spec, path, (container, at) => {
    if (container.securityContext?.windowsOptions) errors.forbidden(`${at}.securityContext.windowsOptions`, detail)
  })
}

const forWindows = 'cannot be set for a windows pod'

function validateWindows(spec: PodSpec, path: string, errors: FieldErrors): void {
  const context = spec.securityContext ?? {}
  const inContext = (name: keyof typeof context): void => {
    if (context[name] !== undefined) errors.forbidden(`${path}.securityContext.${name}`, forWindows)
  }
  inContext('appArmorProfile')
  inContext('seLinuxOptions')
  if (spec.hostUsers !== undefined) errors.forbidden(`${path}.hostUsers`, forWindows)
  if (spec.hostPID) errors.forbidden(`${path}.hostPID`, forWindows)
  if (spec.hostIPC) errors.forbidden(`${path}.hostIPC`, forWindows)
  inContext('seccompProfile')
  inContext('fsGroup')
  inContext('fsGroupChangePolicy')
  inContext('sysctls')
  if (spec.shareProcessNamespace !== undefined) errors.forbidden(`${path}.shareProcessNamespace`, forWindows)
  inContext('runAsUser')
  inContext('runAsGroup')
  inContext('supplementalGroups')
  inContext('supplementalGroupsPolicy')
  inContext('seLinuxChangePolicy')
  if (spec.resources) errors.forbidden(`${path}.resources`, forWindows)
  forEachContainer(spec, path, (container, at) => {
    for (const name of linuxOnly) {
      if (container.securityContext?.[name] !== undefined) errors.forbidden(`${at}.securityContext.${name}`, forWindows)
    }
  })
}

const linuxOnly = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const

/** A pod whose containers run as processes of a Windows host does so with all of them, and in its network. */
export function validateHostProcesses(spec: PodSpec, path: string, errors: FieldErrors): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess
  const wishes: boolean[] = []
  let asked = ofPod === true
  forEachContainer(spec, path, (container, at) => {
    const own: WindowsSecurityContextOptions | undefined = container.securityContext?.windowsOptions
    const wish = own?.hostProcess
    if (wish !== undefined && ofPod !== undefined && wish !== ofPod) {
      const detail = `pod hostProcess value must be identical if both are specified, was ${ofPod}`
      errors.invalid(`${at}.securityContext.windowsOptions.hostProcess`, wish, detail)
    }
    asked ||= wish === true
    wishes.push(wish ?? ofPod ?? false)
  })
  if (!asked) return
  if (wishes.includes(true) && wishes.includes(false)) {
    const detail = 'If pod contains any hostProcess containers then all containers must be HostProcess containers'
    errors.invalid(path, '', detail)
  }
  if (!spec.hostNetwork) {
    errors.invalid(`${path}.hostNetwork`, false, 'hostNetwork must be true if pod contains any hostProcess containers')
  }
}
