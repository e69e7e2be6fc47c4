import { parseDuration } from '../../base/duration.ts'
import { paths } from '../paths.ts'
import type { PkiSettings } from '../pki/settings.ts'
import type { KeyAlgorithm } from '../pki.ts'
import { isEnabled } from './feature-gates.ts'
import type { ApiEndpoint, ClusterConfiguration } from './types.ts'

/** What of the configuration decides about certificates and kubeconfigs of a host. */
export function pkiSettings(
  cluster: ClusterConfiguration,
  host: { readonly nodeName: string; readonly endpoint: ApiEndpoint },
): PkiSettings {
  const { local, external } = cluster.etcd
  return {
    certificatesDir: cluster.certificatesDir,
    kubernetesDir: paths.kubernetes,
    nodeName: host.nodeName,
    advertiseAddress: host.endpoint.advertiseAddress,
    bindPort: host.endpoint.bindPort,
    ...(cluster.controlPlaneEndpoint !== '' && { controlPlaneEndpoint: cluster.controlPlaneEndpoint }),
    clusterName: cluster.clusterName,
    dnsDomain: cluster.networking.dnsDomain,
    serviceSubnet: cluster.networking.serviceSubnet,
    apiServerCertSans: cluster.apiServer.certSANs ?? [],
    etcdServerCertSans: local?.serverCertSANs ?? [],
    etcdPeerCertSans: local?.peerCertSANs ?? [],
    externalEtcd: external !== undefined,
    algorithm: cluster.encryptionAlgorithm as KeyAlgorithm,
    certificateValidityMs: parseDuration(cluster.certificateValidityPeriod!),
    caCertificateValidityMs: parseDuration(cluster.caCertificateValidityPeriod!),
    kubeletLocalMode: isEnabled(cluster.featureGates, 'ControlPlaneKubeletLocalMode'),
  }
}
