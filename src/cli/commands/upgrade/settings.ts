import type { UpgradeConfiguration } from '../../../lifecycle/config/types.ts'
import { resolveVersion } from '../../../lifecycle/config/versions.ts'
import type { LifecycleTools } from '../../../lifecycle/init/data.ts'
import type { UpgradeOptions } from '../../../lifecycle/upgrade/data.ts'
import { type Flag, type FlagValues, UserError } from '../../command.ts'
import { absolute } from '../../flags.ts'
import { ignoredOf, patchesOf, processFlags, textOf } from '../../lifecycle.ts'

/** A switch that may be on without being given: `--etcd-upgrade=false`. */
const onOrOff = (help: string) => ({ type: 'string', value: 'BOOL', implied: 'true', help }) as const

const { skipPhases, ...flagsOfAll } = processFlags

const commonFlags = {
  ...flagsOfAll,
  kubeconfig: {
    type: 'string',
    value: 'FILE',
    help: 'kubeconfig for the cluster (default /etc/kubernetes/admin.conf, on workers that of the kubelet)',
  },
} as const satisfies Record<string, Flag>

/** Of `apply` and `node`. */
export const hostFlags = {
  ...commonFlags,
  skipPhases,
  certificateRenewal: onOrOff('perform the renewal of certificates used by components changed (default true)'),
  etcdUpgrade: onOrOff('perform the upgrade of etcd (default true)'),
  patches: { type: 'string', value: 'DIR', help: 'folder with patches of what is deployed' },
} as const satisfies Record<string, Flag>

/** Of `apply` and `plan`. */
export const versionFlags = {
  ...commonFlags,
  allowExperimentalUpgrades: onOrOff('allow upgrading to an alpha, beta or release candidate version'),
  allowReleaseCandidateUpgrades: onOrOff('allow upgrading to a release candidate version'),
  printConfig: onOrOff('print the configuration that will be used in the upgrade'),
} as const satisfies Record<string, Flag>

/** What a switch says, or the configuration where it is not given. */
export function switchOf(flags: FlagValues, name: string, configured = false): boolean {
  const text = textOf(flags, name)
  if (text === undefined) return configured
  if (/^(true|t|1)$/i.test(text)) return true
  if (/^(false|f|0)$/i.test(text)) return false
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw new UserError(
    `invalid argument ${JSON.stringify(text)} for "--${flag}" flag: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
    { exitCode: 2 },
  )
}

type Part = Partial<UpgradeConfiguration['apply'] & UpgradeConfiguration['plan']>

/** What flags and the part of the configuration for one command say. */
export async function optionsOf(
  flags: FlagValues,
  { timeouts, ...part }: Part & Pick<UpgradeConfiguration, 'timeouts'>,
  tools: LifecycleTools,
): Promise<UpgradeOptions> {
  const kubeconfig = textOf(flags, 'kubeconfig')
  return {
    timeouts,
    dryRun: flags.dryRun === true || part.dryRun === true,
    certificateRenewal: switchOf(flags, 'certificateRenewal', part.certificateRenewal),
    etcdUpgrade: switchOf(flags, 'etcdUpgrade', part.etcdUpgrade),
    force: flags.force === true || part.forceUpgrade === true,
    allowExperimentalUpgrades: switchOf(flags, 'allowExperimentalUpgrades', part.allowExperimentalUpgrades),
    allowReleaseCandidateUpgrades: switchOf(flags, 'allowReleaseCandidateUpgrades', part.allowRCUpgrades),
    printConfig: switchOf(flags, 'printConfig', part.printConfig),
    ignored: ignoredOf(flags, part.ignorePreflightErrors),
    patches: await patchesOf(flags, part.patches?.directory, tools),
    ...(kubeconfig !== undefined && { kubeconfig: absolute(kubeconfig) }),
  }
}

/** The version that is asked for, as an argument or by the configuration; nothing when none is. */
export function versionOf(
  args: readonly string[],
  configured: string | undefined,
  { program, warn }: LifecycleTools,
): string | undefined {
  const [text = configured, ...others] = args
  if (others.length > 0) throw new UserError(`one version is expected, not ${args.length}`, { exitCode: 2 })
  return text ? resolveVersion(text, { version: program, warn }) : undefined
}
