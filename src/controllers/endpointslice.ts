import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import { Service } from '../kinds/core/service.ts'
import { type Endpoint, type EndpointPort, EndpointSlice, serviceLabel } from '../kinds/discovery/endpoint-slice.ts'
import { defineIndex } from '../reconciler/caches.ts'
import { all, type Change, create, remove, type Steps, update } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../reconciler/controller.ts'
import { mapMatcherOf } from '../reconciler/selector.ts'
import { ApiError } from '../schema/status.ts'
import type { Draft } from '../schema/types.ts'
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
import { distribute, portsKey } from './endpointslice/distribute.ts'
import { isEqual } from './shared/equal.ts'
import { podsByNode } from './shared/indexes.ts'
import { controllerReference, isBeingDeleted } from './shared/owner.ts'
import { isNamespaceTerminating } from './shared/pod-control.ts'
import { isReady } from './shared/pods.ts'

const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
const headlessLabel = 'service.kubernetes.io/headless'
const manager = 'endpointslice-controller.k8s.io'
const zoneLabel = 'topology.kubernetes.io/zone'

/** Our slices by the service that they belong to. */
const byService = defineIndex(EndpointSlice, 'service', ({ metadata: { labels, namespace } }) =>
  labels?.[managedByLabel] === manager && labels[serviceLabel] ? [`${namespace}/${labels[serviceLabel]}`] : [],
)

/** The addresses behind each service, in slices of at most 100. */
export const endpointSliceController: Controller = defineController<Service>({
  name: 'endpointslice-controller',
  eventSource: 'endpoint-slice-controller',
  reconciles: Service,
  owns: [EndpointSlice],
  watches: [watch(Pod, servicesOf), watch(Node, zoneWakes)],

  *reconcile(service, context) {
    const { spec, metadata } = service
    if (spec.selector === undefined || spec.type === 'ExternalName' || isBeingDeleted(service)) return
    const present = context.by(byService, `${metadata.namespace}/${metadata.name}`).filter((s) => !isBeingDeleted(s))
    const families = familiesOf(service)
    const changes: Change[] = present
      .filter(({ addressType }) => !families.includes(addressType))
      .map((slice) => remove(EndpointSlice, slice))
    for (const family of families) changes.push(...changesOf(service, family as Family, present, context))
    yield* unlessTerminating(changes)
  },
})

type Family = 'IPv4' | 'IPv6'

/** A node that tells its zone late changes the endpoints of the pods on it. */
function* zoneWakes(
  { object, old }: { readonly object: Node | undefined; readonly old: Node | undefined },
  context: Pick<Context, 'by' | 'get' | 'list' | 'now'>,
) {
  if (object?.metadata.labels?.[zoneLabel] === old?.metadata.labels?.[zoneLabel]) return
  for (const pod of context.by(podsByNode, (object ?? old!).metadata.name!))
    yield* servicesOf({ object: pod, old: undefined }, context)
}

function changesOf(service: Service, family: Family, slices: readonly EndpointSlice[], context: Context): Change[] {
  const present = slices.filter(({ addressType }) => addressType === family)
  const groups = wantedOf(service, family, context)
  const changes: Change[] = []
  for (const [key, { ports, endpoints }] of groups) {
    const same = present.filter((slice) => portsKey(slice.ports) === key)
    changes.push(...changesOfGroup(service, family, ports, same, endpoints))
  }
  for (const slice of present) if (!groups.has(portsKey(slice.ports))) changes.push(remove(EndpointSlice, slice))
  return changes
}

interface Group {
  readonly ports: readonly EndpointPort[]
  readonly endpoints: Endpoint[]
}

/** Endpoints by their ports. A service that has none still gets one empty slice, so that readers know it was looked at. */
function wantedOf(service: Service, family: Family, context: Context): Map<string, Group> {
  const matches = mapMatcherOf(service.spec.selector)
  const groups = new Map<string, Group>()
  for (const pod of context.list(Pod, service.metadata.namespace)) {
    if (!matches(pod.metadata.labels) || !isEndpoint(pod, true)) continue
    const addresses = addressesOf(pod, family).slice(0, 1)
    if (addresses.length === 0) continue
    const ports = portsOf(service, pod)
    const key = portsKey(ports)
    const group = groups.get(key) ?? { ports, endpoints: [] }
    group.endpoints.push(toEndpoint(service, pod, addresses, context))
    groups.set(key, group)
  }
  if (groups.size === 0) groups.set('', { ports: [], endpoints: [] })
  return groups
}

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((each) => {
    const port = portOn(pod, each)
    if (port === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = each
    return [{ name, protocol, port, ...(appProtocol !== undefined && { appProtocol }) }]
  })
}

function toEndpoint(service: Service, pod: Pod, addresses: readonly string[], { get }: Context): Endpoint {
  const serving = isReady(pod)
  const terminating = isBeingDeleted(pod)
  const ready = (service.spec.publishNotReadyAddresses ?? false) || (serving && !terminating)
  const hostname = hostnameOf(pod, service)
  const { nodeName } = pod.spec
  const zone = nodeName ? get(Node, { name: nodeName })?.metadata.labels?.[zoneLabel] : undefined
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname && { hostname }),
    targetRef: referenceTo(pod),
    ...(nodeName && { nodeName }),
    ...(zone && { zone }),
  }
}

function changesOfGroup(
  service: Service,
  family: Family,
  ports: readonly EndpointPort[],
  present: readonly EndpointSlice[],
  wanted: readonly Endpoint[],
): Change[] {
  if (wanted.length === 0) return placeholder(service, family, present)
  const plan = distribute(present, wanted)
  const labels = labelsOf(service)
  const touched = new Set([...plan.update.map(({ slice }) => slice), ...plan.remove])
  const relabeled = present.filter((slice) => !touched.has(slice) && !isEqual(slice.metadata.labels, labels))
  return [
    ...plan.create.map((endpoints) => create(EndpointSlice, newSlice(service, family, ports, endpoints))),
    ...plan.update.map(({ slice, endpoints }) => update(EndpointSlice, { ...withLabels(slice, labels), endpoints })),
    ...relabeled.map((slice) => update(EndpointSlice, withLabels(slice, labels))),
    ...plan.remove.map((slice) => remove(EndpointSlice, slice)),
  ]
}

function placeholder(service: Service, family: Family, present: readonly EndpointSlice[]): Change[] {
  const [first, ...others] = present
  const surplus = others.map((slice) => remove(EndpointSlice, slice))
  if (first === undefined) return [create(EndpointSlice, newSlice(service, family, [], [])), ...surplus]
  const labels = labelsOf(service)
  const isRight = (first.endpoints ?? []).length === 0 && isEqual(first.metadata.labels, labels)
  return isRight ? surplus : [update(EndpointSlice, { ...withLabels(first, labels), endpoints: [] }), ...surplus]
}

function newSlice(
  service: Service,
  addressType: Family,
  ports: readonly EndpointPort[],
  endpoints: readonly Endpoint[],
): Draft<EndpointSlice> {
  const { name = '', namespace } = service.metadata
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: labelsOf(service),
      ownerReferences: [controllerReference(Service, service)],
    },
    addressType,
    endpoints,
    ports,
  }
}

const withLabels = (slice: EndpointSlice, labels: Readonly<Record<string, string>>): EndpointSlice => ({
  ...slice,
  metadata: { ...slice.metadata, labels },
})

function labelsOf(service: Service): Record<string, string> {
  const labels: Record<string, string> = {
    ...service.metadata.labels,
    [serviceLabel]: service.metadata.name!,
    [managedByLabel]: manager,
  }
  if (isHeadless(service)) labels[headlessLabel] = ''
  else delete labels[headlessLabel]
  return labels
}

function* unlessTerminating(changes: readonly Change[]): Steps {
  try {
    yield* all(changes)
  } catch (error) {
    if (!(error instanceof ApiError && isNamespaceTerminating(error))) throw error
  }
}
