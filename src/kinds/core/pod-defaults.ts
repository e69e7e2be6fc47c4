/**
 * What a pod gets where its author said nothing. A template gets less than a pod: what depends on the pod as a whole
 * (requests from limits, host ports, service links) waits until there is one.
 */
import type { Mutable } from '../../schema/types.ts'
import { containerAmounts, isHugePages, isPodLevelResource } from './container-amounts.ts'
import type { Container, EphemeralContainer, LifecycleHandler, Probe } from './containers.ts'
import { pullPolicyOf } from './image-name.ts'
import type { Pod } from './pod.ts'
import type { PodSpec, PodTemplateSpec } from './pod-spec.ts'
import { defaultFieldRef, defaultVolume } from './volume-defaults.ts'

export function defaultPod(pod: Mutable<Pod>): void {
  const { spec, status } = pod
  for (const container of spec.containers ?? []) defaultRequests(container)
  for (const container of spec.initContainers ?? []) defaultRequests(container)
  defaultPodLevelResources(spec)
  spec.enableServiceLinks ??= true
  if (spec.hostNetwork) defaultHostPorts(spec)
  defaultPodSpec(spec)
  alignPodIPs(status)
}

export function defaultPodTemplate(template: Mutable<PodTemplateSpec> | undefined): void {
  if (template) defaultPodSpec(template.spec)
}

export function defaultPodSpec(spec: Mutable<PodSpec>): void {
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.restartPolicy ??= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ??= 'default-scheduler'
  mirrorServiceAccount(spec)
  for (const volume of spec.volumes ?? []) defaultVolume(volume)
  for (const container of spec.initContainers ?? []) defaultContainer(container)
  for (const container of spec.containers ?? []) defaultContainer(container)
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container)
}

/** The old name of the field shows what the new one says; where only the old one was given, it counts. */
export function mirrorServiceAccount(spec: Mutable<PodSpec>): void {
  if (!spec.serviceAccountName && !spec.serviceAccount) return
  spec.serviceAccountName ||= spec.serviceAccount ?? ''
  spec.serviceAccount = spec.serviceAccountName
}

function defaultContainer(container: Mutable<Container> | Mutable<EphemeralContainer>): void {
  container.imagePullPolicy ??= pullPolicyOf(container.image ?? '')
  container.terminationMessagePath ??= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  for (const port of container.ports ?? []) port.protocol ??= 'TCP'
  for (const variable of container.env ?? []) defaultFieldRef(variable.valueFrom?.fieldRef)
  if (container.livenessProbe) defaultProbe(container.livenessProbe)
  if (container.readinessProbe) defaultProbe(container.readinessProbe)
  if (container.startupProbe) defaultProbe(container.startupProbe)
  defaultHandler(container.lifecycle?.postStart)
  defaultHandler(container.lifecycle?.preStop)
}

function defaultProbe(probe: Mutable<Probe>): void {
  probe.timeoutSeconds ??= 1
  probe.periodSeconds ??= 10
  probe.successThreshold ??= 1
  probe.failureThreshold ??= 3
  if (probe.grpc) probe.grpc.service ??= ''
  defaultHandler(probe)
}

function defaultHandler(handler: Pick<Mutable<LifecycleHandler>, 'httpGet'> | undefined): void {
  if (!handler?.httpGet) return
  handler.httpGet.path ??= '/'
  handler.httpGet.scheme ??= 'HTTP'
}

function defaultRequests({ resources }: Mutable<Container>): void {
  const { limits = {}, requests = {} } = resources
  const missing = Object.entries(limits).filter(([name]) => requests[name] === undefined)
  if (missing.length > 0) resources.requests = sortedByName({ ...requests, ...Object.fromEntries(missing) })
}

/** Maps are written in the order of their names. */
function sortedByName(amounts: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).sort(([left], [right]) => (left < right ? -1 : 1)))
}

/**
 * Where the pod as a whole says something about its resources, what its containers say fills the rest: their huge
 * page limits, their requests; requests that neither states are the pod's limits.
 */
function defaultPodLevelResources(spec: Mutable<PodSpec>): void {
  const { resources } = spec
  if (!resources) return
  const limits = { ...resources.limits }
  for (const [name, amount] of containerAmounts(spec, 'limits')) {
    if (isHugePages(name)) limits[name] ??= amount.toString()
  }
  const requests = { ...resources.requests }
  for (const [name, amount] of containerAmounts(spec, 'requests')) {
    if (isPodLevelResource(name) && !isHugePages(name)) requests[name] ??= amount.toString()
  }
  for (const [name, amount] of Object.entries(limits)) {
    if (isPodLevelResource(name)) requests[name] ??= amount
  }
  spec.resources = {
    ...resources,
    ...(Object.keys(limits).length > 0 && { limits: sortedByName(limits) }),
    ...(Object.keys(requests).length > 0 && { requests: sortedByName(requests) }),
  }
}

function defaultHostPorts(spec: Mutable<PodSpec>): void {
  for (const containers of [spec.containers ?? [], spec.initContainers ?? []]) {
    for (const container of containers) {
      for (const port of container.ports ?? []) port.hostPort ??= port.containerPort
    }
  }
}

/** Old node agents know one address only: where it differs from the list, it wins. */
function alignPodIPs(status: Mutable<Pod>['status']): void {
  if (status.podIP && status.podIPs?.[0]?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }]
  const first = status.podIPs?.[0]?.ip
  if (first) status.podIP = first
}
