import { compareVersions, parseVersion, type Version } from '../config/versions.ts'

/** What decides whether a cluster may be brought to a version. */
export interface UpgradeQuestion {
  /** `v1.36.2` */
  readonly target: string
  /** Of the oldest API server. */
  readonly cluster: string
  /** Of this program. */
  readonly program: string
  /** Of all nodes. */
  readonly kubelets: readonly string[]
  readonly allowExperimentalUpgrades: boolean
  readonly allowReleaseCandidateUpgrades: boolean
}

/** What stands against an upgrade, in kubeadm's words. */
export interface PolicyFaults {
  readonly mandatory: readonly string[]
  /** Those that `--force` passes over. */
  readonly skippable: readonly string[]
}

const minorsUpAtOnce = 1
const minorsDownAtOnce = 1
/** How far kubelets may be behind their API servers. */
const kubeletSkew = 3

/**
 * The policy of version skew. Two rules of kubeadm's are left out: that versions have to be newer than a certain one,
 * since the processes are this program's whatever their images say, and what it says of versions that it cannot read.
 */
export function policyFaults(question: UpgradeQuestion): PolicyFaults {
  const faults = { mandatory: [] as string[], skippable: [] as string[] }
  const target = parseVersion(question.target)!
  for (const rule of [upgradeSkew, downgradeSkew, programSkew, stability, kubeletsTooOld]) {
    const fault = rule(target, question)
    if (fault === undefined) continue
    const isMandatory = fault.severity === 'mandatory' && target.preRelease === ''
    faults[isMandatory ? 'mandatory' : 'skippable'].push(fault.message)
  }
  const program = parseVersion(question.program)!
  if (program.major > target.major || program.minor > target.minor)
    faults.skippable.push(
      `Kubeadm version ${question.program} can only be used to upgrade to Kubernetes version ${program.major}.${program.minor}`,
    )
  return faults
}

/** Faults that are mandatory can be passed over all the same where no release is meant. */
interface Fault {
  readonly severity: 'mandatory' | 'skippable'
  readonly message: string
}

type Rule = (target: Version, question: UpgradeQuestion) => Fault | undefined

const upgradeSkew: Rule = ({ minor }, { target, cluster }) => {
  if (minor <= parseVersion(cluster)!.minor + minorsUpAtOnce) return undefined
  return {
    severity: 'mandatory',
    message: `Specified version to upgrade to ${q(target)} is too high; kubeadm can upgrade only ${minorsUpAtOnce} minor version at a time`,
  }
}

const downgradeSkew: Rule = ({ minor }, { target, cluster }) => {
  if (minor >= parseVersion(cluster)!.minor - minorsDownAtOnce) return undefined
  return {
    severity: 'mandatory',
    message: `Specified version to downgrade to ${q(target)} is too low; kubeadm can downgrade only ${minorsDownAtOnce} minor version at a time`,
  }
}

const programSkew: Rule = (asked, { target, program }) => {
  const own = parseVersion(program)!
  if (compareVersions(own, asked) >= 0) return undefined
  if (asked.minor > own.minor)
    return {
      severity: 'mandatory',
      message: `Specified version to upgrade to ${q(target)} is at least one minor release higher than the kubeadm minor release (${asked.minor} > ${own.minor}). Such an upgrade is not supported`,
    }
  return {
    severity: 'skippable',
    message: `Specified version to upgrade to ${q(target)} is higher than the kubeadm version ${q(program)}. Upgrade kubeadm first using the tool you used to install kubeadm`,
  }
}

const stability: Rule = ({ preRelease }, question) => {
  const { target, allowExperimentalUpgrades, allowReleaseCandidateUpgrades } = question
  if (preRelease === '' || allowExperimentalUpgrades) return undefined
  if (preRelease.startsWith('rc') && allowReleaseCandidateUpgrades) return undefined
  return {
    severity: 'skippable',
    message: `Specified version to upgrade to ${q(target)} is an unstable version and such upgrades weren't allowed via setting the --allow-*-upgrades flags`,
  }
}

const kubeletsTooOld: Rule = ({ minor }, { kubelets }) => {
  const tooOld = [...new Set(kubelets)].filter((version) => minor > (parseVersion(version)?.minor ?? 0) + kubeletSkew)
  if (tooOld.length === 0) return undefined
  return {
    severity: 'skippable',
    message: `There are kubelets in this cluster that are too old that have these versions [${tooOld.join(' ')}]`,
  }
}

const q = (text: string) => JSON.stringify(text)
