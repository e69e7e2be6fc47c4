import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from './metrics.ts'

test('metrics are printed in the form that Prometheus reads', () => {
  const metrics = new Metrics()
  const total = metrics.counter('requests_total', 'Requests.', ['verb', 'code'])
  total.of('GET', '200').value += 2
  total.of('GET', '200').value++
  total.of('a"b\\\n', '500').value++
  const time = metrics.histogram('duration_seconds', 'Time.', [0.1, 1], ['verb'])
  for (const seconds of [0.05, 0.1, 0.5, 3]) time.of('GET').observe(seconds)
  metrics.gauge('open', 'Open.').of().value = 4
  metrics.gauge('never_used', 'Nothing.')
  assert.equal(
    metrics.print(),
    `# HELP duration_seconds Time.
# TYPE duration_seconds histogram
duration_seconds_bucket{verb="GET",le="0.1"} 2
duration_seconds_bucket{verb="GET",le="1"} 3
duration_seconds_bucket{verb="GET",le="+Inf"} 4
duration_seconds_sum{verb="GET"} 3.65
duration_seconds_count{verb="GET"} 4
# HELP open Open.
# TYPE open gauge
open 4
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{verb="GET",code="200"} 3
requests_total{verb="a\\"b\\\\\\n",code="500"} 1
`,
  )
})

test('a name is given once', () => {
  const metrics = new Metrics()
  metrics.gauge('a', '')
  assert.throws(() => metrics.counter('a', ''))
})
