import { membersNamed, renewCertificates } from '../../../lifecycle/pki/renew.ts'
import { fileOf, nameOf } from '../../../lifecycle/pki/set.ts'
import { type Command, UserError } from '../../command.ts'
import { choosePki, pkiFlags, validityFlag } from './settings.ts'

export const renew: Command = {
  name: 'renew',
  summary: 'Renew certificates for a Kubernetes cluster: new keys and dates, the same names',
  usage: 'NAME|all',
  flags: {
    ...pkiFlags,
    validity: validityFlag,
    regenerateSans: {
      type: 'boolean',
      help: 'take names and addresses from the configuration instead of the certificate that is there',
    },
    dryRun: { type: 'boolean', help: 'say what would be renewed, and change nothing' },
  },
  examples: ['coracle certs renew all', 'coracle certs renew apiserver --config kubeadm.yaml --regenerate-sans'],

  async run(context) {
    const { args, flags, world, print } = context
    const [name] = args
    if (name === undefined || args.length > 1) {
      throw new UserError('name one certificate, or all', { hint: 'see "coracle certs check-expiration"', exitCode: 2 })
    }
    const { settings, set, isLocal } = await choosePki(context, 'renew')
    const members = membersNamed(set, name)
    if (flags.dryRun) {
      for (const member of members) print(`Would renew the ${member.spec.longName}: ${fileOf(member, settings)}`)
      return
    }
    const regenerateSans = Boolean(flags.regenerateSans)
    const count = await renewCertificates(members, settings, world, { regenerateSans }, print)
    if (count === 0) return
    print('')
    if (isLocal) {
      print('Done renewing certificates. A cluster that runs takes them up by itself: no restart is needed.')
      if (members.some((member) => nameOf(member) === 'admin')) {
        print(
          'The credential in your kubeconfig is still the old one: "coracle up" puts the new one there, "coracle kubeconfig" prints it.',
        )
      }
      return
    }
    print(
      'Done renewing certificates. The kube-apiserver, kube-controller-manager, kube-scheduler and etcd of this host take them up by themselves: no restart is needed.',
    )
  },
}
