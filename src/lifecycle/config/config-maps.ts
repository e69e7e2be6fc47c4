import { parse } from 'yaml'
import { goYaml } from '../../base/go-yaml.ts'
import type { Client } from '../../client/client.ts'
import { ConfigMap } from '../../kinds/core/config-map.ts'
import { ApiError } from '../../schema/status.ts'
import { LifecycleError } from '../failure.ts'
import type { ComponentConfiguration } from './component-defaults.ts'
import { type DefaultTools, defaultCluster, fillCluster } from './defaults.ts'
import { readDocuments } from './read.ts'
import type { ClusterConfiguration } from './types.ts'
import { configurationYaml } from './write.ts'

/** What a cluster knows about itself: the ConfigMaps that `init` leaves for `join`, upgrades, and people. */
export const kubeadmConfigMap = { namespace: 'kube-system', name: 'kubeadm-config' } as const
export const kubeletConfigMap = { namespace: 'kube-system', name: 'kubelet-config' } as const

export const kubeadmConfigData = (cluster: ClusterConfiguration): Record<string, string> => ({
  ClusterConfiguration: configurationYaml(cluster),
})

export const kubeletConfigData = (kubelet: ComponentConfiguration): Record<string, string> => ({
  kubelet: goYaml(kubelet),
})

/**
 * Reads `kubeadm-config`.
 * @throws LifecycleError when it is not there or may not be read, in kubeadm's words
 */
export async function fetchClusterConfiguration(
  client: Pick<Client, 'get'>,
  tools: DefaultTools,
): Promise<ClusterConfiguration> {
  const text = await dataOf(
    client,
    kubeadmConfigMap,
    'ClusterConfiguration',
    'unable to fetch the kubeadm-config ConfigMap',
  )
  const { cluster } = readDocuments(text, tools.warn)
  defaultCluster(cluster)
  await fillCluster(cluster, tools)
  return cluster
}

/** Reads `kubelet-config`. */
export async function fetchKubeletConfiguration(client: Pick<Client, 'get'>): Promise<ComponentConfiguration> {
  const text = await dataOf(
    client,
    kubeletConfigMap,
    'kubelet',
    'could not download the kubelet configuration from ConfigMap "kubelet-config"',
  )
  return parse(text) as ComponentConfiguration
}

/** Reads what the proxies of services have. */
export async function fetchKubeProxyConfiguration(client: Pick<Client, 'get'>): Promise<ComponentConfiguration> {
  const text = await dataOf(
    client,
    { namespace: 'kube-system', name: 'kube-proxy' },
    'config.conf',
    'could not read the configuration of kube-proxy from ConfigMap "kube-proxy"',
  )
  return parse(text) as ComponentConfiguration
}

async function dataOf(
  client: Pick<Client, 'get'>,
  ref: { readonly namespace: string; readonly name: string },
  key: string,
  failure: string,
): Promise<string> {
  const map = await client.get(ConfigMap, ref).catch((error: unknown) => {
    if (!(error instanceof ApiError)) throw error
    throw new LifecycleError(`${failure}: failed to get config map: ${error.message}`, {
      hint:
        error.reason === 'NotFound'
          ? `a cluster that "coracle init" made has it; write it anew with "coracle init phase upload-config all --config FILE"`
          : 'ask an administrator whether the token may still be used, or make a new one with "coracle token create --print-join-command"',
      cause: error,
    })
  })
  const text = map.data?.[key]
  if (text === undefined)
    throw new LifecycleError(
      `${failure}: unexpected error when reading ${ref.name} ConfigMap: ${key} key value pair missing`,
    )
  return text
}
