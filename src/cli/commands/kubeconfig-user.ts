import { readAuthority } from '../../lifecycle/pki/create.ts'
import { userKubeconfig, writeKubeconfig } from '../../lifecycle/pki/kubeconfigs.ts'
import { clusterEndpoint } from '../../lifecycle/pki/settings.ts'
import { authorities } from '../../lifecycle/pki/specs.ts'
import { type Command, type CommandContext, UserError } from '../command.ts'
import { absolute, contextName } from '../flags.ts'
import { findRunning } from '../running.ts'
import { choosePki, pkiFlags, validityOf } from './certs/settings.ts'

export const kubeconfigUser: Command = {
  name: 'user',
  summary: 'Print a kubeconfig for an additional user, with a certificate of its own or a token',
  flags: {
    clientName: { type: 'string', value: 'NAME', help: 'name of the user: the CN of its certificate' },
    org: { type: 'string', value: 'GROUP', repeated: true, help: 'a group of the user: an O of its certificate' },
    token: { type: 'string', value: 'TOKEN', help: 'use this token instead of a certificate' },
    validityPeriod: {
      type: 'string',
      value: 'DURATION',
      default: '8760h0m0s',
      help: 'how long the certificate is valid, from now on',
    },
    ...pkiFlags,
  },
  examples: [
    'coracle kubeconfig user --client-name jane --org developers --validity-period 720h > jane.conf',
    'coracle kubeconfig user --client-name jane --config kubeadm.yaml',
  ],

  async run(context) {
    const { flags, world, print } = context
    const user = flags.clientName as string | undefined
    if (!user) throw new UserError('required flag(s) "client-name" not set', { exitCode: 2 })
    const { settings: found, isLocal } = await choosePki({ ...context, print: () => {} }, 'kubeconfig')
    const settings = { ...found, ...validityOf(flags.validityPeriod), ...(isLocal && { clusterName: contextName }) }
    const server = isLocal ? await runningServer(context) : clusterEndpoint(settings)
    const authority = await readAuthority(authorities[0]!, settings, world.disk)
    const organizations = ((flags.org as string | undefined) ?? '').split(',').filter(Boolean)
    const token = flags.token as string | undefined
    if (token === undefined)
      return print(userKubeconfig({ user, organizations, server }, settings, authority, world).trimEnd())
    const { clusterName } = settings
    const content = { clusterName, server, certificateAuthority: authority.certificate, user }
    print(writeKubeconfig({ ...content, credential: { token } }).trimEnd())
  },
}

async function runningServer({ flags, world }: CommandContext): Promise<string> {
  const dataDir = absolute(flags.dataDir as string)
  const running = await findRunning(world, dataDir)
  if (running) return running.url
  throw new UserError(`no cluster is running on ${dataDir}`, {
    hint: `start it with: coracle up --data-dir ${dataDir}`,
  })
}
