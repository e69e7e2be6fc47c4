/**
 * Measures what clients notice when the host of etcd's leader is lost, again and again, on three hosts of this machine:
 *
 *   node tools/failover.ts [RUNS]     default: 50; as root, as it makes network namespaces
 *
 * Ends with 1 when an answered write was lost or reads and writes are in no order.
 */
import { type Failover, faults, HighlyAvailableCluster, median } from '../test/support/failover.ts'

const runs = Number(process.argv[2] ?? 50)
const seconds = (ms: number) => (ms / 1000).toFixed(2).padStart(6)
const results: Failover[] = []

await using cluster = await HighlyAvailableCluster.start()
for (let run = 0; run < runs; run++) {
  const result = await cluster.failOver(faults[run % faults.length]!, 2_000)
  results.push(result)
  const { fault, host, gapMs, clientGapMs, answered, lost, disorder, calls } = result
  const faultsFound = [...(lost.length > 0 ? [`lost ${lost.length}`] : []), ...(disorder ? [disorder] : [])].join('; ')
  console.log(
    `${String(run + 1).padStart(3)}  ${fault.padEnd(8)} ${host}  gap ${seconds(gapMs)} s, of one client ${seconds(clientGapMs)} s, ` +
      `${answered} writes answered, ${calls} calls checked  ${faultsFound || 'ok'}`,
  )
}
for (const fault of [...faults, undefined]) {
  const of = results.filter((result) => fault === undefined || result.fault === fault)
  if (of.length === 0) continue
  const gaps = of.map(({ gapMs }) => gapMs)
  const clientGaps = of.map(({ clientGapMs }) => clientGapMs)
  console.log(
    `${(fault ?? 'all').padEnd(8)} ${of.length} runs: gap median ${seconds(median(gaps))} s, worst ${seconds(Math.max(...gaps))} s; ` +
      `of one client median ${seconds(median(clientGaps))} s, worst ${seconds(Math.max(...clientGaps))} s`,
  )
}
const lost = results.reduce((sum, result) => sum + result.lost.length, 0)
const disorders = results.filter(({ disorder }) => disorder !== undefined).length
console.log(
  `answered writes lost: ${lost}; histories out of order: ${disorders}; processes that ended by themselves: ${cluster.crashes.length}`,
)
for (const crash of cluster.crashes.slice(0, 3)) console.log(crash.slice(0, 3_000))
process.exitCode = lost + disorders > 0 ? 1 : 0
