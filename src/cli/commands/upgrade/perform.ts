import type { LifecycleTools } from '../../../lifecycle/init/data.ts'
import { removeLeftovers } from '../../../lifecycle/init/leftovers.ts'
import { lockHost } from '../../../lifecycle/init/lock.ts'
import { paths } from '../../../lifecycle/paths.ts'
import type { Phase } from '../../../lifecycle/phase.ts'
import { UpgradeData, type UpgradeOptions } from '../../../lifecycle/upgrade/data.ts'
import type { FlagValues } from '../../command.ts'
import { run, skippedOf } from '../../lifecycle.ts'

export interface UpgradeWork {
  readonly phases: readonly Phase<UpgradeData>[]
  readonly options: UpgradeOptions
  /** One phase; absent: all of them. */
  readonly only: string | undefined
  /** Phases that the configuration leaves out. */
  readonly skipPhases: readonly string[] | undefined
  /** What is said when all is done. */
  readonly done: readonly string[]
}

/** What `apply` and `node` do with their phases. */
export async function performUpgrade(
  { phases, options, only, skipPhases, done }: UpgradeWork,
  flags: FlagValues,
  tools: LifecycleTools,
): Promise<void> {
  const { dryRun } = options
  await using data = new UpgradeData(tools, options)
  await using _ = dryRun ? undefined : await lockHost(tools.world, 'upgrade')
  if (!dryRun) await removeLeftovers(tools.world, paths.certificates)
  const skip = skippedOf(flags, skipPhases)
  await run({ phases, ...(only !== undefined && { only }), skip, dryRun }, data, tools.print)
  if (only !== undefined) return
  for (const line of dryRun ? ['[upgrade/successful] Finished dryrunning successfully!'] : done) tools.print(line)
}
