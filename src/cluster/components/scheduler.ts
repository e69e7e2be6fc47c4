import { checkFeatureGates, SettingError } from '../../apiserver/feature-gates.ts'
import { addProcessMetrics } from '../../apiserver/process-metrics.ts'
import { Metrics } from '../../base/metrics.ts'
import { CacheSet } from '../../client/cache.ts'
import { toCaches } from '../../reconciler/caches.ts'
import { ConfigurationError, parseConfiguration, type SchedulerSettings } from '../../scheduler/configuration.ts'
import { withContents } from '../../scheduler/extenders/settings.ts'
import { Scheduler } from '../../scheduler/scheduler.ts'
import type { HostWorld } from '../../world/world.ts'
import { kubernetesVersion } from '../cluster.ts'
import { ComponentMetrics } from '../component-metrics.ts'
import { contentOf } from './certificate-files.ts'
import type { Component } from './component.ts'
import { connectComponent, untilServed } from './component-client.ts'
import { componentServerFlags, startComponentServer } from './component-server.ts'
import { type ComponentFlags, commonFlags, type GivenFlags } from './flags.ts'
import { leadAsFlagged, leaderFlags } from './leader-flags.ts'

const flags: ComponentFlags = {
  ...commonFlags,
  ...componentServerFlags(10_259),
  ...leaderFlags('kube-scheduler'),
  kubeconfig: { help: 'how to reach the API server' },
  config: { help: 'file with a KubeSchedulerConfiguration: profiles' },
  master: { help: 'address of the API server instead of the one in the kubeconfig', without: 'the kubeconfig says' },
  'kube-api-qps': { help: 'requests a second', without: 'the API server says how many it takes' },
  'kube-api-burst': { help: 'requests at once', without: 'the API server says how many it takes' },
  'pod-max-in-unschedulable-pods-duration': {
    help: 'how long a pod waits for a change',
    without: 'as in the reference',
  },
}

/** The scheduler as a process of its own. */
export const scheduler: Component = {
  name: 'kube-scheduler',
  summary: 'Run the scheduler, as a static pod or a service does',
  flags,
  example: 'coracle kube-scheduler --kubeconfig=/etc/kubernetes/scheduler.conf --leader-elect=true',
  run,
}

async function run(given: GivenFlags, world: HostWorld, interrupted: Promise<void>): Promise<void> {
  checkFeatureGates(given.text('feature-gates') ?? '')
  const stop = new AbortController()
  const { signal } = stop
  const settings = await settingsOf(given, world)
  const kubeconfig = given.required('kubeconfig')
  const connection = await connectComponent({ world, kubeconfig, userAgent: 'kube-scheduler', signal })
  const { client } = connection
  const metrics = new Metrics()
  addProcessMetrics(metrics, world.clock, kubernetesVersion)
  const { scheduler: meter, ...componentMetrics } = metricsOf(metrics, world)
  // A scheduler that waits knows everything already, so that it goes on at once when its turn comes.
  const caches = toCaches(new CacheSet({ client, ...world, signal }))
  const server = await startComponentServer({ flags: given, world, client, metrics, signal })
  const begin = () =>
    meter.follow(
      new Scheduler({
        client,
        caches,
        world,
        network: world.network,
        host: world.machine.hostName,
        ...settings,
        meter,
      }),
    )
  const asked = new AbortController()
  void interrupted.then(() => asked.abort())
  await untilServed(client, world, asked.signal)
  const lease = given.text('leader-elect-resource-name')!
  const part = leadAsFlagged(given, client, world, componentMetrics.leading(lease, begin))
  await interrupted
  await part.stop()
  stop.abort()
  await server?.close(0)
  await connection[Symbol.asyncDispose]()
}

function metricsOf(metrics: Metrics, world: HostWorld) {
  const all = new ComponentMetrics(metrics, world.clock)
  return { scheduler: all.scheduler, leading: all.leading.bind(all) }
}

async function settingsOf(given: GivenFlags, { disk }: HostWorld): Promise<SchedulerSettings | undefined> {
  const path = given.text('config')
  if (!path) return undefined
  try {
    const settings = parseConfiguration(await contentOf(disk, path))
    return { ...settings, extenders: await withContents(settings.extenders, (file) => contentOf(disk, file)) }
  } catch (error) {
    if (error instanceof ConfigurationError) throw new SettingError(`--config: ${error.message}`)
    throw error
  }
}
