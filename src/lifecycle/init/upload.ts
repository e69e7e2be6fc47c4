import type { Client } from '../../client/client.ts'
import { ConfigMap } from '../../kinds/core/config-map.ts'
import { RoleBinding } from '../../kinds/rbac/role-binding.ts'
import type { ComponentConfiguration } from '../config/component-defaults.ts'
import { kubeadmConfigData, kubeadmConfigMap, kubeletConfigData, kubeletConfigMap } from '../config/config-maps.ts'
import type { ClusterConfiguration } from '../config/types.ts'
import type { Phase } from '../phase.ts'
import { put, putRole } from '../tokens/objects.ts'
import { defaultTokenGroup } from '../tokens/secrets.ts'
import { uploadCertificates } from '../tokens/upload.ts'
import type { InitData } from './data.ts'
import { type Patience, patient } from './patient.ts'

export const uploadConfig: Phase<InitData> = {
  name: 'upload-config',
  summary: 'Upload the kubeadm and kubelet configuration to a ConfigMap',
  parts: [
    {
      name: 'kubeadm',
      summary: 'Upload the kubeadm ClusterConfiguration to a ConfigMap',
      plan: async () => ['[upload-config] Would store the configuration in ConfigMap "kubeadm-config"'],
      async run(data) {
        await uploadClusterConfiguration(await data.client(), data.cluster, data.patience, data.tools.print)
      },
    },
    {
      name: 'kubelet',
      summary: 'Upload the kubelet component config to a ConfigMap',
      plan: async () => ['[kubelet] Would store the configuration of kubelets in ConfigMap "kubelet-config"'],
      async run(data) {
        const { kubelet } = data.options.settings
        await uploadKubeletConfiguration(await data.client(), kubelet, data.patience, data.tools.print)
      },
    },
  ],
}

type Print = (line: string) => void

/** Has the cluster know what holds for the whole of it: for `join`, upgrades, and people. */
export async function uploadClusterConfiguration(
  client: Client,
  cluster: ClusterConfiguration,
  patience: Patience,
  print: Print,
): Promise<void> {
  print('[upload-config] Storing the configuration used in ConfigMap "kubeadm-config" in the "kube-system" Namespace')
  await patient(async () => {
    await put(client, ConfigMap, { metadata: kubeadmConfigMap, data: kubeadmConfigData(cluster) })
    await letNodesRead(client, 'kubeadm:nodes-kubeadm-config', kubeadmConfigMap.name)
  }, patience)
}

/** The same for what holds for all kubelets. */
export async function uploadKubeletConfiguration(
  client: Client,
  kubelet: ComponentConfiguration,
  patience: Patience,
  print: Print,
): Promise<void> {
  print(
    '[kubelet] Creating a ConfigMap "kubelet-config" in namespace kube-system with the configuration for the kubelets in the cluster',
  )
  await patient(async () => {
    await put(client, ConfigMap, { metadata: kubeletConfigMap, data: kubeletConfigData(kubelet) })
    await letNodesRead(client, 'kubeadm:kubelet-config', kubeletConfigMap.name)
  }, patience)
}

/** Hosts that join, and nodes, may read a ConfigMap. */
async function letNodesRead(client: Client, role: string, configMap: string): Promise<void> {
  const namespace = 'kube-system'
  await putRole(client, namespace, role, [
    { verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: [configMap] },
  ])
  const apiGroup = 'rbac.authorization.k8s.io'
  const groups = ['system:nodes', defaultTokenGroup]
  await put(client, RoleBinding, {
    metadata: { name: role, namespace },
    roleRef: { apiGroup, kind: 'Role', name: role },
    subjects: groups.map((name) => ({ apiGroup, kind: 'Group', name })),
  })
}

export const uploadCerts: Phase<InitData> = {
  name: 'upload-certs',
  summary: 'Upload certificates to kubeadm-certs',
  plan: async ({ options }) =>
    options.uploadCerts ? ['[upload-certs] Would store the certificates in Secret "kubeadm-certs"'] : [],
  async run(data) {
    const { tools, options, world, cluster, pki } = data
    if (!options.uploadCerts) return tools.print('[upload-certs] Skipping phase. Please see --upload-certs')
    const { external } = cluster.etcd
    const files = { settings: pki, ...(external?.caFile && { externalEtcd: external }) }
    const client = await data.client()
    await patient(() => uploadCertificates(client, files, data.certificateKey(), world, tools.print), data.patience)
    if (options.skipCertificateKeyPrint) return
    tools.print('[upload-certs] Using certificate key:')
    tools.print(data.certificateKey())
  },
}
