/** What can be wrong with a pod's spec, in a pod or in a template; in the reference's order. */
import { own } from '../../base/own.ts'
import { parseQuantity } from '../../base/quantity.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsLabelFaults, dnsSubdomainFaults, legacyIpFaults } from '../../schema/names.ts'
import { goValue } from '../go-value.ts'
import { containerAmounts } from './container-amounts.ts'
import {
  PodContext,
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
} from './container-validation.ts'
import { validateDns } from './dns-validation.ts'
import { addFaults, checkLabels, checkOneOf, checkQualifiedName, type Faults } from './field-checks.ts'
import { validateHostProcesses, validateOS } from './os-validation.ts'
import { type PodResourceClaim, PodResourceClaim as PodResourceClaimType, type PodSpec } from './pod-spec.ts'
import { validateContainerResources, validatePodLevelAmounts } from './resource-validation.ts'
import { validateAffinity, validateGates, validateSpread, validateTolerations } from './scheduling-validation.ts'
import { validatePodSecurityContext } from './security-validation.ts'
import { validateVolumes } from './volume-validation.ts'

export interface SpecOptions {
  /** The pod's name; empty in a template. */
  readonly podName: string
  /** A pod has its host ports written out, a template need not. */
  readonly isPod: boolean
}

export function validatePodSpec(spec: PodSpec, path: string, options: SpecOptions, errors: FieldErrors): void {
  if (spec.terminationGracePeriodSeconds === undefined) errors.required(`${path}.terminationGracePeriodSeconds`)
  const volumes = validateVolumes(spec.volumes ?? [], options.podName, `${path}.volumes`, errors)
  if (spec.resourceClaims) validateClaims(spec.resourceClaims, `${path}.resourceClaims`, errors)
  const context = new PodContext(spec, volumes, errors)
  validateContainers(context, `${path}.containers`)
  validateInitContainers(context, `${path}.initContainers`)
  validateEphemeralContainers(context, `${path}.ephemeralContainers`)
  if (spec.resources) validatePodResources(spec, path, errors)
  if (spec.hostNetwork) validateHostPorts(spec, path, options.isPod, errors)
  validatePolicies(spec, path, errors)
  checkLabels(errors, `${path}.nodeSelector`, spec.nodeSelector)
  validatePodSecurityContext(spec, `${path}.securityContext`, errors)
  if (spec.affinity) validateAffinity(spec.affinity, `${path}.affinity`, errors)
  validateDns(spec, `${path}.dnsConfig`, errors)
  spec.readinessGates?.forEach(({ conditionType }, index) => {
    checkQualifiedName(errors, `${path}.readinessGates[${index}].conditionType`, conditionType)
  })
  if (spec.schedulingGates) validateGates(spec.schedulingGates, `${path}.schedulingGates`, errors)
  if (spec.topologySpreadConstraints) {
    validateSpread(spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`, errors)
  }
  validateHostProcesses(spec, path, errors)
  if (spec.hostUsers === false) validateHostUsers(spec, path, errors)
  validateNames(spec, path, errors)
  validateRest(spec, path, errors)
}

const restartPolicies = ['Always', 'OnFailure', 'Never']
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']

function validatePolicies({ restartPolicy, dnsPolicy }: PodSpec, path: string, errors: FieldErrors): void {
  if (!restartPolicy) errors.required(`${path}.restartPolicy`)
  else checkOneOf(errors, `${path}.restartPolicy`, restartPolicy, restartPolicies)
  if (!dnsPolicy) errors.required(`${path}.dnsPolicy`)
  else checkOneOf(errors, `${path}.dnsPolicy`, dnsPolicy, dnsPolicies)
}

function validateNames(spec: PodSpec, path: string, errors: FieldErrors): void {
  const check = (name: keyof PodSpec & string, faults: (text: string) => Faults): void => {
    const value = spec[name]
    if (typeof value === 'string' && value !== '') addFaults(errors, `${path}.${name}`, value, faults(value))
  }
  check('serviceAccountName', dnsSubdomainFaults)
  check('nodeName', dnsSubdomainFaults)
  const { activeDeadlineSeconds: seconds, hostnameOverride } = spec
  if (seconds !== undefined && (seconds < 1 || seconds > 2_147_483_647)) {
    errors.invalid(`${path}.activeDeadlineSeconds`, seconds, 'must be between 1 and 2147483647, inclusive')
  }
  if (hostnameOverride !== undefined) validateHostnameOverride(spec, hostnameOverride, path, errors)
  check('hostname', dnsLabelFaults)
  check('subdomain', dnsLabelFaults)
}

function validateHostnameOverride(spec: PodSpec, name: string, path: string, errors: FieldErrors): void {
  const at = `${path}.hostnameOverride`
  if (name.length > 64) errors.tooLong(at, 64)
  addFaults(errors, at, name, dnsSubdomainFaults(name))
  if (spec.setHostnameAsFQDN) errors.forbidden(at, 'may not be specified when `setHostnameAsFQDN` is true')
  if (spec.hostNetwork) errors.forbidden(at, 'may not be specified when `hostNetwork` is true')
}

function validateRest(spec: PodSpec, path: string, errors: FieldErrors): void {
  if (spec.tolerations) validateTolerations(spec.tolerations, `${path}.tolerations`, errors)
  spec.hostAliases?.forEach(({ ip, hostnames = [] }, index) => {
    const at = `${path}.hostAliases[${index}]`
    addFaults(errors, `${at}.ip`, ip, legacyIpFaults(ip))
    hostnames.forEach((name, number) => {
      addFaults(errors, `${at}.hostnames[${number}]`, name, dnsSubdomainFaults(name))
    })
  })
  const { priorityClassName, runtimeClassName, preemptionPolicy, overhead } = spec
  if (priorityClassName) {
    addFaults(errors, `${path}.priorityClassName`, priorityClassName, dnsSubdomainFaults(priorityClassName))
  }
  if (runtimeClassName !== undefined) {
    addFaults(errors, `${path}.runtimeClassName`, runtimeClassName, dnsSubdomainFaults(runtimeClassName))
  }
  if (preemptionPolicy !== undefined) {
    if ((preemptionPolicy as string) === '') errors.required(`${path}.preemptionPolicy`)
    else checkOneOf(errors, `${path}.preemptionPolicy`, preemptionPolicy, ['PreemptLowerPriority', 'Never'])
  }
  if (overhead) validateContainerResources({ limits: overhead }, [], `${path}.overhead`, errors)
  validateOS(spec, path, errors)
}

function validateClaims(claims: readonly PodResourceClaim[], path: string, errors: FieldErrors): void {
  const names = new Set<string>()
  claims.forEach((claim, index) => {
    const { name, resourceClaimName, resourceClaimTemplateName } = claim
    const at = `${path}[${index}]`
    if (name === '') errors.required(`${at}.name`)
    else if (names.has(name)) errors.duplicate(`${at}.name`, name)
    else addFaults(errors, `${at}.name`, name, dnsLabelFaults(name))
    names.add(name)
    const shown = () => goValue(PodResourceClaimType, claim)
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      const detail = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'
      errors.invalid(at, shown(), detail)
    } else if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.invalid(at, shown(), 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`')
    }
    if (resourceClaimName !== undefined) {
      addFaults(errors, `${at}.resourceClaimName`, resourceClaimName, dnsSubdomainFaults(resourceClaimName))
    }
    if (resourceClaimTemplateName !== undefined) {
      const faults = dnsSubdomainFaults(resourceClaimTemplateName)
      addFaults(errors, `${at}.resourceClaimTemplateName`, resourceClaimTemplateName, faults)
    }
  })
}

/** What the pod states as a whole must be enough for its containers. */
function validatePodResources(spec: PodSpec, path: string, errors: FieldErrors): void {
  const { limits = {}, requests = {}, claims } = spec.resources ?? {}
  const at = `${path}.resources`
  if (claims) errors.forbidden(`${at}.claims`, 'claims may not be set for Resources at pod-level')
  validatePodLevelAmounts({ limits, requests }, at, errors)
  for (const [name, sum] of containerAmounts(spec, 'requests')) {
    const request = own(requests, name)
    if (request !== undefined && sum.compare(parseQuantity(request)) > 0) {
      const detail = `must be greater than or equal to aggregate container requests of ${sum}`
      errors.invalid(`${at}.requests[${name}]`, request, detail)
    }
  }
  for (const list of ['containers', 'initContainers'] as const) {
    spec[list]?.forEach((container, index) => {
      for (const [name, limit] of Object.entries(container.resources.limits ?? {})) {
        const whole = own(limits, name)
        if (whole !== undefined && parseQuantity(limit).compare(parseQuantity(whole)) > 0) {
          const field = `${path}.${list}[${index}].resources.limits[${name}]`
          errors.invalid(field, limit, `must be less than or equal to pod limits of ${whole}`)
        }
      }
    })
  }
}

function validateHostPorts(spec: PodSpec, path: string, isPod: boolean, errors: FieldErrors): void {
  spec.containers?.forEach((container, index) => {
    container.ports?.forEach(({ hostPort = 0, containerPort }, number) => {
      if ((isPod || hostPort !== 0) && hostPort !== containerPort) {
        const field = `${path}.containers[${index}].ports[${number}].hostPort`
        errors.invalid(field, hostPort, 'must match `containerPort` when `hostNetwork` is true')
      }
    })
  })
}

/** A pod with users of its own shares no namespace with the host. */
function validateHostUsers(spec: PodSpec, path: string, errors: FieldErrors): void {
  const detail = 'when `hostUsers` is false'
  for (const list of ['initContainers', 'containers'] as const) {
    spec[list]?.forEach((container, index) => {
      if (container.volumeDevices?.length) errors.forbidden(`${path}.${list}[${index}].volumeDevices`, detail)
    })
  }
  for (const name of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
    if (spec[name]) errors.forbidden(`${path}.${name}`, detail)
  }
}
