import { computedResource, type LocalApi } from '../apiserver/aggregation/local.ts'
import type { Resource } from '../apiserver/resource.ts'
import { NodeMetrics } from '../kinds/metrics/node-metrics.ts'
import { PodMetrics } from '../kinds/metrics/pod-metrics.ts'
import type { ResourceMetrics } from '../metrics/resource-metrics.ts'
import type { Kind } from '../schema/kind.ts'

/** `metrics.k8s.io` as metrics-server serves it, answered in this process, also where one is deployed. */
export function resourceMetricsApi(metrics: ResourceMetrics): LocalApi {
  const resources = new Map<Kind, Resource>([
    [
      NodeMetrics,
      computedResource(NodeMetrics, {
        get: (_, name) => metrics.node(name),
        list: () => metrics.nodes(),
      }) as Resource,
    ],
    [
      PodMetrics,
      computedResource(PodMetrics, {
        get: (namespace, name) => metrics.pod(namespace, name),
        list: (namespace) => metrics.pods(namespace),
      }) as Resource,
    ],
  ])
  return {
    group: 'metrics.k8s.io',
    version: 'v1beta1',
    groupPriorityMinimum: 100,
    versionPriority: 100,
    standsFor: { namespace: 'kube-system', name: 'metrics-server' },
    kinds: [...resources.keys()],
    resource: (kind) => resources.get(kind)!,
  }
}
