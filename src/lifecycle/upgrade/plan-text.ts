import { parseVersion } from '../config/versions.ts'
import { columns } from '../pki/expiry.ts'
import type { AvailableUpgrade, ConfigVersion, UpgradePlan } from './plan.ts'

const line = '_____________________________________________________________________'

/** The plan as kubeadm prints it. */
export function planLines({ availableUpgrades, configVersions }: UpgradePlan): readonly string[] {
  if (availableUpgrades.length === 0) return ["Awesome, you're up-to-date! Enjoy!"]
  return [...availableUpgrades.flatMap(upgradeLines), ...configLines(configVersions)]
}

function upgradeLines({ description, components }: AvailableUpgrade): readonly string[] {
  const target = components.find(({ name }) => name === 'kube-apiserver')?.newVersion ?? ''
  const program = components.find(({ name }) => name === 'kubeadm')
  const table = (isShown: (name: string) => boolean) =>
    columns([
      ['COMPONENT', 'NODE', 'CURRENT', 'TARGET'],
      ...components
        .filter(({ name }) => isShown(name))
        .map(({ name, nodeName = '', currentVersion, newVersion }) => [name, nodeName, currentVersion, newVersion]),
    ])
  return [
    "Components that must be upgraded manually after you have upgraded the control plane with 'coracle upgrade apply':",
    ...table((name) => name === 'kubelet'),
    '',
    `Upgrade to the latest ${description}:`,
    '',
    ...table((name) => name !== 'kubelet' && name !== 'kubeadm'),
    '',
    'You can now apply the upgrade by executing the following command:',
    '',
    `\tcoracle upgrade apply ${target}${flagFor(target)}`,
    '',
    ...(program && program.currentVersion !== program.newVersion
      ? [`Note: Before you can perform this upgrade, you have to update coracle to ${program.newVersion}.`, '']
      : []),
    line,
    '',
  ]
}

/** What has to be said besides for what is no release. */
function flagFor(target: string): string {
  const preRelease = parseVersion(target)?.preRelease ?? ''
  if (preRelease === '') return ''
  return preRelease.startsWith('rc') ? ' --allow-release-candidate-upgrades' : ' --allow-experimental-upgrades'
}

function configLines(configs: readonly ConfigVersion[]): readonly string[] {
  if (configs.length === 0) return ['No information available on component configs.']
  return [
    '',
    'The table below shows the current state of component configs as understood by this version of kubeadm.',
    'Configs that have a "yes" mark in the "MANUAL UPGRADE REQUIRED" column require manual config upgrade or',
    'resetting to kubeadm defaults before a successful upgrade can be performed. The version to manually',
    'upgrade to is denoted in the "PREFERRED VERSION" column.',
    '',
    ...columns([
      ['API GROUP', 'CURRENT VERSION', 'PREFERRED VERSION', 'MANUAL UPGRADE REQUIRED'],
      ...configs.map(({ group, currentVersion, preferredVersion, manualUpgradeRequired }) => [
        group,
        currentVersion || '-',
        preferredVersion,
        manualUpgradeRequired ? 'yes' : 'no',
      ]),
    ]),
    line,
    '',
  ]
}

/** The object of `-o json` and `-o yaml`. */
export const planObject = (plan: UpgradePlan): object => ({
  kind: 'UpgradePlan',
  apiVersion: 'output.kubeadm.k8s.io/v1alpha3',
  ...plan,
})
