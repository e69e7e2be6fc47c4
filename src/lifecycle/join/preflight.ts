import { LifecycleError } from '../failure.ts'
import type { Phase } from '../phase.ts'
import { sharedCertificateFaults } from '../pki/create.ts'
import { type CheckContext, joinChecks, joinControlPlaneChecks } from '../preflight/checks.ts'
import { runChecks } from '../preflight/run.ts'
import { hasRuntime } from '../preflight/runtime.ts'
import { kubeletVersion } from '../preflight/versions.ts'
import type { JoinData } from './data.ts'

export const preflight: Phase<JoinData> = {
  name: 'preflight',
  summary: 'Run join pre-flight checks',
  run: check,
  async plan(data) {
    await check(data)
    return []
  },
}

async function check(data: JoinData): Promise<void> {
  const { tools, options, world, join } = data
  tools.print('[preflight] Running pre-flight checks')
  const context: CheckContext = {
    program: tools.program,
    hasRuntime: await hasRuntime(world, join.nodeRegistration.criSocket),
    manifests: {},
    isOurs: () => data.isBegun(),
  }
  const reporting = { ignored: options.ignored, warn: tools.warn }
  await runChecks(joinChecks(join, context), tools, reporting)
  const cluster = await data.cluster()
  await runChecks([kubeletVersion(cluster.kubernetesVersion, tools.program)], tools, reporting)
  if (!join.controlPlane) return
  await requireReadyForControlPlane(data)
  tools.print('[preflight] Running pre-flight checks before initializing the new control plane instance')
  await runChecks(joinControlPlaneChecks({ join, cluster }, context), tools, reporting)
}

/** Another control plane needs an address that stays, and what control planes share. */
async function requireReadyForControlPlane(data: JoinData): Promise<void> {
  const cluster = await data.cluster()
  if (cluster.controlPlaneEndpoint === '')
    throw notReady(
      "unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address",
      'on the first control plane, set controlPlaneEndpoint in the configuration and run "coracle init phase upload-config kubeadm --config FILE", "coracle init phase certs apiserver" (after moving the old one away), and "coracle init phase kubeconfig all"',
    )
  if (data.controlPlane.certificateKey) return
  const faults = await sharedCertificateFaults(await data.pki(), data.world.disk)
  if (faults.length > 0)
    throw notReady(
      `[${faults.join(', ')}]`,
      'on a control plane run "coracle init phase upload-certs --upload-certs", and give the key that it prints with --certificate-key; or copy the files to this host',
    )
}

const notReady = (why: string, hint: string) =>
  new LifecycleError(
    [
      'One or more conditions for hosting a new control plane instance is not satisfied.',
      '',
      why,
      '',
      'Please ensure that:',
      '* The cluster has a stable controlPlaneEndpoint address.',
      '* The certificates that must be shared among control plane instances are provided.',
      '',
    ].join('\n'),
    { hint },
  )
