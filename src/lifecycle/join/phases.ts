import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import { controlPlaneJoin, waitControlPlane } from './control-plane-join.ts'
import { controlPlanePrepare } from './control-plane-prepare.ts'
import type { JoinData } from './data.ts'
import { checkEtcd, etcdJoin } from './etcd.ts'
import { kubeletStart, kubeletWaitBootstrap } from './kubelet.ts'
import { preflight } from './preflight.ts'

/** The phases of `join`, in their order; on a worker those of control planes have nothing to do. */
export const joinPhases: readonly Phase<JoinData>[] = [
  preflight,
  controlPlanePrepare,
  checkEtcd,
  kubeletStart,
  etcdJoin,
  kubeletWaitBootstrap,
  controlPlaneJoin,
  waitControlPlane,
]

/** What is said when all is done. */
export async function joinedText(data: JoinData): Promise<readonly string[]> {
  if (!data.join.controlPlane)
    return [
      '',
      'This node has joined the cluster:',
      '* Certificate signing request was sent to apiserver and a response was received.',
      '* The Kubelet was informed of the new secure connection details.',
      '',
      "Run 'kubectl get nodes' on the control-plane to see this node join the cluster.",
      '',
    ]
  const { etcd } = await data.cluster()
  return [
    '',
    'This node has joined the cluster and a new control plane instance was created:',
    '',
    '* Certificate signing request was sent to apiserver and approval was received.',
    '* The Kubelet was informed of the new secure connection details.',
    '* Control plane label and taint were applied to the new node.',
    '* The Kubernetes control plane instances scaled up.',
    ...(etcd.external ? [] : ['* A new etcd member was added to the local/stacked etcd cluster.']),
    '',
    'To start administering your cluster from this node, you need to run the following as a regular user:',
    '',
    '\tmkdir -p $HOME/.kube',
    `\tsudo cp -i ${paths.adminKubeconfig} $HOME/.kube/config`,
    '\tsudo chown $(id -u):$(id -g) $HOME/.kube/config',
    '',
    "Run 'kubectl get nodes' to see this node join the cluster.",
    '',
  ]
}
