import type { Client } from '../../client/client.ts'
import { Job } from '../../kinds/batch/job.ts'
import { Node } from '../../kinds/core/node.ts'
import { controlPlaneLabel } from '../config/defaults.ts'
import { imageVersions } from '../config/images.ts'
import type { ClusterConfiguration } from '../config/types.ts'
import { LifecycleError } from '../failure.ts'
import { insist, isPassing, type Patience } from '../init/patient.ts'
import { controlPlaneComponents } from '../manifests/control-plane.ts'
import { manifestPath } from '../manifests/static-pod.ts'
import { type Check, errorOf, fine, warningOf } from '../preflight/check.ts'

/** Whether a cluster is well enough to be upgraded. */
export interface ClusterHealth {
  readonly client: Client
  readonly cluster: ClusterConfiguration
  readonly patience: Patience
  /** Then nothing is made, to see whether it works. */
  readonly dryRun: boolean
  print(line: string): void
}

/** kubeadm's checks, in its order. */
export const healthChecks = (health: ClusterHealth): readonly Check[] => [
  createJob(health),
  controlPlaneNodesReady(health),
  staticPodManifest,
]

const jobPrefix = 'upgrade-health-check'
const namespace = 'kube-system'
const secondsAfterJob = 120

/** Whether what is wanted gets done: by controllers, scheduler, and a kubelet. */
const createJob = ({ client, cluster, patience, dryRun, print }: ClusterHealth): Check => ({
  name: 'CreateJob',
  async run() {
    if (dryRun) {
      print(
        `[upgrade/health] Would create the Job with the prefix "${jobPrefix}" in namespace "${namespace}" and wait until it completes`,
      )
      return fine
    }
    const schedulable = async () => (await client.list(Node)).items.some(({ spec }) => spec?.unschedulable !== true)
    if (!(await insist(schedulable, isPassing, patience)))
      return warningOf('it was skipped because there are no schedulable Nodes in the cluster')
    const { metadata } = await insist(() => client.create(Job, jobOf(cluster)), isPassing, patience)
    const name = metadata.name!
    try {
      await insist(() => requireComplete(client, name), isUnfinished, patience)
      return fine
    } catch (error) {
      return errorOf(
        `Job ${JSON.stringify(name)} in the namespace "${namespace}" did not complete in ${patience.timeout}: ${(error as Error).message}`,
        `see "kubectl -n ${namespace} describe job ${name}", and whether kube-scheduler and kube-controller-manager run`,
      )
    }
  },
})

class UnfinishedError extends LifecycleError {}

const isUnfinished = (error: unknown) => error instanceof UnfinishedError || isPassing(error)

async function requireComplete(client: Client, name: string): Promise<void> {
  const { status } = await client.get(Job, { namespace, name })
  if (!status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True'))
    throw new UnfinishedError('no condition of type Complete')
}

const jobOf = ({ imageRepository }: ClusterConfiguration) => ({
  metadata: { generateName: `${jobPrefix}-`, namespace },
  spec: {
    backoffLimit: 0,
    ttlSecondsAfterFinished: secondsAfterJob,
    template: {
      spec: {
        restartPolicy: 'Never' as const,
        securityContext: { runAsUser: 999, runAsGroup: 999, runAsNonRoot: true },
        tolerations: [{ key: controlPlaneLabel, effect: 'NoSchedule' as const }],
        containers: [{ name: jobPrefix, image: `${imageRepository}/pause:${imageVersions.pause}`, args: ['-v'] }],
      },
    },
  },
})

const controlPlaneNodesReady = ({ client, patience }: ClusterHealth): Check => ({
  name: 'ControlPlaneNodesReady',
  async run() {
    const list = () => client.list(Node, { labelSelector: `${controlPlaneLabel}=` })
    const { items } = await insist(list, isPassing, patience)
    const notReady = items.filter(
      ({ status }) => !status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    )
    if (notReady.length === 0) return fine
    const names = notReady.map(({ metadata }) => metadata.name).join(' ')
    return errorOf(
      `there are NotReady control-planes in the cluster: [${names}]`,
      'bring them back first; or take those that are gone for good out of the cluster: kubectl delete node NAME',
    )
  },
})

const staticPodManifest: Check = {
  name: 'StaticPodManifest',
  async run({ world: { disk } }) {
    const found = await Promise.all(controlPlaneComponents.map((component) => disk.stat(manifestPath(component))))
    const missing = controlPlaneComponents.filter((_, at) => found[at] === undefined).map((each) => manifestPath(each))
    if (missing.length === 0) return fine
    return errorOf(
      `The control plane seems to be Static Pod-hosted, but some of the manifests don't seem to exist on disk. This probably means you're running 'coracle upgrade' on a remote machine, which is not supported for a Static Pod-hosted cluster. Manifest files not found: [${missing.join(' ')}]`,
      'run it on a control plane; workers are upgraded with "coracle upgrade node"',
    )
  },
}
