import { ConfigMap } from '../../kinds/core/config-map.ts'
import { isNotFound } from '../../schema/status.ts'
import { kubeProxyConfiguration } from '../config/component-defaults.ts'
import { fetchKubeProxyConfiguration } from '../config/config-maps.ts'
import type { ClusterConfiguration } from '../config/types.ts'
import { type AddonSource, applyDns, applyProxy } from '../init/addons.ts'
import type { Phase } from '../phase.ts'
import { otherVersions } from './cluster-versions.ts'
import type { UpgradeData } from './data.ts'

/** The DNS of the cluster and the proxy of services; by the last control plane that is upgraded. */
export const addon: Phase<UpgradeData> = {
  name: 'addon',
  summary: 'Upgrade the default kubeadm addons',
  parts: [
    part('coredns', 'Upgrade the CoreDNS addon', {
      configMap: 'coredns',
      what: 'a DNS server',
      isDisabled: ({ dns }) => dns.disabled === true,
      apply: async (data) => applyDns(await data.client(), await sourceOf(data, {}), data.patience),
    }),
    part('kube-proxy', 'Upgrade the kube-proxy addon', {
      configMap: 'kube-proxy',
      what: 'kube-proxy',
      isDisabled: ({ proxy }) => proxy.disabled === true,
      async apply(data) {
        const configuration = await data.ask(fetchKubeProxyConfiguration)
        await applyProxy(await data.client(), await sourceOf(data, configuration), data.patience)
      },
    }),
  ],
}

interface Addon {
  /** Whoever has no such ConfigMap has left the addon out. */
  readonly configMap: string
  readonly what: string
  isDisabled(cluster: ClusterConfiguration): boolean
  apply(data: UpgradeData): Promise<void>
}

function part(name: string, summary: string, about: Addon): Phase<UpgradeData> {
  return {
    name,
    summary,
    plan: async (data) => [(await reasonToSkip(name, about, data)) ?? `[dryrun] Would upgrade the addon ${name}`],
    async run(data) {
      const reason = await reasonToSkip(name, about, data)
      if (reason === undefined) await about.apply(data)
      else data.print(reason)
    },
  }
}

async function reasonToSkip(name: string, about: Addon, data: UpgradeData): Promise<string | undefined> {
  const skipping = `[upgrade/addon] Skipping the addon/${name} phase.`
  if (!(await data.isControlPlane())) return `${skipping} Not a control plane node.`
  if (about.isDisabled(await data.cluster())) return `${skipping} The addon is disabled.`
  const { configMap, what } = about
  if (!(await isThere(configMap, data)))
    return `${skipping} The ConfigMap ${JSON.stringify(configMap)} in the namespace "kube-system" was not found. Assuming that ${what} was not deployed for this cluster.`
  const nodeName = await data.nodeName()
  const others = await data.ask((client) => otherVersions(client, nodeName))
  if (others.length === 0) return undefined
  return `[upgrade/addon] Skipping upgrade of addons because control plane instances [${others.join(' ')}] have not been upgraded`
}

function isThere(name: string, data: UpgradeData): Promise<boolean> {
  return data.ask(async (client) => {
    try {
      await client.get(ConfigMap, { namespace: 'kube-system', name })
      return true
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  })
}

async function sourceOf(data: UpgradeData, kubeProxy: AddonSource['kubeProxy']): Promise<AddonSource> {
  const [cluster, pki] = [await data.cluster(), await data.pki()]
  const { patches } = data.options
  return {
    cluster,
    pki,
    kubeProxy: kubeProxyConfiguration(kubeProxy, cluster, pki.advertiseAddress, data.tools.warn),
    patches,
    print: data.print,
  }
}
