/**
 * Where kubeadm and the kubelet keep things on a host. `certificatesDir` and etcd's `dataDir` may be configured; the
 * rest is fixed, so that operators' habits and tools find it.
 */
export const paths = {
  kubernetes: '/etc/kubernetes',
  certificates: '/etc/kubernetes/pki',
  manifests: '/etc/kubernetes/manifests',
  /** What was replaced, and what a dry run wrote. */
  temporary: '/etc/kubernetes/tmp',
  adminKubeconfig: '/etc/kubernetes/admin.conf',
  superAdminKubeconfig: '/etc/kubernetes/super-admin.conf',
  controllerManagerKubeconfig: '/etc/kubernetes/controller-manager.conf',
  schedulerKubeconfig: '/etc/kubernetes/scheduler.conf',
  kubeletKubeconfig: '/etc/kubernetes/kubelet.conf',
  bootstrapKubeconfig: '/etc/kubernetes/bootstrap-kubelet.conf',
  kubelet: '/var/lib/kubelet',
  kubeletConfig: '/var/lib/kubelet/config.yaml',
  kubeletFlags: '/var/lib/kubelet/kubeadm-flags.env',
  kubeletCertificates: '/var/lib/kubelet/pki',
  etcdData: '/var/lib/etcd',
  podLogs: '/var/log/pods',
  /** Process ids and sockets of what this program runs on the host. */
  run: '/run/coracle',
} as const
