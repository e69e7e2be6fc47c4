import type { HostWorld } from '../../world/world.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import type { Phase } from '../phase.ts'
import { type CheckContext, initChecks } from '../preflight/checks.ts'
import { runChecks } from '../preflight/run.ts'
import { hasRuntime } from '../preflight/runtime.ts'
import type { InitData } from './data.ts'
import { allManifests, type ManifestSource } from './manifests.ts'

export const preflight: Phase<InitData> = {
  name: 'preflight',
  summary: 'Run pre-flight checks',
  run: check,
  // Checks change nothing: a dry run runs them, too.
  async plan(data) {
    await check(data)
    return []
  },
}

async function check(data: InitData): Promise<void> {
  const { tools, options, world, init } = data
  tools.print('[preflight] Running pre-flight checks')
  const manifests = await allManifests(manifestSource(data), world)
  const context: CheckContext = {
    program: tools.program,
    hasRuntime: await hasRuntime(world, init.nodeRegistration.criSocket),
    manifests,
    isOurs: (host) => areOurs(host, manifests),
  }
  await runChecks(initChecks(options.settings, context), tools, { ignored: options.ignored, warn: tools.warn })
}

export const manifestSource = (data: InitData): ManifestSource => ({
  cluster: data.cluster,
  nodeName: data.nodeName,
  endpoint: data.init.localAPIEndpoint,
  timeouts: data.timeouts,
  patches: data.options.patches,
  env: data.tools.env,
})

/** Whether there are manifests on the host, and all of them are what this configuration makes: it is begun already. */
export async function areOurs(
  { disk }: Pick<HostWorld, 'disk'>,
  manifests: Readonly<Record<string, string>>,
): Promise<boolean> {
  const found = await Promise.all(
    Object.entries(manifests).map(async ([component, text]) => {
      const content = await disk.read(manifestPath(component))
      return content === undefined ? undefined : content === text
    }),
  )
  return found.includes(true) && !found.includes(false)
}
