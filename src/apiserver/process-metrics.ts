import type { Metrics } from '../base/metrics.ts'
import type { Clock } from '../world/world.ts'

/** What the process itself uses, read off whenever somebody looks. */
export function addProcessMetrics(metrics: Metrics, clock: Clock): void {
  const processor = metrics.counter('process_cpu_seconds_total', 'Processor time that the process has used.').of()
  const resident = metrics.gauge('process_resident_memory_bytes', 'Memory that the process holds.').of()
  const heap = metrics.gauge('process_heap_bytes', 'Memory that objects take.').of()
  metrics.gauge('process_start_time_seconds', 'When the process began, in seconds since 1970.').of().value =
    clock.now() / 1000
  metrics.beforePrinting(() => {
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed } = process.memoryUsage()
    processor.value = (user + system) / 1e6
    resident.value = rss
    heap.value = heapUsed
  })
}
