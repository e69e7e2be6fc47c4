/**
 * What the rules of services cost: `unshare --net node bench/layers/proxy.ts [SERVICES]` writes those of so many services with two
 * endpoints each into a network of its own, and then those of one that has changed.
 */
import { startCluster } from '../../src/cluster/cluster.ts'
import { Service } from '../../src/kinds/core/service.ts'
import { EndpointSlice } from '../../src/kinds/discovery/endpoint-slice.ts'
import { ServiceProxy } from '../../src/network/proxy/proxy.ts'
import { hostWorld } from '../../src/world/host.ts'

const count = Number(process.argv[2] ?? 5_000)
const changes = 20
const namespace = 'default'
const ports = [{ port: 80, protocol: 'TCP' }] as const
const world = hostWorld(() => {})
const endpoints = (at: number, size: number) =>
  Array.from({ length: size }, (_, n) => ({ addresses: [`10.${n}.${at >> 8}.${at & 255}`] }))

await using cluster = await startCluster({ apiOnly: true })
for (let at = 0; at < count; at++) {
  const name = `s${at}`
  await cluster.client.create(Service, { metadata: { namespace, name }, spec: { ports } })
  const labels = { 'kubernetes.io/service-name': name }
  await cluster.client.create(EndpointSlice, {
    metadata: { namespace, name, labels },
    addressType: 'IPv4',
    endpoints: endpoints(at, 2),
    ports,
  })
}
const times: number[] = []
const proxy = new ServiceProxy({
  ...world,
  caches: cluster.caches,
  here: { node: 'node1', zone: undefined },
  settings: {
    spread: 'random',
    pods: { cidrs: ['10.0.0.0/8'] },
    masqueradesAll: false,
    masqueradeMark: 0x4000,
    nodePortCidrs: [],
  },
  minSyncMs: 1,
  syncMs: 600_000,
  written: (ms) => times.push(ms),
})
const before = process.cpuUsage()
await proxy.start()
const { user, system } = process.cpuUsage(before)
for (let at = 0; at < changes; at++) {
  const body = { endpoints: endpoints(at, 3) }
  await cluster.client.patch(EndpointSlice, { namespace, name: `s${at}` }, { type: 'merge', body })
  while (times.length < at + 2 || !proxy.isCurrent) await world.clock.after(1)
}
const [first = 0, ...others] = times
const median = others.sort((left, right) => left - right)[others.length >> 1]!
console.log(
  `${count} services: ${first.toFixed(0)} ms, of which ours ${((user + system) / 1000).toFixed(0)} ms; one of them: ${median.toFixed(0)} ms`,
)
await proxy.stop()
