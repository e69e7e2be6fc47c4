import { goYaml } from '../../base/go-yaml.ts'
import type { Client } from '../../client/client.ts'
import { ConfigMap } from '../../kinds/core/config-map.ts'
import { isAlreadyExists, isNotFound } from '../../schema/status.ts'
import { putBinding, putClusterBinding, putClusterRole, putRole } from './objects.ts'
import { defaultTokenGroup } from './secrets.ts'

/**
 * What a cluster lets those do who come with a bootstrap token, and the `cluster-info` by which they know it: kubeadm's
 * phase `bootstrap-token`. Each may be done again.
 */
const group = { kind: 'Group', name: defaultTokenGroup } as const

type Print = (line: string) => void

/** All of it, with kubeadm's lines. The tokens themselves are made by `createTokens`. */
export async function allowBootstrapTokens(client: Client, print: Print): Promise<void> {
  print('[bootstrap-token] Configured RBAC rules to allow Node Bootstrap tokens to get nodes')
  await putClusterRole(client, 'kubeadm:get-nodes', [{ verbs: ['get'], apiGroups: [''], resources: ['nodes'] }])
  await putClusterBinding(client, 'kubeadm:get-nodes', 'kubeadm:get-nodes', group)
  print(
    '[bootstrap-token] Configured RBAC rules to allow Node Bootstrap tokens to post CSRs in order for nodes to get long term certificate credentials',
  )
  await putClusterBinding(client, 'kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', group)
  print(
    '[bootstrap-token] Configured RBAC rules to allow the csrapprover controller automatically approve CSRs from a Node Bootstrap Token',
  )
  const signing = 'system:certificates.k8s.io:certificatesigningrequests'
  await putClusterBinding(client, 'kubeadm:node-autoapprove-bootstrap', `${signing}:nodeclient`, group)
  print(
    '[bootstrap-token] Configured RBAC rules to allow certificate rotation for all node client certificates in the cluster',
  )
  await putClusterBinding(client, 'kubeadm:node-autoapprove-certificate-rotation', `${signing}:selfnodeclient`, {
    kind: 'Group',
    name: 'system:nodes',
  })
}

/** Lets the group that admin.conf is in administer the cluster. Needs super-admin.conf, or whoever may already. */
export async function allowClusterAdmins(client: Client): Promise<void> {
  const admins = { kind: 'Group', name: 'kubeadm:cluster-admins' } as const
  await putClusterBinding(client, 'kubeadm:cluster-admins', 'cluster-admin', admins)
}

export const clusterInfo = { namespace: 'kube-public', name: 'cluster-info' } as const
export const signaturePrefix = 'jws-kubeconfig-'

/**
 * What a node that knows nothing yet may read: where the cluster is, and its authority. The controller manager signs it
 * with every token.
 */
export async function publishClusterInfo(
  client: Client,
  { server, certificateAuthority }: { readonly server: string; readonly certificateAuthority: string },
  print: Print,
): Promise<void> {
  print(`[bootstrap-token] Creating the "cluster-info" ConfigMap in the "kube-public" namespace`)
  const data = { kubeconfig: clusterInfoKubeconfig(server, certificateAuthority) }
  try {
    await client.create(ConfigMap, { metadata: clusterInfo, data })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    // Signatures of what it says already stay.
    await client.patch(ConfigMap, clusterInfo, { type: 'merge', body: { data } })
  }
  await letAnybodyReadClusterInfo(client)
}

/** Those who come with a token, and know nobody here yet, are anonymous. */
export async function letAnybodyReadClusterInfo(client: Client): Promise<void> {
  const { namespace } = clusterInfo
  const name = 'kubeadm:bootstrap-signer-clusterinfo'
  await putRole(client, namespace, name, [
    { verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: [clusterInfo.name] },
  ])
  await putBinding(client, namespace, name, { kind: 'User', name: 'system:anonymous' })
}

function clusterInfoKubeconfig(server: string, certificateAuthority: string): string {
  const cluster = { 'certificate-authority-data': Buffer.from(certificateAuthority).toString('base64'), server }
  return goYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ cluster, name: '' }],
    contexts: null,
    'current-context': '',
    preferences: {},
    users: null,
  })
}

/** What `cluster-info` says; nothing where there is none. */
export async function readClusterInfo(client: Client): Promise<ConfigMap | undefined> {
  try {
    return await client.get(ConfigMap, clusterInfo)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
