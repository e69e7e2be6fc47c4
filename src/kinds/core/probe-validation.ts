/** Probes and lifecycle hooks: what a node does to find out how a container is, and around its start and end. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { httpHeaderNameFaults, portNameFaults } from '../../schema/names.ts'
import { validatePort as validatePortNumber } from '../rules.ts'
import {
  type Container,
  type GRPCAction,
  type HTTPGetAction,
  Lifecycle,
  type LifecycleHandler,
  type Probe,
  type TCPSocketAction,
} from './containers.ts'
import { addFaults, checkNotNegative } from './field-checks.ts'
import type { PodOS } from './pod-spec.ts'

type Handler = Pick<LifecycleHandler, 'exec' | 'httpGet' | 'tcpSocket' | 'sleep'> & { readonly grpc?: GRPCAction }

/** What probes and hooks are measured against. */
export interface ProbeContext {
  readonly gracePeriod: number
  readonly os: PodOS | undefined
}

export function validateProbes(container: Container, path: string, context: ProbeContext, errors: FieldErrors): void {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container
  if (lifecycle) validateLifecycle(lifecycle, `${path}.lifecycle`, context, errors)
  if (livenessProbe) validateKillingProbe(livenessProbe, `${path}.livenessProbe`, context, errors)
  if (readinessProbe) validateReadinessProbe(readinessProbe, `${path}.readinessProbe`, context, errors)
  if (startupProbe) validateKillingProbe(startupProbe, `${path}.startupProbe`, context, errors)
}

/** A probe whose failure ends the container: one success is enough. */
function validateKillingProbe(probe: Probe, path: string, context: ProbeContext, errors: FieldErrors): void {
  validateProbe(probe, path, context, errors)
  if (probe.successThreshold !== 1) errors.invalid(`${path}.successThreshold`, probe.successThreshold ?? 0, 'must be 1')
}

function validateReadinessProbe(probe: Probe, path: string, context: ProbeContext, errors: FieldErrors): void {
  validateProbe(probe, path, context, errors)
  const { terminationGracePeriodSeconds: seconds } = probe
  if (seconds !== undefined) {
    errors.invalid(`${path}.terminationGracePeriodSeconds`, seconds, 'must not be set for readinessProbes')
  }
}

function validateProbe(probe: Probe, path: string, context: ProbeContext, errors: FieldErrors): void {
  validateHandler(probe, path, context, errors)
  checkNotNegative(errors, `${path}.initialDelaySeconds`, probe.initialDelaySeconds)
  checkNotNegative(errors, `${path}.timeoutSeconds`, probe.timeoutSeconds)
  checkNotNegative(errors, `${path}.periodSeconds`, probe.periodSeconds)
  checkNotNegative(errors, `${path}.successThreshold`, probe.successThreshold)
  checkNotNegative(errors, `${path}.failureThreshold`, probe.failureThreshold)
  const { terminationGracePeriodSeconds: seconds } = probe
  if (seconds !== undefined && seconds <= 0) {
    errors.invalid(`${path}.terminationGracePeriodSeconds`, seconds, 'must be greater than 0')
  }
}

function validateLifecycle(lifecycle: Lifecycle, path: string, context: ProbeContext, errors: FieldErrors): void {
  if (lifecycle.postStart) validateHandler(lifecycle.postStart, `${path}.postStart`, context, errors)
  if (lifecycle.preStop) validateHandler(lifecycle.preStop, `${path}.preStop`, context, errors)
  if (lifecycle.stopSignal !== undefined) {
    validateStopSignal(lifecycle.stopSignal, `${path}.stopSignal`, context.os, errors)
  }
}

const windowsSignals = ['SIGKILL', 'SIGTERM']
const linuxSignals = Lifecycle.fields.stopSignal.type.values ?? []

function validateStopSignal(signal: string, path: string, os: PodOS | undefined, errors: FieldErrors): void {
  if (!os) {
    errors.forbidden(path, 'may not be set for containers with empty `spec.os.name`')
    return
  }
  const supported = os.name === 'windows' ? windowsSignals : linuxSignals
  if (!supported.includes(signal)) errors.notSupported(path, signal, supported)
}

const onlyOne = 'may not specify more than 1 handler type'

/** Exactly one of the handlers may be there; those after the first are not looked into. */
function validateHandler(handler: Handler, path: string, context: ProbeContext, errors: FieldErrors): void {
  let found = 0
  const isFirst = (name: string, action: unknown): boolean => {
    if (action === undefined) return false
    if (found++ === 0) return true
    errors.forbidden(`${path}.${name}`, onlyOne)
    return false
  }
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler
  if (isFirst('exec', exec) && !exec?.command?.length) errors.required(`${path}.exec.command`)
  if (isFirst('httpGet', httpGet) && httpGet) validateHttpGet(httpGet, `${path}.httpGet`, errors)
  if (isFirst('tcpSocket', tcpSocket) && tcpSocket) validateTcpSocket(tcpSocket, `${path}.tcpSocket`, errors)
  if (isFirst('grpc', grpc) && grpc) validatePort(grpc.port, `${path}.grpc.port`, errors)
  if (isFirst('sleep', sleep) && sleep) validateSleep(sleep.seconds, `${path}.sleep`, context.gracePeriod, errors)
  if (found === 0) errors.required(path, 'must specify a handler type')
}

function validateHttpGet(action: HTTPGetAction, path: string, errors: FieldErrors): void {
  if (!action.path) errors.required(`${path}.path`)
  validatePort(action.port, `${path}.port`, errors)
  const { scheme = '' } = action
  if (scheme !== 'HTTP' && scheme !== 'HTTPS') errors.notSupported(`${path}.scheme`, scheme, ['HTTP', 'HTTPS'])
  for (const header of action.httpHeaders ?? []) {
    addFaults(errors, `${path}.httpHeaders`, header.name, httpHeaderNameFaults(header.name))
  }
}

function validateTcpSocket(action: TCPSocketAction, path: string, errors: FieldErrors): void {
  validatePort(action.port, `${path}.port`, errors)
}

function validatePort(port: number | string, path: string, errors: FieldErrors): void {
  if (typeof port === 'string') addFaults(errors, path, port, portNameFaults(port))
  else validatePortNumber(path, port, errors)
}

function validateSleep(seconds: number, path: string, gracePeriod: number, errors: FieldErrors): void {
  if (seconds >= 0 && seconds <= gracePeriod) return
  errors.invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`)
}
