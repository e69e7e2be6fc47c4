import type { ClusterConfiguration } from './types.ts'

/** Versions of images that are not Kubernetes' own, as kubeadm 1.36 has them. */
export const imageVersions = { etcd: '3.6.6-0', coredns: 'v1.13.1', pause: '3.10.1' } as const

/** `+` may not stand in a tag. */
const tagOf = ({ kubernetesVersion }: ClusterConfiguration) => kubernetesVersion.replaceAll('+', '_')

export const coreImage = (component: string, cluster: ClusterConfiguration): string =>
  `${cluster.imageRepository}/${component}:${tagOf(cluster)}`

export function etcdImage(cluster: ClusterConfiguration): string {
  const { imageRepository, imageTag } = cluster.etcd.local ?? {}
  return `${imageRepository || cluster.imageRepository}/etcd:${imageTag || imageVersions.etcd}`
}

export function dnsImage({ dns, imageRepository }: ClusterConfiguration): string {
  // In the default repository the image lies one level deeper; in one's own it does not.
  const repository =
    dns.imageRepository || (imageRepository === 'registry.k8s.io' ? `${imageRepository}/coredns` : imageRepository)
  return `${repository}/coredns:${dns.imageTag || imageVersions.coredns}`
}

/** All that a control plane needs, in the order of `config images list`. */
export function controlPlaneImages(cluster: ClusterConfiguration): readonly string[] {
  const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']
  return [
    ...components.map((component) => coreImage(component, cluster)),
    ...(cluster.proxy.disabled ? [] : [coreImage('kube-proxy', cluster)]),
    ...(cluster.dns.disabled ? [] : [dnsImage(cluster)]),
    `${cluster.imageRepository}/pause:${imageVersions.pause}`,
    ...(cluster.etcd.local ? [etcdImage(cluster)] : []),
  ]
}
