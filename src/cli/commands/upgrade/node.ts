import { upgradeSettings } from '../../../lifecycle/config/read.ts'
import { nodePhases, nodeText } from '../../../lifecycle/upgrade/phases.ts'
import type { Command, CommandContext } from '../../command.ts'
import { beginWith, phaseCommand } from '../../lifecycle.ts'
import { performUpgrade } from './perform.ts'
import { hostFlags, optionsOf } from './settings.ts'

export const node: Command = {
  name: 'node',
  summary: 'Upgrade a host after the first one: another control plane, or a worker',
  flags: hostFlags,
  examples: ['upgrade node', 'upgrade node --dry-run', 'upgrade node phase kubelet-config'],
  subcommands: [
    phaseCommand(
      nodePhases,
      'Use this command to invoke single phase of the "node" workflow',
      hostFlags,
      undefined,
      perform,
    ),
  ],
  run: (context) => perform(context, undefined),
}

async function perform(context: CommandContext, only: string | undefined): Promise<void> {
  const { flags } = context
  const { tools, documents } = await beginWith('UpgradeConfiguration', context)
  const { node: settings, timeouts } = upgradeSettings(documents)
  const work = {
    phases: nodePhases,
    options: await optionsOf(flags, { ...settings, timeouts }, tools),
    only,
    skipPhases: settings.skipPhases,
    done: [nodeText],
  }
  await performUpgrade(work, flags, tools)
}
