import { upgradeSettings } from '../../../lifecycle/config/read.ts'
import { appliedText, applyPhases } from '../../../lifecycle/upgrade/phases.ts'
import { ask } from '../../ask.ts'
import { type Command, type CommandContext, type Flag, UserError } from '../../command.ts'
import { beginWith, phaseCommand } from '../../lifecycle.ts'
import { performUpgrade } from './perform.ts'
import { hostFlags, optionsOf, versionFlags, versionOf } from './settings.ts'

/** kubeadm's flags. */
const flags: Readonly<Record<string, Flag>> = {
  ...hostFlags,
  ...versionFlags,
  force: {
    type: 'boolean',
    short: 'f',
    help: 'force upgrading although some requirements might not be met; this also implies non-interactive mode',
  },
  yes: { type: 'boolean', short: 'y', help: 'perform the upgrade and do not prompt for confirmation' },
}

export const apply: Command = {
  name: 'apply',
  summary: 'Upgrade your Kubernetes cluster to the specified version, on its first control plane',
  usage: 'VERSION',
  flags,
  examples: ['upgrade apply v1.36.2', 'upgrade apply v1.36.2 --dry-run', 'upgrade apply --config upgrade.yaml --yes'],
  subcommands: [
    phaseCommand(
      applyPhases,
      'Use this command to invoke single phase of the "apply" workflow',
      flags,
      'VERSION',
      perform,
    ),
  ],
  run: (context) => perform(context, undefined),
}

async function perform(context: CommandContext, only: string | undefined): Promise<void> {
  const { flags, args } = context
  const { tools, documents } = await beginWith('UpgradeConfiguration', context)
  const { apply: settings, timeouts } = upgradeSettings(documents)
  const version = versionOf(args, settings.kubernetesVersion, tools)
  if (version === undefined)
    throw new UserError('missing one or more required arguments. Required arguments: [version]', {
      hint: '"coracle upgrade plan" says which one it can be',
      exitCode: 2,
    })
  const options = await optionsOf(flags, { ...settings, timeouts }, tools)
  const isAsked = !options.dryRun && !options.force && flags.yes !== true
  const work = {
    phases: applyPhases,
    options: { ...options, version, ...(isAsked && { confirm }) },
    only,
    skipPhases: settings.skipPhases,
    done: appliedText(version),
  }
  await performUpgrade(work, flags, tools)
}

async function confirm(question: string): Promise<boolean> {
  return /^y(es)?$/i.test(((await ask(question)) ?? '').trim())
}
