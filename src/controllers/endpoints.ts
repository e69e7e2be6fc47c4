import type { EndpointAddress, EndpointPort } from '../kinds/core/endpoints.ts'
import { Endpoints } from '../kinds/core/endpoints.ts'
import { Pod } from '../kinds/core/pod.ts'
import { Service, type ServicePort } from '../kinds/core/service.ts'
import { create, event, remove, type Steps, update } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../reconciler/controller.ts'
import { mapMatcherOf } from '../reconciler/selector.ts'
import { ApiError, isConflict } from '../schema/status.ts'
import {
  addressesOf,
  familiesOf,
  hostnameOf,
  isEndpoint,
  isHeadless,
  portOn,
  referenceTo,
  servicesOf,
} from './endpoints/service-pods.ts'
import { type Entry, packSubsets, truncate } from './endpoints/subsets.ts'
import { isEqual } from './shared/equal.ts'
import { ifWelcome } from './shared/if-welcome.ts'
import { isReady } from './shared/pods.ts'

const managedByLabel = 'endpoints.kubernetes.io/managed-by'
const headlessLabel = 'service.kubernetes.io/headless'
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity'

/** The addresses behind each service in their oldest form: one object per service. */
export const endpointsController: Controller = defineController<Service>({
  name: 'endpoints-controller',
  serviceAccount: 'endpoint-controller',
  eventSource: 'endpoint-controller',
  reconciles: Service,
  writes: [Endpoints],
  watches: [
    watch(Pod, servicesOf),
    watch(Endpoints, ({ object, old }) => {
      const { namespace, name = '' } = (object ?? old!).metadata
      return [{ namespace, name }]
    }),
  ],

  *reconcile(service, context) {
    if (service.spec.selector === undefined || service.spec.type === 'ExternalName') return
    const entries = entriesOf(service, context)
    const { subsets, isTruncated } = truncate(packSubsets(entries))
    yield* write(service, subsets, isTruncated, context)
  },

  *gone(ref, { get }) {
    const endpoints = get(Endpoints, ref)
    // Only ours: somebody may keep endpoints by hand for a service that is yet to come.
    if (endpoints?.metadata.labels?.[managedByLabel] === 'endpoint-controller') yield remove(Endpoints, endpoints)
  },
})

function entriesOf(service: Service, { list }: Context): Entry[] {
  const matches = mapMatcherOf(service.spec.selector)
  const [family] = familiesOf(service)
  const tolerant = service.spec.publishNotReadyAddresses ?? false
  return list(Pod, service.metadata.namespace)
    .filter((pod) => matches(pod.metadata.labels) && isEndpoint(pod, tolerant))
    .flatMap((pod) => {
      const [ip] = addressesOf(pod, family!)
      return ip === undefined ? [] : entriesOfPod(service, pod, toAddress(service, pod, ip), tolerant || isReady(pod))
    })
}

function toAddress(service: Service, pod: Pod, ip: string): EndpointAddress {
  const hostname = hostnameOf(pod, service)
  return {
    ip,
    ...(hostname && { hostname }),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: referenceTo(pod),
  }
}

function entriesOfPod(service: Service, pod: Pod, address: EndpointAddress, ready: boolean): Entry[] {
  const ports = service.spec.ports ?? []
  if (ports.length === 0) return isHeadless(service) ? [{ address, ready, port: undefined }] : []
  return ports.flatMap((each) => {
    const port = portOn(pod, each)
    return port === undefined ? [] : [{ address, ready, port: toPort(each, port) }]
  })
}

function toPort({ name, protocol, appProtocol }: ServicePort, port: number): EndpointPort {
  return {
    ...(name && { name }),
    port,
    protocol: protocol ?? 'TCP',
    ...(appProtocol !== undefined && { appProtocol }),
  }
}

function* write(service: Service, subsets: Endpoints['subsets'], isTruncated: boolean, { get }: Context): Steps {
  const { namespace, name } = service.metadata
  const present = get(Endpoints, { namespace, name: name! })
  const labels = labelsOf(service)
  const { [overCapacityAnnotation]: _, ...kept } = present?.metadata.annotations ?? {}
  const annotations = isTruncated ? { ...kept, [overCapacityAnnotation]: 'truncated' } : kept
  if (present && isUnchanged(present, labels, annotations, subsets ?? [])) return
  const metadata = { ...present?.metadata, name, namespace, labels, annotations }
  try {
    if (present) yield update(Endpoints, { ...present, metadata, subsets })
    else yield* ifWelcome(create(Endpoints, { metadata, subsets }))
  } catch (error) {
    if (error instanceof ApiError && !isConflict(error)) yield failure(service, present !== undefined, error)
    throw error
  }
}

function isUnchanged(
  { metadata, subsets }: Endpoints,
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>>,
  wanted: readonly object[],
): boolean {
  return (
    isEqual(metadata.labels, labels) &&
    isEqual(metadata.annotations ?? {}, annotations) &&
    isEqual(subsets ?? [], wanted)
  )
}

function labelsOf(service: Service): Record<string, string> {
  const labels: Record<string, string> = { ...service.metadata.labels, [managedByLabel]: 'endpoint-controller' }
  if (isHeadless(service)) labels[headlessLabel] = ''
  else delete labels[headlessLabel]
  return labels
}

function failure({ metadata }: Service, exists: boolean, error: ApiError) {
  const [reason, verb] = exists ? ['FailedToUpdateEndpoint', 'update'] : ['FailedToCreateEndpoint', 'create']
  const subject = `${metadata.namespace}/${metadata.name}`
  return event(reason!, `Failed to ${verb} endpoint for service ${subject}: ${error.message}`, 'Warning')
}
