import { resetSettings } from '../../lifecycle/config/read.ts'
import { lockHost } from '../../lifecycle/init/lock.ts'
import { closingText, resetPhases } from '../../lifecycle/reset/phases.ts'
import { ask } from '../ask.ts'
import { type Command, type CommandContext, type Flag, UserError } from '../command.ts'
import { beginWith, ignoredOf, phaseCommand, processFlags, run, skippedOf, textOf } from '../lifecycle.ts'

/** kubeadm's flags. */
const flags: Readonly<Record<string, Flag>> = {
  ...processFlags,
  certDir: { type: 'string', value: 'DIR', help: 'where certificates are kept (default /etc/kubernetes/pki)' },
  cleanupTmpDir: { type: 'boolean', help: 'cleanup the "/etc/kubernetes/tmp" dir' },
  criSocket: { type: 'string', value: 'SOCKET', help: 'socket of the container runtime' },
  force: { type: 'boolean', short: 'f', help: 'reset the node without prompting for confirmation' },
}

export const reset: Command = {
  name: 'reset',
  summary: 'Undo what "init" or "join" did to this host',
  flags,
  examples: ['reset', 'reset --force', 'reset --dry-run'],
  subcommands: [
    phaseCommand(
      resetPhases,
      'Use this command to invoke single phase of the "reset" workflow',
      flags,
      undefined,
      perform,
    ),
  ],
  run: (context) => perform(context, undefined),
}

async function perform(context: CommandContext, only: string | undefined): Promise<void> {
  const { flags, print } = context
  const { tools, documents } = await beginWith('ResetConfiguration', context)
  const settings = resetSettings(documents, { ...tools, version: tools.program }, (draft) => {
    draft.certificatesDir = textOf(flags, 'certDir') ?? draft.certificatesDir
    draft.criSocket = textOf(flags, 'criSocket') ?? draft.criSocket
    draft.cleanupTmpDir = flags.cleanupTmpDir === true || draft.cleanupTmpDir
  })
  const dryRun = flags.dryRun === true || settings.dryRun === true
  if (only === undefined && !dryRun && flags.force !== true && settings.force !== true) await confirm(tools.warn)
  await using _ = dryRun ? undefined : await lockHost(tools.world, 'reset')
  const skip = skippedOf(flags, settings.skipPhases)
  const data = {
    tools,
    world: tools.world,
    reset: settings,
    ignored: ignoredOf(flags, settings.ignorePreflightErrors),
  }
  await run({ phases: resetPhases, ...(only !== undefined && { only }), skip, dryRun }, data, print)
  if (only === undefined && !dryRun) for (const line of closingText) print(line)
}

async function confirm(warn: (line: string) => void): Promise<void> {
  warn("[reset] WARNING: Changes made to this host by 'coracle init' or 'coracle join' will be reverted.")
  const answer = await ask('[reset] Are you sure you want to proceed? [y/N]: ')
  if (answer?.trim().toLowerCase() !== 'y') throw new UserError('aborted reset operation')
}
