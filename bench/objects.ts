/** A pod of the usual size. With `schedulerName` nobody places it, so that only the API works. */
export function pod(name: string, more: { readonly schedulerName?: string; readonly nodeName?: string } = {}): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: { ...podSpec, ...more } }
}

/** A pod whose name the server makes, so that one body makes many. */
export function namelessPod(more: { readonly schedulerName?: string } = {}): object {
  return { ...pod('', more), metadata: { generateName: 'pod-', labels } }
}

/** A pod with all that admission would add, but for what depends on the cluster; nobody places it. */
export function completePod(name: string, more: Readonly<Record<string, string>> = {}): object {
  const [container] = podSpec.containers
  const mount = { name: 'token', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }
  const toleration = { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { ...labels, ...more } },
    spec: {
      containers: [{ ...container, volumeMounts: [mount] }],
      volumes: [{ name: 'token', emptyDir: {} }],
      serviceAccountName: 'default',
      serviceAccount: 'default',
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
      enableServiceLinks: true,
      tolerations: ['not-ready', 'unreachable'].map((state) => ({ key: `node.kubernetes.io/${state}`, ...toleration })),
      schedulerName: 'nobody',
    },
  }
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
