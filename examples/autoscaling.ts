/** How does an autoscaler follow a load that comes and goes? See 80 minutes in a moment: `node examples/autoscaling.ts`. */
import { Deployment, HorizontalPodAutoscaler, startCluster } from 'coracle'

await using cluster = await startCluster({ time: 'virtual', nodes: 5 })
const web = { namespace: 'default', name: 'web' }
await cluster.client.create(Deployment, {
  // All pods together: little at first, most after 40 minutes.
  metadata: { ...web, annotations: { 'simulation.coracle.dev/cpu-load': 'wave 200m 6 80m' } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'web:1', resources: { requests: { cpu: '500m' } } }] },
    },
  },
})
await cluster.client.create(HorizontalPodAutoscaler, {
  metadata: web,
  spec: {
    minReplicas: 1,
    maxReplicas: 30,
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
  },
})

for (let minutes = 0; minutes <= 80; minutes += 10) {
  const { status } = await cluster.client.get(Deployment, web)
  console.log(`${minutes} min: ${'#'.repeat(status.readyReplicas ?? 0)}`)
  await cluster.advance(10 * 60_000)
}
