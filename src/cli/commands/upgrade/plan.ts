import { goYaml } from '../../../base/go-yaml.ts'
import { upgradeSettings } from '../../../lifecycle/config/read.ts'
import { compareVersions, parseVersion } from '../../../lifecycle/config/versions.ts'
import { UpgradeData } from '../../../lifecycle/upgrade/data.ts'
import { planOf, readState, seriesOf } from '../../../lifecycle/upgrade/plan.ts'
import { planLines, planObject } from '../../../lifecycle/upgrade/plan-text.ts'
import { policyFaults } from '../../../lifecycle/upgrade/policy.ts'
import { checkHealth, checkHost } from '../../../lifecycle/upgrade/preflight.ts'
import { type Command, type CommandContext, UserError } from '../../command.ts'
import { beginWith } from '../../lifecycle.ts'
import { optionsOf, versionFlags, versionOf } from './settings.ts'

export const plan: Command = {
  name: 'plan',
  summary: 'Check which version can be upgraded to, and validate whether the cluster is upgradeable',
  usage: '[VERSION]',
  flags: {
    ...versionFlags,
    output: { type: 'string', value: 'FORMAT', short: 'o', default: 'text', help: 'text, json or yaml' },
  },
  examples: ['upgrade plan', 'upgrade plan v1.36.1', 'upgrade plan -o json'],
  run: perform,
}

async function perform(context: CommandContext): Promise<void> {
  const { flags, args, print } = context
  const format = flags.output as string
  if (!['text', 'json', 'yaml'].includes(format))
    throw new UserError(`--output knows text, json and yaml, not "${format}"`, { exitCode: 2 })
  // What is for programs is that alone.
  const told = format === 'text' ? context : { ...context, print: () => {} }
  const { tools, documents } = await beginWith('UpgradeConfiguration', told)
  const { plan: settings, timeouts } = upgradeSettings(documents)
  const asked = versionOf(args, settings.kubernetesVersion, tools)
  const options = await optionsOf(flags, { ...settings, timeouts }, tools)
  await using data = new UpgradeData(tools, { ...options, prefix: '[upgrade/config]' })
  data.print('[preflight] Running pre-flight checks.')
  await checkHost(data)
  const cluster = await data.cluster()
  await checkHealth(data, cluster)
  const state = await data.ask((client) => readState(client, cluster))
  const target = tellVersions(state.version, asked, data)
  const kubelets = state.kubelets.map(({ version }) => version)
  const question = { ...options, target, cluster: state.version, program: tools.program, kubelets }
  for (const fault of policyFaults(question).mandatory) tools.warn(`[upgrade/versions] WARNING: ${fault}`)
  const found = planOf(state, { cluster, target, program: tools.program })
  if (format === 'text') for (const line of planLines(found)) print(line)
  else if (format === 'json') print(JSON.stringify(planObject(found), undefined, 4))
  else print(goYaml(planObject(found)).trimEnd())
}

/** Nobody is asked over the network what the newest version is: it is that of this program. */
function tellVersions(current: string, asked: string | undefined, { tools, print }: UpgradeData): string {
  const { program, warn } = tools
  print('[upgrade] Fetching available versions to upgrade to')
  print(`[upgrade/versions] Cluster version: ${current.slice(1)}`)
  print(`[upgrade/versions] kubeadm version: ${program}`)
  if (asked === undefined) {
    warn('could not fetch a Kubernetes version from the internet: nobody is asked')
    warn(`falling back to the local client version: ${program}`)
  }
  const target = asked ?? program
  print(`[upgrade/versions] Target version: ${target}`)
  const [older, newer] = [parseVersion(current)!, parseVersion(target)!]
  if (older.minor === newer.minor && compareVersions(older, newer) <= 0)
    print(`[upgrade/versions] Latest version in the ${seriesOf(current)} series: ${target}`)
  print('')
  return target
}
