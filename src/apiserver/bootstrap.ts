import { Namespace } from '../kinds/core/namespace.ts'
import { Service } from '../kinds/core/service.ts'
import { FlowSchema } from '../kinds/flowcontrol/flow-schema.ts'
import { PriorityLevelConfiguration } from '../kinds/flowcontrol/priority-level-configuration.ts'
import { ServiceCIDR } from '../kinds/networking/service-cidr.ts'
import { ClusterRole } from '../kinds/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../kinds/rbac/cluster-role-binding.ts'
import type { PolicyRule } from '../kinds/rbac/shared.ts'
import { PriorityClass } from '../kinds/scheduling/priority-class.ts'
import { decode } from '../schema/decode.ts'
import { equalJson } from '../schema/freeze.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import { isAlreadyExists, isNotFound } from '../schema/status.ts'
import type { Mutable } from '../schema/types.ts'
import {
  type BootstrapBinding,
  type BootstrapRole,
  bootstrapBindings,
  bootstrapRoles,
} from './authz/bootstrap-policy.ts'
import { type RequestContext, systemMaster } from './context.ts'
import { bootstrapFlows, bootstrapLevels } from './flow-control/bootstrap-flows.ts'
import type { Resource } from './resource.ts'
import { toTimestamp } from './storage/state.ts'

/** Gives the resource of a kind. */
export type Resources = <T extends ApiObject>(kind: Kind<T>) => Resource<T>

/**
 * Puts into the store what every cluster has from its first moment on: the system namespaces, the two system priority
 * classes, the service `kubernetes` and its range of addresses, flow schemas, and the roles and bindings of the
 * bootstrap policy. Run at every start: what is missing is made, what an older version made is brought up to date, what
 * somebody changed on purpose stays. `now`: in milliseconds since 1970.
 */
export async function bootstrap(resources: Resources, now: number): Promise<void> {
  await all(namespaces, (name) => ensure(resources(Namespace), object(Namespace, name, {})))
  await all(priorityClasses, ({ name, ...rest }) => ensure(resources(PriorityClass), object(PriorityClass, name, rest)))
  await ensure(resources(Service), apiService())
  await ensure(resources(ServiceCIDR), object(ServiceCIDR, 'kubernetes', { spec: { cidrs: [serviceRange] } }))
  await markReady(resources(ServiceCIDR), now)
  await all(Object.entries(bootstrapLevels), ([name, spec]) =>
    ensure(resources(PriorityLevelConfiguration), object(PriorityLevelConfiguration, name, { spec }, flowMarks)),
  )
  await all(Object.entries(bootstrapFlows), ([name, spec]) =>
    ensure(resources(FlowSchema), object(FlowSchema, name, { spec }, flowMarks)),
  )
  await all(bootstrapRoles, (role) => reconcileRole(resources(ClusterRole), role))
  await all(bootstrapBindings, (binding) => reconcileBinding(resources(ClusterRoleBinding), binding))
}

const all = async <T>(items: readonly T[], run: (item: T) => Promise<void>) => void (await Promise.all(items.map(run)))

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease']

const priorityClasses = [
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
]

/** The default range of service addresses; its first address is the API's own. */
const serviceRange = '10.96.0.0/12'

/** By which pods find the API. */
function apiService(): ApiObject {
  const marks = { namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } }
  const ports = [{ name: 'https', protocol: 'TCP', port: 443, targetPort: 6443 }]
  const spec = {
    type: 'ClusterIP',
    clusterIP: '10.96.0.1',
    ipFamilyPolicy: 'SingleStack',
    ipFamilies: ['IPv4'],
    ports,
    sessionAffinity: 'None',
  }
  return object(Service, 'kubernetes', { spec }, marks)
}

const flowMarks = { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } }

/** Addresses are given from the range as soon as it is there. */
async function markReady(resource: Resource<ServiceCIDR>, now: number): Promise<void> {
  const ready = {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: toTimestamp(now),
    reason: '',
    message: 'Kubernetes default Service CIDR is ready',
  } as const
  const change = (range: ServiceCIDR | undefined) =>
    range?.status.conditions?.length ? range : { ...range!, status: { conditions: [ready] } }
  await resource.update('', 'kubernetes', 'status', (range) => change(range) as ApiObject, context)
}

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate'

async function reconcileRole(resource: Resource<ClusterRole>, role: BootstrapRole): Promise<void> {
  const content = role.aggregate
    ? { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [role.aggregate]: 'true' } }] } }
    : { rules: role.rules }
  const current = await find(resource, role.name)
  if (!current) return create(resource, object(ClusterRole, role.name, content, policyMarks(role.labels)))
  if (current.metadata.annotations?.[autoUpdate] === 'false') return
  const missing = role.rules.filter((rule) => !current.rules?.some((existing: PolicyRule) => equalJson(existing, rule)))
  if (role.aggregate || missing.length === 0) return
  await resource.update(
    '',
    role.name,
    '',
    (role) => ({ ...role, rules: [...(role?.rules ?? []), ...missing] }) as ApiObject,
    context,
  )
}

async function reconcileBinding(resource: Resource<ClusterRoleBinding>, binding: BootstrapBinding): Promise<void> {
  const subjects = binding.subjects.map((subject) => ({
    ...subject,
    ...(subject.kind !== 'ServiceAccount' && { apiGroup: 'rbac.authorization.k8s.io' }),
  }))
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: binding.role }
  const current = await find(resource, binding.name)
  if (!current) return create(resource, object(ClusterRoleBinding, binding.name, { subjects, roleRef }, policyMarks()))
  if (current.metadata.annotations?.[autoUpdate] === 'false') return
  const missing = subjects.filter((subject) => !current.subjects?.some((existing) => equalJson(existing, subject)))
  if (missing.length === 0) return
  await resource.update(
    '',
    binding.name,
    '',
    (old) => ({ ...old, subjects: [...(old?.subjects ?? []), ...missing] }) as ApiObject,
    context,
  )
}

const policyMarks = (labels: Readonly<Record<string, string>> = {}) => ({
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
  annotations: { [autoUpdate]: 'true' },
})

async function ensure(resource: Resource, wanted: ApiObject): Promise<void> {
  const { namespace, name = '' } = wanted.metadata
  if (!(await find(resource, name, namespace))) await create(resource, wanted)
}

async function find<T extends ApiObject>(resource: Resource<T>, name: string, namespace = ''): Promise<T | undefined> {
  try {
    return (await resource.get(namespace, name, { resourceVersion: '0' })).object
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Another API server may be starting beside this one. */
async function create(resource: Resource, wanted: ApiObject): Promise<void> {
  try {
    await resource.create(wanted.metadata.namespace ?? '', wanted, context)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}

/** The object as if a client had sent it. */
function object(kind: Kind, name: string, content: object, marks: object = {}): ApiObject {
  const sent = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata: { name, ...marks }, ...content }
  const decoded = decode(kind.schema, sent).object as Mutable<ApiObject>
  kind.defaults(decoded)
  return decoded
}

const context: RequestContext = {
  user: systemMaster,
  dryRun: false,
  fieldManager: 'kube-apiserver',
  userAgent: 'kube-apiserver',
  fieldValidation: 'Ignore',
  warn: () => {},
  signal: new AbortController().signal,
}
