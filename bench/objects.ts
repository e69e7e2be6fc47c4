/** A pod of the usual size. With `schedulerName` nobody places it, so that only the API works. */
export function pod(name: string, more: { readonly schedulerName?: string; readonly nodeName?: string } = {}): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: { ...podSpec, ...more } }
}

export function deployment(name: string, replicas: number): object {
  const own = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: own },
    spec: {
      replicas,
      selector: { matchLabels: own },
      template: { metadata: { labels: own }, spec: podSpec },
    },
  }
}

const labels = { app: 'bench', tier: 'load' }
const podSpec = {
  containers: [
    {
      name: 'main',
      image: 'registry.example/app:1',
      env: [{ name: 'MODE', value: 'bench' }],
      resources: { requests: { cpu: '50m', memory: '64Mi' } },
    },
  ],
}
