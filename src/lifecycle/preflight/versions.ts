import { parseVersion, versionWarnings } from '../config/versions.ts'
import { type Check, warningOf } from './check.ts'

/** Whether this program may make a cluster of that version. */
export function kubernetesVersion(asked: string, program: string): Check {
  return {
    name: 'KubernetesVersion',
    async run() {
      return versionWarnings(asked, program).flatMap((message) => warningOf(message))
    },
  }
}

/** Whether a node of this program suits a cluster: a kubelet is not newer than its API servers. */
export function kubeletVersion(clusterVersion: string, program: string): Check {
  return {
    name: 'KubeletVersion',
    async run() {
      const [cluster, own] = [parseVersion(clusterVersion), parseVersion(program)!]
      if (!cluster || own.minor <= cluster.minor) return []
      return warningOf(
        `the kubelet version is higher than the control plane version. This is not a supported version skew and may lead to a malfunctional cluster. Kubelet version: ${JSON.stringify(program.slice(1))} Control plane version: ${JSON.stringify(clusterVersion.slice(1))}`,
      )
    },
  }
}
