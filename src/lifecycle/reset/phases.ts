import type { Phase } from '../phase.ts'
import { resetChecks } from '../preflight/checks.ts'
import { runChecks } from '../preflight/run.ts'
import type { ResetData } from './data.ts'
import { removeEtcdMember } from './etcd.ts'
import { cleanupNetwork } from './network.ts'
import { cleanupNode } from './node.ts'

const preflight: Phase<ResetData> = {
  name: 'preflight',
  summary: 'Run reset pre-flight checks',
  run: check,
  async plan(data) {
    await check(data)
    return []
  },
}

async function check({ tools, ignored }: ResetData): Promise<void> {
  tools.print('[preflight] Running pre-flight checks')
  await runChecks(resetChecks, tools, { ignored, warn: tools.warn })
}

/** The phases of `reset`, in their order. */
export const resetPhases: readonly Phase<ResetData>[] = [preflight, removeEtcdMember, cleanupNode, cleanupNetwork]

/** What is left for people to do. */
export const closingText: readonly string[] = [
  '',
  'The reset process does not perform cleanup of CNI plugin configuration',
  '(/etc/cni/net.d) and kubeconfig files ($HOME/.kube/config). The Node object,',
  'if there is a cluster left, is deleted with: kubectl delete node NAME',
  '',
  'For information on how to perform this cleanup manually, please see:',
  '    https://k8s.io/docs/reference/setup-tools/kubeadm/kubeadm-reset/',
  '',
]
