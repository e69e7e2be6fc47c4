import { formatIp, nthAddress, parseCidr } from '../base/cidr.ts'
import { once } from '../base/once.ts'
import { secondsTime } from '../base/seconds-time.ts'
import { ConfigMap } from '../kinds/core/config-map.ts'
import { Namespace } from '../kinds/core/namespace.ts'
import { Service } from '../kinds/core/service.ts'
import { FlowSchema } from '../kinds/flowcontrol/flow-schema.ts'
import { PriorityLevelConfiguration } from '../kinds/flowcontrol/priority-level-configuration.ts'
import { ServiceCIDR } from '../kinds/networking/service-cidr.ts'
import { PriorityClass } from '../kinds/scheduling/priority-class.ts'
import type { ApiObject } from '../schema/kind.ts'
import { isForbidden } from '../schema/status.ts'
import { reconcilePolicy } from './authz/reconcile-policy.ts'
import { ensure, object, type Resources } from './bootstrap-objects.ts'
import { serverContext } from './context.ts'
import { bootstrapFlows, bootstrapLevels } from './flow-control/bootstrap-flows.ts'
import type { Resource } from './resource.ts'

/**
 * Puts into the store what every cluster has from its first moment on: the system namespaces, the two system priority
 * classes, the service `kubernetes` and its range of addresses, flow schemas, and the roles and bindings of the
 * bootstrap policy. Run at every start: what is missing is made, what an older version made is brought up to date, what
 * somebody changed on purpose stays. `now`: in milliseconds since 1970; `serviceCidrs`: where services get their addresses
 * from, one range or one of each family.
 */
export async function bootstrap(
  resources: Resources,
  now: number,
  serviceCidrs: readonly string[] = usualServiceCidrs,
): Promise<void> {
  await ensureAll(resources(Namespace), namespaces())
  // What waits for nothing shares its trips to the disk.
  await Promise.all([
    ensureAll(resources(PriorityClass), priorityClasses()),
    ensure(resources(Service), apiService(serviceCidrs[0]!)),
    beginServiceRange(resources, now, serviceCidrs),
    ensureAll(resources(PriorityLevelConfiguration), levels()),
    ensureAll(resources(FlowSchema), flows()),
    reconcilePolicy(resources),
    beginTokenTracking(resources(ConfigMap), now).catch((error: unknown) => {
      // A server whose own rules let nobody make it goes without.
      if (!isForbidden(error)) throw error
    }),
  ])
}

const ensureAll = async (resource: Resource, wanted: readonly ApiObject[]) =>
  void (await Promise.all(wanted.map((draft) => ensure(resource, draft, { constant: true }))))

const namespaces = once(() =>
  ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) => object(Namespace, name, {})),
)

const priorityClasses = once(() => [
  object(PriorityClass, 'system-node-critical', {
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  }),
  object(PriorityClass, 'system-cluster-critical', {
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  }),
])

const flowMarks = { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } }

const levels = once(() =>
  Object.entries(bootstrapLevels).map(([name, spec]) => object(PriorityLevelConfiguration, name, { spec }, flowMarks)),
)

const flows = once(() =>
  Object.entries(bootstrapFlows).map(([name, spec]) => object(FlowSchema, name, { spec }, flowMarks)),
)

/** As kubeadm sets it. */
export const usualServiceCidrs: readonly string[] = ['10.96.0.0/12']

/** By which pods find the API: the first address of the range is its own. */
function apiService(serviceCidr: string): ApiObject {
  const address = nthAddress(parseCidr(serviceCidr)!, 1n)
  const marks = { namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } }
  const ports = [{ name: 'https', protocol: 'TCP', port: 443, targetPort: 6443 }]
  const spec = {
    type: 'ClusterIP',
    clusterIP: formatIp(address),
    ipFamilyPolicy: 'SingleStack',
    ipFamilies: [address.family === 4 ? 'IPv4' : 'IPv6'],
    ports,
    sessionAffinity: 'None',
  }
  return object(Service, 'kubernetes', { spec }, marks)
}

const trackingName = 'kube-apiserver-legacy-service-account-token-tracking'

/**
 * Since when it has been written down on tokens that lie in secrets that somebody used them (KEP-2799): those who clean up
 * have to know. What is no day is put right.
 */
async function beginTokenTracking(resource: Resource<ConfigMap>, now: number): Promise<void> {
  const since = secondsTime(now).slice(0, 10)
  const namespace = 'kube-system'
  await ensure(resource, object(ConfigMap, trackingName, { data: { since } }, { namespace }))
  const isDay = (text: string | undefined) =>
    text !== undefined && /^\d{4}-\d\d-\d\d$/.test(text) && Date.parse(text) > 0
  const change = (map: ConfigMap | undefined) => (isDay(map!.data?.['since']) ? map! : { ...map!, data: { since } })
  await resource.update(namespace, trackingName, '', (map) => change(map) as ApiObject, serverContext)
}

/** Addresses are given from the range as soon as it is there. */
async function beginServiceRange(resources: Resources, now: number, cidrs: readonly string[]): Promise<void> {
  const resource = resources(ServiceCIDR)
  await ensure(resource, object(ServiceCIDR, 'kubernetes', { spec: { cidrs } }))
  const ready = {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: secondsTime(now),
    reason: '',
    message: 'Kubernetes default Service CIDR is ready',
  } as const
  const change = (range: ServiceCIDR | undefined) =>
    range?.status.conditions?.length ? range : { ...range!, status: { conditions: [ready] } }
  await resource.update('', 'kubernetes', 'status', (range) => change(range) as ApiObject, serverContext)
}
