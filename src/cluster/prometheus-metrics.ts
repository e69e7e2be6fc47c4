import type { RoutedApi } from '../apiserver/aggregation/local-routes.ts'
import type { RequestInfo } from '../apiserver/request-info.ts'
import type { MetricRequest, PrometheusAdapter } from '../metrics/prometheus/adapter.ts'

/** Where prometheus-adapter's own APIServices put its groups. */
const priorities = { groupPriorityMinimum: 100, versionPriority: 100 }

/** `custom.metrics.k8s.io` and `external.metrics.k8s.io`, as an adapter answers them. */
export function prometheusApis(adapter: PrometheusAdapter): readonly RoutedApi[] {
  const custom = (version: string, versionPriority: number): RoutedApi => ({
    ...priorities,
    group: 'custom.metrics.k8s.io',
    version,
    versionPriority,
    resources: () => adapter.customResources(),
    get: (info) => adapter.custom(customRequest(info)),
  })
  return [
    custom('v1beta2', 200),
    custom('v1beta1', 100),
    {
      ...priorities,
      group: 'external.metrics.k8s.io',
      version: 'v1beta1',
      resources: () => adapter.externalResources(),
      get: (info) => adapter.external(requestOf(info, '')),
    },
  ]
}

/** The path of a metric of a namespace ends one step earlier than those of other objects. */
const customRequest = (info: RequestInfo) => requestOf(info, info.resource === 'metrics' ? info.name : info.subresource)

function requestOf({ version, namespace, resource, name, query }: RequestInfo, metric: string): MetricRequest {
  return {
    version,
    namespace,
    resource,
    name,
    metric,
    labelSelector: query.get('labelSelector') ?? '',
    metricLabelSelector: query.get('metricLabelSelector') ?? '',
  }
}
