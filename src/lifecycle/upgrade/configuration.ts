import { kubeletConfiguration } from '../config/component-defaults.ts'
import { agentConfiguration, criSocketOf } from '../init/node-agent.ts'
import { patient } from '../init/patient.ts'
import { uploadClusterConfiguration, uploadKubeletConfiguration } from '../init/upload.ts'
import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import { changeKubeconfig } from '../pki/kubeconfig-edit.ts'
import { localEndpoint } from '../pki/settings.ts'
import { allowBootstrapTokens, letAnybodyReadClusterInfo } from '../tokens/access.ts'
import type { UpgradeData } from './data.ts'

/** What the cluster and this host know about themselves. */
export const uploadConfig: Phase<UpgradeData> = {
  name: 'upload-config',
  summary: 'Upload the kubeadm and kubelet configurations to ConfigMaps',
  parts: [
    {
      name: 'kubeadm',
      summary: 'Upload the kubeadm ClusterConfiguration to a ConfigMap',
      plan: async () => ['[dryrun] Would upload the kubeadm ClusterConfiguration to a ConfigMap'],
      run: async (data) =>
        uploadClusterConfiguration(await data.client(), await data.cluster(), data.patience, data.print),
    },
    {
      name: 'kubelet',
      summary: 'Upload the kubelet configuration to a ConfigMap',
      plan: async () => ['[dryrun] Would upload the kubelet configuration to a ConfigMap'],
      async run(data) {
        const kubelet = kubeletConfiguration(await data.kubeletConfiguration(), await data.cluster(), data.tools.warn)
        await uploadKubeletConfiguration(await data.client(), kubelet, data.patience, data.print)
      },
    },
  ],
}

const notControlPlane = '[upgrade/kubeconfig] Skipping phase. Not a control plane node.'

/** Where the kubelet is to speak to the API server beside it, it does so from now on. */
export const kubeconfig: Phase<UpgradeData> = {
  name: 'kubeconfig',
  summary: 'Upgrade kubeconfig files for this node',
  plan: async (data) => [
    (await data.isControlPlane()) ? '[dryrun] Would upgrade the kubeconfig files for this node' : notControlPlane,
  ],
  async run(data) {
    if (!(await data.isControlPlane())) return data.print(notControlPlane)
    const pki = await data.pki()
    if (pki.kubeletLocalMode) {
      const { disk } = data.world
      const before = (await disk.read(paths.kubeletKubeconfig)) ?? ''
      const after = changeKubeconfig(before, paths.kubeletKubeconfig, { server: localEndpoint(pki) })
      if (after !== before) await disk.write(paths.kubeletKubeconfig, after, 0o600)
    }
    data.print('[upgrade/kubeconfig] The kubeconfig files for this node were successfully upgraded!')
  },
}

export const kubeletConfig: Phase<UpgradeData> = {
  name: 'kubelet-config',
  summary: 'Upgrade the kubelet configuration for this node',
  plan: async () => [`[dryrun] Would write ${paths.kubeletConfig}`],
  async run(data) {
    const { world, print, options } = data
    const configuration = await data.kubeletConfiguration()
    const text = agentConfiguration(configuration, await criSocketOf(world), options.patches, print)
    const before = await world.disk.read(paths.kubeletConfig)
    if (before !== undefined) {
      const backup = `${data.backupFolder('kubeadm-kubelet-config')}/config.yaml`
      print(`[upgrade] Backing up kubelet config file to ${backup}`)
      await world.disk.write(backup, before, 0o644)
    }
    print(`[kubelet-start] Writing kubelet configuration to file ${JSON.stringify(paths.kubeletConfig)}`)
    await world.disk.write(paths.kubeletConfig, text, 0o644)
    print('[upgrade/kubelet-config] The kubelet configuration for this node was successfully upgraded!')
  },
}

export const bootstrapToken: Phase<UpgradeData> = {
  name: 'bootstrap-token',
  summary: 'Configures bootstrap token and cluster-info RBAC rules',
  plan: async () => ['[dryrun] Would configure bootstrap token and cluster-info RBAC rules'],
  async run(data) {
    data.print('[upgrade/bootstrap-token] Configuring bootstrap token and cluster-info RBAC rules')
    const client = await data.client()
    await patient(() => allowBootstrapTokens(client, data.print), data.patience)
    await data.ask(letAnybodyReadClusterInfo)
  },
}
