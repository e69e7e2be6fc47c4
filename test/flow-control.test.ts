import assert from 'node:assert/strict'
import { request } from 'node:https'
import { after, before, describe, test } from 'node:test'
import type { HttpClient } from '../src/client/http.ts'
import type { ServedCluster, ServeOptions } from '../src/cluster/serve.ts'
import { ConfigMap } from '../src/kinds/core/config-map.ts'
import { FlowSchema } from '../src/kinds/flowcontrol/flow-schema.ts'
import { PriorityLevelConfiguration } from '../src/kinds/flowcontrol/priority-level-configuration.ts'
import { ClusterRoleBinding } from '../src/kinds/rbac/cluster-role-binding.ts'
import { clientOf, serve } from './support/served.ts'

/** Priority and fairness as clients see it, over a real socket. */

interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
}

type Call = (method: string, path: string, headers?: Record<string, string>) => Promise<Answer>

/** Calls as the administrator, who may say that somebody else asks. */
function caller({ port, certificateAuthority: ca, admin }: ServedCluster) {
  const options = (method: string, path: string, headers: Record<string, string> = {}) => ({
    ...{ host: '127.0.0.1', port, method, path, ca, agent: false as const, headers },
    ...{ cert: admin.clientCertificate, key: admin.clientKey },
  })
  const call: Call = (method, path, headers) =>
    new Promise((resolve, reject) => {
      const outgoing = request(options(method, path, headers), (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => {
          text += chunk
        })
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }))
      })
      outgoing.on('error', reject)
      outgoing.end()
    })
  /** A request that does not end: its body never comes. The returned function gives it up. */
  const hang = (path: string, headers: Record<string, string>) => {
    const sent = { 'content-type': 'application/json', 'content-length': '100', ...headers }
    const outgoing = request(options('POST', path, sent))
    outgoing.on('error', () => {})
    outgoing.write('{')
    return () => outgoing.destroy()
  }
  return { call, hang }
}

/** Somebody who may do everything, and is no master, whose requests are exempt. */
const as = (name: string) => ({ 'impersonate-user': name, 'impersonate-group': 'crew' })

async function openServer(accessFlags: ServeOptions['accessFlags']) {
  const served = await serve({ ...(accessFlags && { accessFlags }) })
  const client = clientOf(served)
  await client.create(ClusterRoleBinding, {
    metadata: { name: 'crew' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'Group', name: 'crew', apiGroup: 'rbac.authorization.k8s.io' }],
  })
  return { served, client }
}
const maps = '/api/v1/namespaces/default/configmaps'

async function metric(call: Call, line: RegExp): Promise<number> {
  const { text } = await call('GET', '/metrics')
  return Number(line.exec(text)?.[1] ?? 0)
}

/** The metrics are asked for until they say so. */
async function until(call: Call, line: RegExp, value: number): Promise<void> {
  for (let tries = 0; (await metric(call, line)) !== value; tries++) assert.ok(tries < 500, `${line} is not ${value}`)
}

async function setLevel(client: HttpClient, name: string, limitResponse: object): Promise<string[]> {
  const level = await client.create(PriorityLevelConfiguration, {
    metadata: { name },
    spec: {
      type: 'Limited',
      limited: { nominalConcurrencyShares: 1, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse },
    },
  } as never)
  const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }
  const flow = await client.create(FlowSchema, {
    metadata: { name },
    spec: {
      priorityLevelConfiguration: { name },
      matchingPrecedence: 1,
      distinguisherMethod: { type: 'ByUser' },
      rules: [{ subjects: [{ kind: 'User', user: { name } }], resourceRules: [everything] }],
    },
  } as never)
  return [flow.metadata.uid!, level.metadata.uid!]
}

describe('a small server', () => {
  let served: ServedCluster
  let client: HttpClient
  let call: Call
  let hang: ReturnType<typeof caller>['hang']
  before(async () => {
    ;({ served, client } = await openServer({ 'max-requests-inflight': '10', 'max-mutating-requests-inflight': '5' }))
    ;({ call, hang } = caller(served))
  })
  after(async () => {
    await client[Symbol.asyncDispose]()
    await served[Symbol.asyncDispose]()
  })

  const executing = (name: string) =>
    new RegExp(`flowcontrol_current_executing_requests\\{priority_level="${name}",flow_schema="${name}"\\} (\\d+)`)
  const waiting = (name: string) =>
    new RegExp(`flowcontrol_current_inqueue_requests\\{priority_level="${name}",flow_schema="${name}"\\} (\\d+)`)

  test('a level that is full turns away, in the words of the reference, and nobody else notices', async () => {
    const [flow, level] = await setLevel(client, 'tiny', { type: 'Reject' })
    const giveUp = hang(maps, as('tiny'))
    await until(call, executing('tiny'), 1)
    const refused = await call('GET', maps, as('tiny'))
    assert.deepEqual(
      [refused.status, refused.text, refused.headers['retry-after'], refused.headers['content-type']],
      [429, 'Too many requests, please try again later.\n', '1', 'text/plain; charset=utf-8'],
    )
    assert.equal(refused.headers['x-kubernetes-pf-flowschema-uid'], flow)
    assert.equal(refused.headers['x-kubernetes-pf-prioritylevel-uid'], level)
    for (const path of [maps, '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', '/readyz']) {
      assert.equal((await call('GET', path)).status, 200, path)
    }
    giveUp()
    await until(call, executing('tiny'), 0)
    assert.equal((await call('GET', maps, as('tiny'))).status, 200)
  })

  test('a level with queues lets wait, and who gives up leaves the queue', async () => {
    await setLevel(client, 'queued', { type: 'Queue', queuing: { queues: 4, handSize: 1, queueLengthLimit: 5 } })
    const first = hang(maps, as('queued'))
    await until(call, executing('queued'), 1)
    const second = hang(maps, as('queued'))
    await until(call, waiting('queued'), 1)
    const third = call('GET', maps, as('queued'))
    await until(call, waiting('queued'), 2)
    const dump = await call('GET', '/debug/api_priority_and_fairness/dump_requests?includeRequestDetails=1')
    assert.match(dump.text, /^PriorityLevelName, FlowSchemaName, QueueIndex, /)
    assert.match(
      dump.text,
      /^queued, queued, \d, 1, queued, .*, queued, list, \/api\/v1\/namespaces\/default\/configmaps/m,
    )
    const levels = await call('GET', '/debug/api_priority_and_fairness/dump_priority_levels')
    assert.match(levels.text, /^queued, 1, false, false, 2, 1, /m)
    second()
    await until(call, waiting('queued'), 1)
    first()
    assert.equal((await third).status, 200)
    assert.equal(await metric(call, /rejected_requests_total\{priority_level="queued".*reason="cancelled"\} (\d+)/), 1)
  })

  test('every answer says what it was sorted as, errors and watches too', async () => {
    const { metadata } = await client.get(FlowSchema, { name: 'exempt' })
    for (const path of ['/version', maps, `${maps}/none`, `${maps}?watch=1&timeoutSeconds=1`]) {
      const { headers } = await call('GET', path)
      assert.equal(headers['x-kubernetes-pf-flowschema-uid'], metadata.uid, path)
    }
    const forbidden = await call('GET', maps, {
      'impersonate-user': 'jane',
      'impersonate-group': 'system:authenticated',
    })
    assert.equal(forbidden.status, 403)
    const usual = await client.get(FlowSchema, { name: 'global-default' })
    assert.equal(forbidden.headers['x-kubernetes-pf-flowschema-uid'], usual.metadata.uid)
  })

  test('a watch has its seat until it has begun, and a hundred of them leave it to others', async () => {
    await setLevel(client, 'watcher', { type: 'Reject' })
    const open = Array.from({ length: 5 }, () => call('GET', `${maps}?watch=1&timeoutSeconds=1`, as('watcher')))
    for (const { status } of await Promise.all(open)) assert.ok(status === 200 || status === 429)
    assert.equal(await metric(call, executing('watcher')), 0)
    assert.equal((await call('GET', maps, as('watcher'))).status, 200)
    await client.create(ConfigMap, { metadata: { name: 'a', namespace: 'default' } })
  })

  const names = [
    'dispatched_requests_total',
    'rejected_requests_total',
    'current_inqueue_requests',
    'current_inqueue_seats',
    'current_executing_requests',
    'current_executing_seats',
    'request_wait_duration_seconds',
    'request_execution_seconds',
    'request_queue_length_after_enqueue',
    'work_estimated_seats',
    'nominal_limit_seats',
    'lower_limit_seats',
    'upper_limit_seats',
    'current_limit_seats',
    'demand_seats_high_watermark',
    'demand_seats_smoothed',
    'target_seats',
  ]
  test('the metrics have the names of the reference', async () => {
    const { text } = await call('GET', '/metrics')
    for (const name of names) assert.match(text, new RegExp(`^# TYPE apiserver_flowcontrol_${name} `, 'm'))
    assert.equal(await metric(call, /nominal_limit_seats\{priority_level="workload-low"\} (\d+)/), 7)
  })
})

test('without priorities, so many are answered at once and the others turned away', async () => {
  const accessFlags: ServeOptions['accessFlags'] = {
    'max-requests-inflight': '2',
    'max-mutating-requests-inflight': '1',
    'enable-priority-and-fairness': 'false',
  }
  const opened = await openServer(accessFlags)
  await using served = opened.served
  await using _client = opened.client
  const { call, hang } = caller(served)
  const jane = { 'impersonate-user': 'jane', 'impersonate-group': 'system:authenticated' }
  // Authorization would refuse her, but not before there is a place: who hangs is one who may write.
  const giveUp = hang(maps, as('root'))
  await until(call, /current_inflight_requests\{request_kind="mutating"\} (\d+)/, 1)
  const refused = await call('POST', maps, jane)
  assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '1'])
  assert.equal((await call('GET', maps, jane)).status, 403)
  assert.equal((await call('POST', maps)).status, 400, 'the masters are not counted')
  giveUp()
})

const faults: readonly [flags: NonNullable<ServeOptions['accessFlags']>, message: RegExp][] = [
  [{ 'max-requests-inflight': '-1' }, /^--max-requests-inflight can not be negative value$/],
  [{ 'max-requests-inflight': 'many' }, /strconv.ParseInt: parsing "many": invalid syntax$/],
  [
    { 'max-requests-inflight': '0', 'max-mutating-requests-inflight': '0' },
    /^invalid configuration: MaxRequestsInFlight=0 and MaxMutatingRequestsInFlight=0; they must add up to something positive$/,
  ],
]

for (const [accessFlags, message] of faults) {
  test(`flags that make no sense: ${JSON.stringify(accessFlags)}`, async () => {
    await assert.rejects(serve({ accessFlags }), { message })
  })
}
