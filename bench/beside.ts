/**
 * What requests cost one server and what they cost another, in the same seconds:
 *
 *   node bench/beside.ts [--bundle FILE] [--against FILE] [--against-flags "FLAGS of up"]
 *     [--against-node-flags "FLAGS of Node.js"] [--batches 160] [--only create,get]
 *
 * Both run at once and take turns every hundred requests, so that whatever else the machine does is the same for both;
 * compared is the processor time of the server process. Without `--against` the other one is the same program; without
 * `--against-flags` it is started as the first one is. `--against-flags gates` switches all off that is on by default on the
 * way of a request: authorization, admission, priority and fairness. The pods that are made have all that admission plugins
 * would add, so that both servers store the same.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { pluginEntries } from '../src/apiserver/admission/plugins.ts'
import { Api, inFlight, width } from './api.ts'
import { completePod } from './objects.ts'
import { build, flagsOf, plainToken, plainUser, type ServedProcess, serve } from './process.ts'
import { untilServiceAccount } from './requests.ts'

const { values: flags } = parseArgs({
  options: {
    bundle: { type: 'string' },
    against: { type: 'string' },
    'against-flags': { type: 'string', default: '' },
    'against-node-flags': { type: 'string' },
    batches: { type: 'string', default: '160' },
    only: { type: 'string', default: 'create,patch,update,get' },
  },
})

const batch = 100
const collection = '/api/v1/namespaces/default/pods'
const path = (at: number) => `${collection}/pod-${at}`
const discard = true

/** One request of a kind: the `at`th that this server gets. */
const tasks: Readonly<Record<string, (api: Api, at: number) => Promise<unknown>>> = {
  create: (api, at) => api.must('POST', collection, { body: completePod(`pod-${at}`), discard }),
  patch: (api, at) =>
    api.must('PATCH', path(at), {
      body: { metadata: { labels: { n: `${at}` } } },
      contentType: 'application/merge-patch+json',
      discard,
    }),
  update: (api, at) => api.must('PUT', path(at), { body: completePod(`pod-${at}`, { updated: 'yes' }), discard }),
  get: (api, at) => api.must('GET', path(at), { discard }),
}

const gateless = [
  '--authorization-mode=AlwaysAllow',
  '--enable-priority-and-fairness=false',
  '--max-requests-inflight=0',
  '--max-mutating-requests-inflight=0',
  `--disable-admission-plugins=${pluginEntries
    .filter(({ isDefault }) => isDefault)
    .map(({ name }) => name)
    .join(',')}`,
]

const bundle = flags.bundle ?? (await build())
const given = flags['against-flags']
const othersFlags = given === 'gates' ? gateless : flagsOf(given)
await using first = await serve(bundle, { nodes: 3 })
await using second = await serve(flags.against ?? bundle, {
  nodes: 3,
  flags: othersFlags,
  nodeFlags: flagsOf(flags['against-node-flags']),
})
const servers = await Promise.all([first, second].map(asPlainUser))

console.log('| What | This (µs) | The other (µs) | Difference |\n| --- | ---: | ---: | ---: |')
for (const name of ['create', 'patch', 'update', 'get'].filter(
  (each) => each === 'create' || flags.only.includes(each),
)) {
  const costs = await compare(tasks[name]!)
  const [own, other] = costs.map(median) as [number, number]
  const ratios = costs[0]!.map((cost, at) => cost / costs[1]![at]! - 1).sort((a, b) => a - b)
  const percent = (at: number) => `${(100 * ratios[Math.floor(at * (ratios.length - 1))]!).toFixed(1)} %`
  console.log(
    `| ${name} | ${own.toFixed(1)} | ${other.toFixed(1)} | ${percent(0.5)} (half of the batches: ${percent(0.25)} to ${percent(0.75)}) |`,
  )
}

interface Asked {
  readonly server: ServedProcess
  readonly api: Api
}

/** Who is no master, so that nothing is passed over for them. */
async function asPlainUser(server: ServedProcess): Promise<Asked> {
  await untilServiceAccount(server.api)
  const metadata = { name: plainUser }
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' }
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: plainUser }]
  await server.api.must('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    body: { metadata, roleRef, subjects },
  })
  return { server, api: await Api.connect(server.api.url, plainToken) }
}

/** Per server the cost of a request in each batch. The first quarter, in which code is still being compiled, does not count. */
async function compare(task: (api: Api, at: number) => Promise<unknown>): Promise<number[][]> {
  const costs: number[][] = [[], []]
  const batches = Number(flags.batches)
  for (let round = 0; round < batches; round++) {
    for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const { server, api } = servers[at]!
      const before = processorUs(server)
      await inFlight(width, batch, (index) => task(api, round * batch + index))
      costs[at]!.push((processorUs(server) - before) / batch)
    }
  }
  return costs.map((each) => each.slice(batches / 4))
}

/** Of all threads, to the nanosecond. */
function processorUs({ pid }: ServedProcess): number {
  const tasksOf = `/proc/${pid}/task`
  const ran = (thread: string) => Number(readFileSync(`${tasksOf}/${thread}/schedstat`, 'utf8').split(' ')[0])
  return readdirSync(tasksOf).reduce((sum, thread) => sum + ran(thread), 0) / 1000
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}
