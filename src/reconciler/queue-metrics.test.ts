import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from '../base/metrics.ts'
import { VirtualWorld } from '../world/virtual.ts'
import { WorkQueue } from './queue.ts'
import { QueueMetrics, queueNameOf } from './queue-metrics.ts'

test('a queue tells what waits, how long, and what is being worked on', async () => {
  const { clock } = new VirtualWorld()
  const metrics = new Metrics()
  const queue = new WorkQueue(clock, () => {}, new QueueMetrics(metrics, clock).of('web'))
  const values = () =>
    Object.fromEntries(
      metrics
        .print()
        .split('\n')
        .flatMap((line) => {
          const [, name, value] = /^workqueue_(\w+)\{name="web"\} (.*)$/.exec(line) ?? []
          return name === undefined ? [] : [[name, Number(value)]]
        }),
    )
  for (const key of ['a', 'b', 'a']) queue.add(key)
  await clock.advance(2_000)
  assert.equal(queue.take(), 'a')
  await clock.advance(3_000)
  assert.deepEqual(values(), {
    adds_total: 2,
    depth: 1,
    longest_running_processor_seconds: 3,
    queue_duration_seconds_count: 1,
    queue_duration_seconds_sum: 2,
    retries_total: 0,
    unfinished_work_seconds: 3,
    work_duration_seconds_count: 0,
    work_duration_seconds_sum: 0,
  })
  queue.retry('a')
  queue.done('a')
  const { retries_total, work_duration_seconds_sum, unfinished_work_seconds } = values()
  assert.deepEqual([retries_total, work_duration_seconds_sum, unfinished_work_seconds], [1, 3, 0])
})

test('queues are called as in the reference', () => {
  const names = {
    'deployment-controller': 'deployment',
    'replicaset-controller': 'replicaset',
    'endpointslice-controller': 'endpoint_slice',
    'horizontal-pod-autoscaler-controller': 'horizontalpodautoscaler',
    'garbage-collector-controller': 'garbage_collector_attempt_to_delete',
  }
  for (const [controller, name] of Object.entries(names)) assert.equal(queueNameOf(controller), name)
})
