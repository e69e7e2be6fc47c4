import type { FlowSchemaSpec } from '../../kinds/flowcontrol/flow-schema.ts'
import type { PriorityLevelConfigurationSpec } from '../../kinds/flowcontrol/priority-level-configuration.ts'

/**
 * The flow schemas and priority levels with which every cluster begins, as the reference has them (KEP-1040).
 */

type Level = PriorityLevelConfigurationSpec

interface Queues {
  readonly queues: number
  readonly handSize: number
}

function limited(shares: number, lendablePercent: number, queues?: Queues): Level {
  const limitResponse = queues
    ? { type: 'Queue', queuing: { ...queues, queueLengthLimit: 50 } }
    : { type: 'Reject' as const }
  return {
    type: 'Limited',
    limited: { nominalConcurrencyShares: shares, limitResponse, lendablePercent },
  } as Level
}

export const bootstrapLevels: Readonly<Record<string, Level>> = {
  'catch-all': limited(5, 0),
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  'global-default': limited(20, 50, { queues: 128, handSize: 6 }),
  'leader-election': limited(10, 0, { queues: 16, handSize: 4 }),
  'node-high': limited(40, 25, { queues: 64, handSize: 6 }),
  system: limited(30, 33, { queues: 64, handSize: 6 }),
  'workload-high': limited(40, 50, { queues: 128, handSize: 6 }),
  'workload-low': limited(100, 90, { queues: 128, handSize: 6 }),
}

type Rules = NonNullable<FlowSchemaSpec['rules']>[number]
type Subject = Rules['subjects'][number]
type ResourceRule = NonNullable<Rules['resourceRules']>[number]

const group = (name: string): Subject => ({ kind: 'Group', group: { name } })
const user = (name: string): Subject => ({ kind: 'User', user: { name } })
const systemAccounts: Subject = { kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name: '*' } }
const everybody = [group('system:unauthenticated'), group('system:authenticated')]

const everyResource: ResourceRule = {
  verbs: ['*'],
  apiGroups: ['*'],
  resources: ['*'],
  clusterScope: true,
  namespaces: ['*'],
}
const everything = (...subjects: Subject[]): Rules => ({
  subjects,
  resourceRules: [everyResource],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
})

const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] }

function flow(level: string, precedence: number, by: '' | 'ByUser' | 'ByNamespace', rules: Rules): FlowSchemaSpec {
  return {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence: precedence,
    ...(by !== '' && { distinguisherMethod: { type: by } }),
    rules: [rules],
  }
}

export const bootstrapFlows: Readonly<Record<string, FlowSchemaSpec>> = {
  'catch-all': flow('catch-all', 10_000, 'ByUser', everything(...everybody)),
  exempt: flow('exempt', 1, '', everything(group('system:masters'))),
  'global-default': flow('global-default', 9900, 'ByUser', everything(...everybody)),
  'kube-controller-manager': flow(
    'workload-high',
    800,
    'ByNamespace',
    everything(user('system:kube-controller-manager')),
  ),
  'kube-scheduler': flow('workload-high', 800, 'ByNamespace', everything(user('system:kube-scheduler'))),
  'kube-system-service-accounts': flow('workload-high', 900, 'ByNamespace', everything(systemAccounts)),
  probes: flow('exempt', 2, '', {
    subjects: everybody,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  'service-accounts': flow('workload-low', 9000, 'ByUser', everything(group('system:serviceaccounts'))),
  'system-leader-election': flow('leader-election', 100, 'ByUser', {
    subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler'), systemAccounts],
    resourceRules: [{ ...leases, verbs: ['get', 'create', 'update'] }],
  }),
  'system-node-high': flow('node-high', 400, 'ByUser', {
    subjects: [group('system:nodes')],
    resourceRules: [
      { ...everyResource, apiGroups: [''], resources: ['nodes', 'nodes/status'] },
      { ...leases, verbs: ['*'] },
    ],
  }),
  'system-nodes': flow('system', 500, 'ByUser', everything(group('system:nodes'))),
}
