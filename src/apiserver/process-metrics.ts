import type { Metrics } from '../base/metrics.ts'
import type { Clock } from '../world/world.ts'
import { versionInfo } from './version.ts'

/** What the process itself uses, read off whenever somebody looks; with `version`, also what it is. */
export function addProcessMetrics(metrics: Metrics, clock: Clock, version?: string): void {
  if (version !== undefined) addBuildInfo(metrics, version)
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

/** Alerts compare the versions of all parts of a cluster by it. */
function addBuildInfo(metrics: Metrics, version: string): void {
  const { buildDate, compiler, gitCommit, gitTreeState, gitVersion, goVersion, major, minor, platform } =
    versionInfo(version)
  const labels = {
    build_date: buildDate,
    compiler,
    git_commit: gitCommit,
    git_tree_state: gitTreeState,
    git_version: gitVersion,
    go_version: goVersion,
    major,
    minor,
    platform,
  }
  metrics
    .gauge('kubernetes_build_info', 'What was built, of what, and when.', Object.keys(labels))
    .of(...Object.values(labels).map((value) => value ?? '')).value = 1
}
