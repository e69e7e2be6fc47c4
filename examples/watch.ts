/** Follows the pods of a namespace from the beginning until one is ready: `node examples/watch.ts`. */
import { Pod, startCluster } from 'coracle'

await using cluster = await startCluster({ nodes: 1 })
const { client } = cluster
await client.create(Pod, {
  metadata: { name: 'web', namespace: 'default' },
  spec: { containers: [{ name: 'web', image: 'web:1' }] },
})

const stop = new AbortController()
const changes = client.watch(Pod, { namespace: 'default', sendInitialEvents: true, signal: stop.signal })
for await (const change of changes) {
  if (change.type === 'BOOKMARK') continue
  const { metadata, spec, status } = change.object
  console.log(change.type, metadata.name, 'on', spec.nodeName ?? 'no node', 'is', status.phase)
  if (status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) break
}
stop.abort()
