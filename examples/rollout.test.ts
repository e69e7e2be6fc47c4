/** A test against a whole cluster: `node --test examples/rollout.test.ts`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deployment, startCluster } from 'coracle'

test('a rollout to an image that cannot be pulled leaves the old pods running', async () => {
  // In virtual time ten minutes are over in a moment.
  await using cluster = await startCluster({ time: 'virtual', nodes: 2 })
  const { client } = cluster
  const template = (image: string, annotations = {}) => ({
    metadata: { labels: { app: 'web' }, annotations },
    spec: { containers: [{ name: 'web', image }] },
  })
  const web = { namespace: 'default', name: 'web' }
  const selector = { matchLabels: { app: 'web' } }
  await client.create(Deployment, { metadata: web, spec: { replicas: 4, selector, template: template('web:1') } })
  await cluster.settle()

  const broken = template('web:2', { 'simulation.coracle.dev/fail': 'ErrImagePull' })
  await client.patch(Deployment, web, { type: 'merge', body: { spec: { template: broken } } })
  await cluster.advance(11 * 60_000)

  const { status } = await client.get(Deployment, web)
  assert.equal(status.availableReplicas, 3)
  assert.equal(status.conditions?.find(({ type }) => type === 'Progressing')?.reason, 'ProgressDeadlineExceeded')
})
