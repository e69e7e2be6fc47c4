import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ConfigMap } from '../../src/kinds/core/config-map.ts'
import { ApiError } from '../../src/schema/status.ts'
import { failureOf, faults, HighlyAvailableCluster } from '../support/failover.ts'
import { hostsMissing, until } from '../support/hosts.ts'

/** `node tools/failover.ts 50` does it fifty times, and says how long it took. */
describe('Three hosts behind a balancer', { skip: hostsMissing() ?? false }, () => {
  let cluster: HighlyAvailableCluster
  before(async () => {
    cluster = await HighlyAvailableCluster.start()
  })
  after(() => cluster?.[Symbol.asyncDispose]())

  it('start at the same moment, and none of them ends', () => assert.deepEqual(cluster.crashes, []))

  for (const fault of faults)
    it(`go on when the leader's host is ${fault}: nothing that was answered is lost, and nobody reads what is out of date [FLR-01 ETQ-15]`, async () => {
      const { lost, disorder, answered } = await cluster.failOver(fault, 1_500)
      assert.deepEqual(lost, [])
      assert.equal(disorder, undefined)
      assert.ok(answered > 0)
    })

  it('of which two are lost: what must be current is refused clearly and in time, and comes back with the second [FLR-18 ETQ-14]', async () => {
    const client = cluster.client({ answerMs: 30_000 })
    const ref = { namespace: 'default', name: 'kept' }
    await client.create(ConfigMap, { metadata: ref, data: { is: 'there' } })
    const [first, second] = cluster.hosts.all
    cluster.harm(first!, 'killed')
    cluster.harm(second!, 'killed')
    for (const call of [
      () => client.get(ConfigMap, ref),
      () => client.patch(ConfigMap, ref, { type: 'merge', body: { data: { is: 'changed' } } }),
    ]) {
      const { error } = await failureOf(call())
      assert.ok(error instanceof ApiError, String(error))
      assert.ok(error.code >= 500, `${error.code} ${error.message}`)
      assert.doesNotMatch(error.message, /no answer within/, 'the server answers, and in time')
    }
    await cluster.mend(second!, 'killed')
    const { data } = await until('an answer', () => client.get(ConfigMap, ref))
    assert.ok(['there', 'changed'].includes(data!['is']!))
    await cluster.mend(first!, 'killed')
    await cluster.untilReady()
  })
})
