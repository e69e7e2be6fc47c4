/** Containers of a pod: regular ones, init containers and sidecars, ephemeral ones. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsLabelFaults, portNameFaults } from '../../schema/names.ts'
import { goValue } from '../go-value.ts'
import { validatePort } from '../rules.ts'
import { isSidecar } from './container-amounts.ts'
import {
  type Container,
  type ContainerPort,
  ContainerResizePolicy,
  type ContainerRestartRule,
  type EphemeralContainer,
} from './containers.ts'
import { type EnvContext, validateEnv, validateEnvFrom } from './env-validation.ts'
import { addFaults, checkOneOf } from './field-checks.ts'
import { validateDevices, validateMounts } from './mount-validation.ts'
import type { PodSpec } from './pod-spec.ts'
import { validateProbes } from './probe-validation.ts'
import { validateContainerResources } from './resource-validation.ts'
import { validateSecurityContext } from './security-validation.ts'
import type { Volume } from './volumes.ts'

/** What all containers of a pod are checked against. */
export class PodContext {
  readonly spec: PodSpec
  readonly errors: FieldErrors
  /** The volumes that are right; only they can be mounted. */
  readonly volumes: ReadonlyMap<string, Volume>
  readonly claims: readonly string[]
  readonly gracePeriod: number
  readonly env: EnvContext

  constructor(spec: PodSpec, volumes: ReadonlyMap<string, Volume>, errors: FieldErrors) {
    this.spec = spec
    this.errors = errors
    this.volumes = volumes
    this.claims = spec.resourceClaims?.map((claim) => claim.name) ?? []
    this.gracePeriod = spec.terminationGracePeriodSeconds ?? 0
    this.env = {
      emptyDirs: (name) => {
        const volume = volumes.get(name)
        return volume === undefined ? 'absent' : volume.emptyDir ? 'emptyDir' : 'other'
      },
    }
  }

  get os() {
    return this.spec.os
  }
}

export function validateContainers(context: PodContext, path: string): void {
  const { errors } = context
  const containers = context.spec.containers ?? []
  if (containers.length === 0) return errors.required(path)
  const names = new Set<string>()
  for (let index = 0; index < containers.length; index++) {
    const container = containers[index] as Container
    const at = `${path}[${index}]`
    validateCommon(container, at, context)
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name)
    names.add(container.name)
    validateProbes(container, at, context, errors)
    validateRestart(container, at, errors)
  }
  checkHostPorts(containers, path, errors)
}

export function validateInitContainers(context: PodContext, path: string): void {
  const { spec, errors } = context
  if (!spec.initContainers) return
  const names = new Set((spec.containers ?? []).map((container) => container.name))
  spec.initContainers.forEach((container, index) => {
    const at = `${path}[${index}]`
    validateCommon(container, at, context)
    validateRestart(container, at, errors)
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name)
    else if (container.name !== '') names.add(container.name)
    checkHostPorts([container], path, errors)
    if (isSidecar(container)) validateProbes(container, at, context, errors)
    else forbidProbes(container, at, errors)
  })
}

function forbidProbes(container: Container, path: string, errors: FieldErrors): void {
  for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[name]) {
      errors.forbidden(`${path}.${name}`, 'may not be set for init containers without restartPolicy=Always')
    }
  }
}

/** What a container that is only looked in with may have; nothing that scheduling or start-up would need to know. */
const ephemeralFields = new Set([
  'name',
  'image',
  'command',
  'args',
  'workingDir',
  'envFrom',
  'env',
  'volumeMounts',
  'volumeDevices',
  'terminationMessagePath',
  'terminationMessagePolicy',
  'imagePullPolicy',
  'securityContext',
  'stdin',
  'stdinOnce',
  'tty',
])

export function validateEphemeralContainers(context: PodContext, path: string): void {
  const { spec, errors } = context
  if (!spec.ephemeralContainers) return
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name))
  const names = new Set(others)
  spec.ephemeralContainers.forEach((container, index) => {
    const at = `${path}[${index}]`
    validateCommon(container as Container, at, context)
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name)
    names.add(container.name)
    const target = container.targetContainerName
    if (target && !others.has(target)) errors.notFound(`${at}.targetContainerName`, target)
    forbidOtherFields(container, at, errors)
  })
}

function forbidOtherFields(container: EphemeralContainer, path: string, errors: FieldErrors): void {
  for (const [name, value] of Object.entries(container)) {
    if (ephemeralFields.has(name) || name === 'targetContainerName') continue
    const empty = typeof value === 'object' && Object.keys(value as object).length === 0
    if (!empty) errors.forbidden(`${path}.${name}`, 'cannot be set for an Ephemeral Container')
  }
  container.volumeMounts?.forEach((mount, index) => {
    const detail = 'cannot be set for an Ephemeral Container'
    if (mount.subPath) errors.forbidden(`${path}.volumeMounts[${index}].subPath`, detail)
    if (mount.subPathExpr) errors.forbidden(`${path}.volumeMounts[${index}].subPathExpr`, detail)
  })
}

const messagePolicies = ['File', 'FallbackToLogsOnError']
const pullPolicies = ['Always', 'IfNotPresent', 'Never']

function validateCommon(container: Container, path: string, context: PodContext): void {
  const { errors } = context
  if (container.name === '') errors.required(`${path}.name`)
  else addFaults(errors, `${path}.name`, container.name, dnsLabelFaults(container.name))
  if (!container.image) errors.required(`${path}.image`)
  validateWord(container.terminationMessagePolicy, messagePolicies, `${path}.terminationMessagePolicy`, errors)
  if (container.ports) validatePorts(container.ports, `${path}.ports`, errors)
  if (container.env) validateEnv(container.env, `${path}.env`, context.env, errors)
  if (container.envFrom) validateEnvFrom(container.envFrom, `${path}.envFrom`, errors)
  if (container.volumeMounts) validateMounts(container, `${path}.volumeMounts`, context.volumes, errors)
  if (container.volumeDevices) validateDevices(container, `${path}.volumeDevices`, context.volumes, errors)
  validateWord(container.imagePullPolicy, pullPolicies, `${path}.imagePullPolicy`, errors)
  validateContainerResources(container.resources, context.claims, `${path}.resources`, errors)
  if (container.resizePolicy) validateResize(container, `${path}.resizePolicy`, context)
  if (container.securityContext) {
    validateSecurityContext(container.securityContext, `${path}.securityContext`, context.spec.hostUsers, errors)
  }
}

/** A word that must be there and be one of a few. */
function validateWord(word: string | undefined, words: readonly string[], path: string, errors: FieldErrors): void {
  if (!word) errors.required(path)
  else if (!words.includes(word)) errors.notSupported(path, word, words)
}

const protocols = ['SCTP', 'TCP', 'UDP']

function validatePorts(ports: readonly ContainerPort[], path: string, errors: FieldErrors): void {
  const names = new Set<string>()
  for (let index = 0; index < ports.length; index++) {
    const port = ports[index] as ContainerPort
    const at = `${path}[${index}]`
    if (port.name) {
      const faults = portNameFaults(port.name)
      if (faults.length > 0) addFaults(errors, `${at}.name`, port.name, faults)
      else if (names.has(port.name)) errors.duplicate(`${at}.name`, port.name)
      else names.add(port.name)
    }
    if (port.containerPort === 0) errors.required(`${at}.containerPort`)
    else validatePort(`${at}.containerPort`, port.containerPort, errors)
    if (port.hostPort) validatePort(`${at}.hostPort`, port.hostPort, errors)
    validateWord(port.protocol, protocols, `${at}.protocol`, errors)
  }
}

/** Two containers of a pod cannot both have a port of the node. */
function checkHostPorts(containers: readonly Container[], path: string, errors: FieldErrors): void {
  const taken = new Set<string>()
  containers.forEach(({ ports }, index) => {
    ports?.forEach(({ hostPort, hostIP = '', protocol = '' }, number) => {
      if (!hostPort) return
      const key = `${protocol}/${hostIP}/${hostPort}`
      if (taken.has(key)) errors.duplicate(`${path}[${index}].ports[${number}].hostPort`, key)
      taken.add(key)
    })
  })
}

function validateResize(container: Container, path: string, { spec, errors }: PodContext): void {
  const policies = container.resizePolicy ?? []
  const isInit = spec.initContainers?.includes(container) && !isSidecar(container)
  const seen = new Set<string>()
  policies.forEach(({ resourceName, restartPolicy }, index) => {
    if (seen.has(resourceName)) errors.duplicate(`${path}[${index}]`, resourceName)
    seen.add(resourceName)
    validateWord(resourceName, ['cpu', 'memory'], path, errors)
    validateWord(restartPolicy, ['NotRequired', 'RestartContainer'], path, errors)
    if (spec.restartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'")
    }
  })
  if (isInit) {
    const shown = policies.map((policy) => goValue(ContainerResizePolicy, policy))
    errors.invalid(path, shown, 'must not be set for init containers')
  }
}

function validateRestart(container: Container, path: string, errors: FieldErrors): void {
  const { restartPolicy, restartPolicyRules: rules } = container
  if (restartPolicy !== undefined) {
    checkOneOf(errors, `${path}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure'])
  }
  if (!rules) return
  if (restartPolicy === undefined) {
    errors.required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used')
  }
  if (rules.length > 20) errors.tooMany(`${path}.restartPolicyRules`, rules.length, 20)
  rules.forEach((rule, index) => {
    validateRestartRule(rule, `${path}.restartPolicyRules[${index}]`, errors)
  })
}

function validateRestartRule({ action, exitCodes }: ContainerRestartRule, path: string, errors: FieldErrors): void {
  checkOneOf(errors, `${path}.action`, action, ['Restart', 'RestartAllContainers'])
  if (!exitCodes) return errors.required(`${path}.exitCodes`, 'must be specified')
  checkOneOf(errors, `${path}.exitCodes.operator`, exitCodes.operator, ['In', 'NotIn'])
  const count = exitCodes.values?.length ?? 0
  if (count === 0) errors.required(`${path}.exitCodes.values`, 'must specify at least one value')
  if (count > 255) errors.tooMany(`${path}.exitCodes.values`, count, 255)
}
