import { parseIp } from '../base/cidr.ts'
import { type EndpointAddress, type EndpointSubset, Endpoints } from '../kinds/core/endpoints.ts'
import { Service } from '../kinds/core/service.ts'
import { type Endpoint, type EndpointPort, EndpointSlice, serviceLabel } from '../kinds/discovery/endpoint-slice.ts'
import { defineIndex } from '../reconciler/caches.ts'
import { all, type Change, create, event, remove, type Steps, update } from '../reconciler/changes.ts'
import { type Context, type Controller, defineController, watch } from '../reconciler/controller.ts'
import type { Draft } from '../schema/types.ts'
import { distribute, portsKey } from './endpointslice/distribute.ts'
import { isEqual } from './shared/equal.ts'
import { controllerReference, isBeingDeleted } from './shared/owner.ts'

const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
const manager = 'endpointslicemirroring-controller.k8s.io'
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'
/** Annotations that say something of the Endpoints object alone. */
const ownAnnotations: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'endpoints.kubernetes.io/last-change-trigger-time',
])
/** As many addresses of one subset are mirrored. */
const mirroredAtMost = 1000

/** The slices that were mirrored, by the Endpoints that they come from. */
const byEndpoints = defineIndex(EndpointSlice, 'mirrored', ({ metadata: { labels, namespace } }) =>
  labels?.[managedByLabel] === manager && labels[serviceLabel] ? [`${namespace}/${labels[serviceLabel]}`] : [],
)

/**
 * Shows Endpoints that somebody wrote by hand, for a service without a selector, as EndpointSlices too: whoever sends
 * traffic reads nothing else (KEP-1711).
 */
export const endpointSliceMirroringController: Controller = defineController<Endpoints>({
  name: 'endpointslice-mirroring-controller',
  serviceAccount: 'endpointslicemirroring-controller',
  eventSource: 'endpoint-slice-mirroring-controller',
  reconciles: Endpoints,
  owns: [EndpointSlice],
  watches: [
    watch(Service, ({ object, old }) => {
      const { namespace, name = '' } = (object ?? old!).metadata
      return [{ namespace, name }]
    }),
  ],

  *reconcile(endpoints, context) {
    if (isBeingDeleted(endpoints)) return
    const { namespace, name } = endpoints.metadata
    const present = context.by(byEndpoints, `${namespace}/${name}`).filter((slice) => !isBeingDeleted(slice))
    if (!isToBeMirrored(endpoints, context)) return yield* all(present.map((slice) => remove(EndpointSlice, slice)))
    const { groups, invalid, skipped } = groupsOf(endpoints.subsets ?? [])
    yield* report(invalid, skipped)
    yield* all(changesOf(endpoints, groups, present))
  },

  *gone({ namespace, name }, { by }) {
    yield* all(by(byEndpoints, `${namespace}/${name}`).map((slice) => remove(EndpointSlice, slice)))
  },
})

function isToBeMirrored({ metadata }: Endpoints, { get }: Context): boolean {
  const { labels, annotations, namespace, name } = metadata
  if (labels?.[skipLabel] === 'true' || annotations?.[leaderAnnotation] !== undefined) return false
  const service = get(Service, { namespace, name: name! })
  return service !== undefined && service.spec.selector === undefined
}

type Family = 'IPv4' | 'IPv6'

/** Endpoints that go into slices of one kind. */
interface Group {
  readonly family: Family
  readonly ports: readonly EndpointPort[]
  readonly endpoints: Map<string, Endpoint>
}

interface Grouping {
  readonly groups: Map<string, Group>
  /** Addresses that are none. */
  readonly invalid: number
  /** All addresses that are not mirrored. */
  readonly skipped: number
}

function groupsOf(subsets: readonly EndpointSubset[]): Grouping {
  const groups = new Map<string, Group>()
  let invalid = 0
  let skipped = 0
  for (const subset of subsets) {
    const ports = (subset.ports ?? []).map(toPort)
    const all = addressesOf(subset)
    let mirrored = 0
    for (const { address, ready } of all) {
      if (mirrored === mirroredAtMost) break
      const family = familyOf(address)
      if (family === undefined) invalid++
      else {
        mirrored++
        const { endpoints } = groupFor(groups, family, ports)
        if (!endpoints.has(address.ip)) endpoints.set(address.ip, toEndpoint(address, ready))
      }
    }
    skipped += all.length - mirrored
  }
  return { groups, invalid, skipped }
}

const addressesOf = ({ addresses = [], notReadyAddresses = [] }: EndpointSubset) => [
  ...addresses.map((address) => ({ address, ready: true })),
  ...notReadyAddresses.map((address) => ({ address, ready: false })),
]

function familyOf({ ip }: EndpointAddress): Family | undefined {
  const parsed = parseIp(ip, 'sloppy')
  return parsed && (parsed.family === 4 ? 'IPv4' : 'IPv6')
}

function groupFor(groups: Map<string, Group>, family: Family, ports: readonly EndpointPort[]): Group {
  const key = `${family} ${portsKey(ports)}`
  const group = groups.get(key) ?? { family, ports, endpoints: new Map() }
  groups.set(key, group)
  return group
}

const toPort = ({ name = '', port, protocol = 'TCP', appProtocol }: EndpointPort): EndpointPort => ({
  name,
  protocol,
  ...(port !== undefined && { port }),
  ...(appProtocol !== undefined && { appProtocol }),
})

const toEndpoint = ({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint => ({
  addresses: [ip],
  conditions: { ready },
  ...(hostname && { hostname }),
  ...(targetRef && { targetRef }),
  ...(nodeName && { nodeName }),
})

function* report(invalid: number, skipped: number): Steps {
  if (invalid > 0) {
    const message = `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`
    yield event('InvalidIPAddress', message, 'Warning')
  }
  if (skipped > invalid) {
    const limit = `A max of ${mirroredAtMost} addresses can be mirrored to EndpointSlices per Endpoints subset.`
    yield event('TooManyAddressesToMirror', `${limit} ${skipped} addresses were skipped`, 'Warning')
  }
}

function changesOf(
  endpoints: Endpoints,
  groups: ReadonlyMap<string, Group>,
  present: readonly EndpointSlice[],
): Change[] {
  const marks = marksOf(endpoints)
  const groupOf = ({ addressType, ports }: EndpointSlice) => `${addressType} ${portsKey(ports)}`
  const changes = present.filter((slice) => !groups.has(groupOf(slice))).map((slice) => remove(EndpointSlice, slice))
  for (const [key, group] of groups) {
    const same = present.filter((slice) => groupOf(slice) === key)
    const plan = distribute(same, [...group.endpoints.values()])
    const touched = new Set([...plan.update.map(({ slice }) => slice), ...plan.remove])
    changes.push(
      ...plan.create.map((list) => create(EndpointSlice, sliceOf(endpoints, group, marks, list))),
      ...plan.update.map((each) =>
        update(EndpointSlice, { ...withMarks(each.slice, marks), endpoints: each.endpoints }),
      ),
      ...same
        .filter((slice) => !touched.has(slice) && !hasMarks(slice, marks))
        .map((slice) => update(EndpointSlice, withMarks(slice, marks))),
      ...plan.remove.map((slice) => remove(EndpointSlice, slice)),
    )
  }
  return changes
}

interface Marks {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

function marksOf({ metadata }: Endpoints): Marks {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([name]) => !ownAnnotations.has(name))
  return {
    labels: { ...metadata.labels, [serviceLabel]: metadata.name!, [managedByLabel]: manager },
    annotations: Object.fromEntries(annotations),
  }
}

const hasMarks = ({ metadata }: EndpointSlice, { labels, annotations }: Marks) =>
  isEqual(metadata.labels, labels) && isEqual(metadata.annotations ?? {}, annotations)

const withMarks = (slice: EndpointSlice, marks: Marks): EndpointSlice => ({
  ...slice,
  metadata: { ...slice.metadata, ...marks },
})

function sliceOf(
  endpoints: Endpoints,
  { family, ports }: Group,
  marks: Marks,
  list: readonly Endpoint[],
): Draft<EndpointSlice> {
  const { name = '', namespace } = endpoints.metadata
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      ...marks,
      ownerReferences: [controllerReference(Endpoints, endpoints)],
    },
    addressType: family,
    endpoints: list,
    ports,
  }
}
