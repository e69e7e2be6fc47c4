/** Stands for the network plugin of the notes: a pod on each node, of whatever taints. */
export const networkPlugin = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'kube-flannel-ds', namespace: 'kube-system' },
  spec: {
    selector: { matchLabels: { app: 'flannel' } },
    template: {
      metadata: { labels: { app: 'flannel' } },
      spec: {
        hostNetwork: true,
        tolerations: [{ operator: 'Exists' }],
        containers: [{ name: 'kube-flannel', image: 'flannel:v0.12.0' }],
      },
    },
  },
})
