import { afterRescue, planRescue, rescue as rescueCertificates } from '../../../lifecycle/pki/rescue.ts'
import type { Command } from '../../command.ts'
import { choosePki, pkiFlags, validityFlag } from './settings.ts'

export const rescue: Command = {
  name: 'rescue',
  summary: 'When everything has expired: make it all anew from the files of this host, without the API',
  flags: {
    ...pkiFlags,
    validity: validityFlag,
    dryRun: { type: 'boolean', help: 'say what would be made, and change nothing' },
  },
  examples: ['coracle certs rescue --dry-run', 'coracle certs rescue'],

  async run(context) {
    const { flags, world, print } = context
    const { settings, set, isLocal } = await choosePki(context, 'rescue')
    const plan = await planRescue(set, settings, world)
    for (const { name } of plan.authorities) print(`${name} has expired: it gets a new certificate for the key it has`)
    print(`made anew: ${plan.names.join(', ')}${plan.kubelet ? ", and the certificate of this host's kubelet" : ''}`)
    if (flags.dryRun) return
    await rescueCertificates(set, settings, world, print)
    print('')
    if (isLocal) return print('Done. Start the cluster again with: coracle up')
    for (const line of afterRescue(plan, settings)) print(line)
  },
}
