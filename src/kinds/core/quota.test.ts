import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiObject } from '../../schema/kind.ts'
import { quotaApplies, usageOf } from './quota.ts'
import type { ResourceQuota } from './resource-quota.ts'

const pods = { group: '', plural: 'pods' }
const claims = { group: '', plural: 'persistentvolumeclaims' }
const services = { group: '', plural: 'services' }
const devices = { group: 'resource.k8s.io', plural: 'resourceclaims' }
const now = Date.UTC(2026, 0, 1, 12)

const object = (spec: object, rest: object = {}) => ({ metadata: { name: 'x' }, spec, ...rest }) as unknown as ApiObject
const container = (requests: object, limits: object = {}) => ({ name: 'main', resources: { requests, limits } })
const pod = (spec: object = {}, rest: object = {}) =>
  object({ containers: [container({ cpu: '100m' })], ...spec }, rest)

const usage = (kind: typeof pods, subject: ApiObject) =>
  Object.fromEntries([...usageOf(kind, subject, now)].map(([name, amount]) => [name, amount.toString()]))

const usages: readonly (readonly [string, typeof pods, ApiObject, object])[] = [
  [
    'a pod, under every name that its resources have',
    pods,
    pod({ containers: [container({ cpu: '100m', 'example.com/gpu': '2' }, { memory: '1Gi' })] }),
    {
      'count/pods': '1',
      pods: '1',
      cpu: '100m',
      'requests.cpu': '100m',
      'requests.example.com/gpu': '2',
      'limits.memory': '1Gi',
    },
  ],
  ['a pod that has ended', pods, pod({}, { status: { phase: 'Succeeded' } }), { 'count/pods': '1' }],
  [
    'a pod that should have ended, on a node that is lost',
    pods,
    pod({}, { metadata: { deletionTimestamp: '2026-01-01T11:59:00Z', deletionGracePeriodSeconds: 30 } }),
    { 'count/pods': '1' },
  ],
  [
    'a pod that still has time to end',
    pods,
    pod({}, { metadata: { deletionTimestamp: '2026-01-01T11:59:50Z', deletionGracePeriodSeconds: 30 } }),
    { 'count/pods': '1', pods: '1', cpu: '100m', 'requests.cpu': '100m' },
  ],
  [
    'a claim of a class',
    claims,
    object({ storageClassName: 'fast', resources: { requests: { storage: '2Gi' } } }),
    {
      'count/persistentvolumeclaims': '1',
      persistentvolumeclaims: '1',
      'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
      'requests.storage': '2Gi',
      'fast.storageclass.storage.k8s.io/requests.storage': '2Gi',
    },
  ],
  [
    'a claim that has been given more than it asks for now',
    claims,
    object({ resources: { requests: { storage: '2Gi' } } }, { status: { allocatedResources: { storage: '5Gi' } } }),
    { 'count/persistentvolumeclaims': '1', persistentvolumeclaims: '1', 'requests.storage': '5Gi' },
  ],
  [
    'a load balancer with node ports',
    services,
    object({ type: 'LoadBalancer', ports: [{ port: 80 }, { port: 81 }] }),
    { 'count/services': '1', services: '1', 'services.loadbalancers': '1', 'services.nodeports': '2' },
  ],
  [
    'devices, the worst case of alternatives',
    devices,
    object({
      devices: {
        requests: [
          { name: 'a', exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 } },
          { name: 'b', exactly: { deviceClassName: 'nic', allocationMode: 'All' } },
          {
            name: 'c',
            firstAvailable: [
              { name: 'one', deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 },
              { name: 'more', deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 4 },
            ],
          },
        ],
      },
    }),
    {
      'count/resourceclaims.resource.k8s.io': '1',
      'gpu.deviceclass.resource.k8s.io/devices': '6',
      'nic.deviceclass.resource.k8s.io/devices': '32',
    },
  ],
]

for (const [name, kind, subject, expected] of usages)
  test(`what counts: ${name}`, () => assert.deepEqual(usage(kind, subject), expected))

const quota = (scopes: readonly string[], matchExpressions: readonly object[] = []) =>
  object({ scopes, scopeSelector: { matchExpressions } }) as ResourceQuota
const byClass = (scopeName: string, operator: string, values?: readonly string[]) =>
  quota([], [{ scopeName, operator, ...(values && { values }) }])
const deadline = pod({ activeDeadlineSeconds: 60 })
const careless = pod({ containers: [container({})] })
const critical = pod({ priorityClassName: 'critical' })
const far = pod({
  affinity: {
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'k', namespaces: ['other'] }] },
  },
})
const gold = object({ volumeAttributesClassName: 'gold' })
const turning = object({}, { status: { modifyVolumeStatus: { targetVolumeAttributesClassName: 'gold' } } })

const scopes: readonly (readonly [ResourceQuota, typeof pods, ApiObject, boolean])[] = [
  [quota([]), services, object({}), true],
  [quota(['Terminating']), services, object({}), false],
  [quota(['Terminating']), pods, deadline, true],
  [quota(['Terminating']), pods, pod(), false],
  [quota(['NotTerminating']), pods, pod(), true],
  [quota(['NotTerminating']), pods, deadline, false],
  [quota(['BestEffort']), pods, careless, true],
  [quota(['BestEffort']), pods, pod(), false],
  [quota(['NotBestEffort']), pods, pod(), true],
  [quota(['NotBestEffort', 'Terminating']), pods, pod(), false],
  [quota(['CrossNamespacePodAffinity']), pods, far, true],
  [quota(['CrossNamespacePodAffinity']), pods, pod(), false],
  [byClass('PriorityClass', 'In', ['critical']), pods, critical, true],
  [byClass('PriorityClass', 'NotIn', ['critical']), pods, critical, false],
  [byClass('PriorityClass', 'Exists'), pods, critical, true],
  [byClass('PriorityClass', 'Exists'), pods, pod(), false],
  [byClass('PriorityClass', 'DoesNotExist'), pods, pod(), true],
  [byClass('VolumeAttributesClass', 'In', ['gold']), claims, gold, true],
  [byClass('VolumeAttributesClass', 'In', ['gold']), claims, turning, true],
  [byClass('VolumeAttributesClass', 'In', ['gold']), claims, object({}), false],
  [byClass('VolumeAttributesClass', 'In', ['gold']), pods, pod(), false],
]

for (const [{ spec }, kind, subject, expected] of scopes) {
  const words = JSON.stringify([spec.scopes, spec.scopeSelector?.matchExpressions])
  test(`${kind.plural} of ${JSON.stringify((subject as { spec?: object }).spec)} ${expected ? 'are' : 'are not'} in ${words}`, () =>
    assert.equal(quotaApplies({ spec } as ResourceQuota, kind, subject), expected))
}
