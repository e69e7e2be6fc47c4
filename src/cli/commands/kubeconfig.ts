import { putIntoKubeconfig } from '../../lifecycle/kubeconfig.ts'
import { type Command, UserError } from '../command.ts'
import { dataDirFlag, dataDirOf } from '../flags.ts'
import { adminOf, findRunning } from '../running.ts'
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
    print(putIntoKubeconfig(undefined, await adminOf(world, dataDir, running)).trimEnd())
  },
}
