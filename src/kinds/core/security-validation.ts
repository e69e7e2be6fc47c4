/** Security contexts of pods and containers. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import { goValue } from '../go-value.ts'
import { addFaults, checkLocalPath, checkOneOf } from './field-checks.ts'
import type { PodSpec } from './pod-spec.ts'
import {
  type AppArmorProfile,
  type PodSecurityContext,
  SeccompProfile,
  SecurityContext,
  type Sysctl,
  type WindowsSecurityContextOptions,
} from './security.ts'

const maxId = 2_147_483_647
const idRule = `must be between 0 and ${maxId}, inclusive`

function checkId(errors: FieldErrors, path: string, id: number | undefined): void {
  if (id !== undefined && (id < 0 || id > maxId)) errors.invalid(path, id, idRule)
}

export function validateSecurityContext(
  context: SecurityContext,
  path: string,
  hostUsers: boolean | undefined,
  errors: FieldErrors,
): void {
  checkId(errors, `${path}.runAsUser`, context.runAsUser)
  checkId(errors, `${path}.runAsGroup`, context.runAsGroup)
  validateProcMount(context.procMount, `${path}.procMount`, hostUsers, errors)
  validateSeccomp(context.seccompProfile, `${path}.seccompProfile`, errors)
  if (context.allowPrivilegeEscalation === false) validateEscalation(context, path, errors)
  validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`, errors)
  validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`, errors)
}

function validateProcMount(
  procMount: string | undefined,
  path: string,
  hostUsers: boolean | undefined,
  errors: FieldErrors,
): void {
  if (procMount === undefined) return
  checkOneOf(errors, path, procMount, ['Default', 'Unmasked'])
  if (procMount === 'Unmasked' && hostUsers !== false) {
    errors.invalid(path, procMount, '`hostUsers` must be false to use `Unmasked`')
  }
}

function validateEscalation(context: SecurityContext, path: string, errors: FieldErrors): void {
  if (context.privileged) {
    const detail = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'
    errors.invalid(path, goValue(SecurityContext, context), detail)
  }
  for (const capability of context.capabilities?.add ?? []) {
    if (capability !== 'CAP_SYS_ADMIN') continue
    const detail = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'
    errors.invalid(path, goValue(SecurityContext, context), detail)
  }
}

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined']

function validateSeccomp(profile: SeccompProfile | undefined, path: string, errors: FieldErrors): void {
  if (!profile) return
  const type: string = profile.type
  if (type === '') errors.required(`${path}.type`, 'type is required when seccompProfile is set')
  else checkOneOf(errors, `${path}.type`, type, profileTypes)
  const { localhostProfile } = profile
  if (type === 'Localhost') {
    if (localhostProfile === undefined) {
      errors.required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost')
    } else checkLocalPath(errors, `${path}.localhostProfile`, localhostProfile)
  } else if (localhostProfile !== undefined) {
    const shown = goValue(SeccompProfile, profile)
    errors.invalid(`${path}.localhostProfile`, shown, 'can only be set when seccomp type is Localhost')
  }
}

function validateAppArmor(profile: AppArmorProfile | undefined, path: string, errors: FieldErrors): void {
  if (!profile) return
  const type: string = profile.type
  const { localhostProfile } = profile
  const at = `${path}.localhostProfile`
  if (type === 'Localhost') {
    if (localhostProfile === undefined) errors.required(at, 'must be set when AppArmor type is Localhost')
    else if (localhostProfile.trim() !== localhostProfile) {
      errors.invalid(at, localhostProfile, 'must not be padded with whitespace')
    } else if (localhostProfile === '') errors.required(at, 'must be set when AppArmor type is Localhost')
    if (localhostProfile !== undefined && localhostProfile.length > 4095) errors.tooLong(at, 4095)
  } else if (type === 'RuntimeDefault' || type === 'Unconfined') {
    if (localhostProfile !== undefined) {
      errors.invalid(at, localhostProfile, 'can only be set when AppArmor type is Localhost')
    }
  } else if (type === '') errors.required(`${path}.type`, 'type is required when appArmorProfile is set')
  else errors.notSupported(`${path}.type`, type, profileTypes)
}

function validateWindowsOptions(
  options: WindowsSecurityContextOptions | undefined,
  path: string,
  errors: FieldErrors,
): void {
  if (!options) return
  const { gmsaCredentialSpecName: specName, gmsaCredentialSpec: spec, runAsUserName } = options
  if (specName !== undefined)
    addFaults(errors, `${path}.gmsaCredentialSpecName`, specName, dnsSubdomainFaults(specName))
  if (spec === '') errors.invalid(`${path}.gmsaCredentialSpec`, spec, 'gmsaCredentialSpec cannot be an empty string')
  else if (spec !== undefined && spec.length > 64 * 1024) {
    errors.invalid(`${path}.gmsaCredentialSpec`, spec, 'gmsaCredentialSpec size must be under 64 KiB')
  }
  if (runAsUserName !== undefined) validateWindowsUser(runAsUserName, `${path}.runAsUserName`, errors)
}

function validateWindowsUser(name: string, path: string, errors: FieldErrors): void {
  const wrong = (detail: string): void => errors.invalid(path, name, detail)
  if (name === '') return wrong('runAsUserName cannot be an empty string')
  if (/[\u0000-\u001f\u007f]/.test(name)) wrong('runAsUserName cannot contain control characters')
  const parts = name.split('\\')
  if (parts.length > 2) return wrong('runAsUserName cannot contain more than one backslash')
  const [domain, user] = parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : [undefined, parts[0] ?? '']
  if (domain !== undefined) {
    if (domain.length > 256) wrong("runAsUserName's Domain length must be under 256 characters")
    if (!/^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$/.test(domain)) {
      wrong("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
    }
  }
  if (user === '') wrong("runAsUserName's User cannot be empty")
  else if (user.length > 104) wrong("runAsUserName's User length must not be longer than 104 characters")
  else if (/^[. ]+$/.test(user)) wrong("runAsUserName's User cannot contain only periods or spaces")
  else if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    wrong('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]')
  }
}

export function validatePodSecurityContext(spec: PodSpec, path: string, errors: FieldErrors): void {
  const context = spec.securityContext
  if (!context) return
  checkId(errors, `${path}.fsGroup`, context.fsGroup)
  checkId(errors, `${path}.runAsUser`, context.runAsUser)
  checkId(errors, `${path}.runAsGroup`, context.runAsGroup)
  context.supplementalGroups?.forEach((group, index) => {
    checkId(errors, `${path}.supplementalGroups[${index}]`, group)
  })
  if (spec.shareProcessNamespace && spec.hostPID) {
    errors.invalid(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled')
  }
  if (context.sysctls) validateSysctls(context.sysctls, spec, `${path}.sysctls`, errors)
  validatePolicies(context, path, errors)
  validateSeccomp(context.seccompProfile, `${path}.seccompProfile`, errors)
  validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`, errors)
  validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`, errors)
}

function validatePolicies(context: PodSecurityContext, path: string, errors: FieldErrors): void {
  const { fsGroupChangePolicy, supplementalGroupsPolicy, seLinuxChangePolicy } = context
  if (fsGroupChangePolicy !== undefined) {
    checkOneOf(errors, `${path}.fsGroupChangePolicy`, fsGroupChangePolicy, ['Always', 'OnRootMismatch'])
  }
  if (supplementalGroupsPolicy !== undefined) {
    checkOneOf(errors, `${path}.supplementalGroupsPolicy`, supplementalGroupsPolicy, ['Merge', 'Strict'])
  }
  if (seLinuxChangePolicy !== undefined) {
    checkOneOf(errors, `${path}.seLinuxChangePolicy`, seLinuxChangePolicy, ['MountOption', 'Recursive'])
  }
}

const sysctlPattern = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'
const sysctlForm = new RegExp(sysctlPattern)

function validateSysctls(sysctls: readonly Sysctl[], spec: PodSpec, path: string, errors: FieldErrors): void {
  const seen = new Set<string>()
  sysctls.forEach(({ name }, index) => {
    const at = `${path}[${index}].name`
    if (name === '') errors.required(at)
    else if (name.length > 253 || !sysctlForm.test(name)) {
      errors.invalid(at, name, `must have at most 253 characters and match regex ${sysctlPattern}`)
    } else if (seen.has(name)) errors.duplicate(at, name)
    seen.add(name)
    const dotted = name.replaceAll('/', '.')
    if (spec.hostNetwork && dotted.startsWith('net.')) {
      errors.invalid(at, name, "may not be specified when 'hostNetwork' is set to true")
    }
    if (spec.hostIPC && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(dotted)) {
      errors.invalid(at, name, "may not be specified when 'hostIPC' is set to true")
    }
  })
}
