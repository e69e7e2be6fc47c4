import { putIntoKubeconfig } from '../../lifecycle/kubeconfig.ts'
import { type Command, UserError } from '../command.ts'
import { contextName, dataDirFlag, dataDirOf } from '../flags.ts'
import { findRunning } from '../running.ts'
import { kubeconfigUser } from './kubeconfig-user.ts'

export const kubeconfig: Command = {
  name: 'kubeconfig',
  summary: "Print the administrator's kubeconfig of the running cluster",
  flags: { dataDir: dataDirFlag },
  examples: ['coracle kubeconfig > admin.conf', 'coracle kubeconfig user --client-name jane > jane.conf'],
  subcommands: [kubeconfigUser],

  async run({ world, print, ...context }) {
    const dataDir = dataDirOf(context)
    const running = await findRunning(world, dataDir)
    if (!running) throw new UserError(`no cluster is running on ${dataDir}`, { hint: 'start one with: coracle up' })
    const [certificate, key] = await Promise.all(
      ['crt', 'key'].map((ending) => world.disk.read(`${dataDir}/pki/admin.${ending}`)),
    )
    if (!certificate || !key)
      throw new UserError(`${dataDir}/pki lacks the administrator's certificate`, {
        hint: 'restart the cluster; it makes a new one',
      })
    const entry = { name: contextName, server: running.url, certificateAuthority: running.certificateAuthority }
    print(putIntoKubeconfig(undefined, { ...entry, clientCertificate: certificate, clientKey: key }).trimEnd())
  },
}
