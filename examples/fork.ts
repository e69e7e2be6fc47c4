/** What would happen if a node were lost? Ask a fork: `node examples/fork.ts`. */
import { Deployment, Pod, startCluster } from 'coracle'

await using cluster = await startCluster({ time: 'virtual', nodes: 3 })
await cluster.client.create(Deployment, {
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 6,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
  },
})
await cluster.settle()

await using experiment = await cluster.fork()
experiment.nodes?.crash('node-1')
for (const minutes of [1, 2, 3]) {
  await experiment.advance(minutes * 60_000)
  const { status } = await experiment.client.get(Deployment, { namespace: 'default', name: 'web' })
  console.log(`${minutes} more min: ${status.readyReplicas} of 6 pods are ready`)
}

const pods = await cluster.client.list(Pod, { namespace: 'default' })
console.log(`and in the cluster itself: ${pods.items.filter(({ status }) => status.phase === 'Running').length}`)
