import type { ClusterConfiguration } from '../config/types.ts'
import { LifecycleError } from '../failure.ts'
import { criSocketOf } from '../init/node-agent.ts'
import type { Phase } from '../phase.ts'
import { upgradeChecks } from '../preflight/checks.ts'
import { runChecks } from '../preflight/run.ts'
import { hasRuntime } from '../preflight/runtime.ts'
import { clusterVersion, kubeletVersions } from './cluster-versions.ts'
import type { UpgradeData } from './data.ts'
import { healthChecks } from './health.ts'
import { policyFaults } from './policy.ts'

/** Checks change nothing: a dry run runs them, too. */
const checking = (name: string, summary: string, check: (data: UpgradeData) => Promise<void>): Phase<UpgradeData> => ({
  name,
  summary,
  run: check,
  async plan(data) {
    await check(data)
    return []
  },
})

export const applyPreflight: Phase<UpgradeData> = checking(
  'preflight',
  'Run preflight checks before upgrade',
  async (data) => {
    const cluster = await data.cluster()
    data.print('[upgrade/preflight] Running preflight checks')
    await checkHost(data)
    await checkHealth(data, cluster)
    await requirePolicy(data, cluster.kubernetesVersion)
    if (data.options.confirm && !(await data.options.confirm('[upgrade] Are you sure you want to proceed? [y/N]: ')))
      throw new LifecycleError("won't proceed; the user didn't answer (Y|y) in order to continue", {
        hint: 'nothing was changed; --yes answers for you',
      })
  },
)

export const nodePreflight: Phase<UpgradeData> = checking(
  'preflight',
  'Run upgrade node pre-flight checks',
  async (data) => {
    await data.cluster()
    data.print('[upgrade/preflight] Running pre-flight checks')
    await checkHost(data)
    if (!(await data.isControlPlane())) data.print('[upgrade/preflight] Skipping prepull. Not a control plane node.')
  },
)

/** Whether an upgrade may be made on this host. */
export async function checkHost({ tools, world, options }: UpgradeData): Promise<void> {
  const isReal = await hasRuntime(world, await criSocketOf(world))
  await runChecks(upgradeChecks(isReal), tools, { ignored: options.ignored, warn: tools.warn })
}

/** Whether the cluster is well enough to be upgraded. */
export async function checkHealth(data: UpgradeData, cluster: ClusterConfiguration): Promise<void> {
  const { tools, options, patience, print } = data
  print('[upgrade] Running cluster health checks')
  const health = { client: await data.client(), cluster, patience, dryRun: options.dryRun, print }
  await runChecks(healthChecks(health), tools, { ignored: options.ignored, warn: tools.warn })
}

async function requirePolicy(data: UpgradeData, target: string): Promise<void> {
  const { print, tools, options } = data
  print(`[upgrade/preflight] You have chosen to upgrade the cluster version to ${JSON.stringify(target)}`)
  const cluster = await data.ask(clusterVersion)
  print(`[upgrade/versions] Cluster version: ${cluster}`)
  print(`[upgrade/versions] kubeadm version: ${tools.program}`)
  const kubelets = (await data.ask(kubeletVersions)).map(({ version }) => version)
  const { mandatory, skippable } = policyFaults({ ...options, target, cluster, program: tools.program, kubelets })
  if (mandatory.length > 0)
    throw new LifecycleError(
      `the version argument is invalid due to these fatal errors:\n\n${listed(mandatory)}\nPlease fix the misalignments highlighted above and try upgrading again`,
    )
  if (skippable.length === 0) return
  if (!options.force)
    throw new LifecycleError(
      `the version argument is invalid due to these errors:\n\n${listed(skippable)}\nCan be bypassed if you pass the --force flag`,
    )
  print(
    `[upgrade/preflight] Found ${skippable.length} potential version compatibility errors but skipping since the --force flag is set:`,
  )
  print(`\n${listed(skippable)}`)
}

const listed = (faults: readonly string[]) => faults.map((fault) => `\t- ${fault}\n`).join('')
