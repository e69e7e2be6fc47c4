/** What a control-plane host needs, written by hand as kubeadm lays it out: certificates, kubeconfigs, manifests. */
import { putIntoKubeconfig } from '../../src/lifecycle/kubeconfig.ts'
import { createAuthority, createSigningKey, issueCertificate, type KeyPair } from '../../src/lifecycle/pki.ts'
import { realWorld } from '../../src/world/real.ts'
import type { Host } from './hosts.ts'

const tools = realWorld()

/** The authorities and the key that all hosts of a cluster share. */
export interface SharedPki {
  readonly ca: KeyPair
  readonly etcdCa: KeyPair
  readonly frontProxyCa: KeyPair
  readonly serviceAccounts: { readonly private: string; readonly public: string }
}

export const createSharedPki = (): SharedPki => ({
  ca: createAuthority('kubernetes', tools),
  etcdCa: createAuthority('etcd-ca', tools),
  frontProxyCa: createAuthority('front-proxy-ca', tools),
  serviceAccounts: createSigningKey(),
})

export interface ControlPlaneOptions {
  readonly pki: SharedPki
  /** Where clients go; default: the host's own API server. */
  readonly endpoint?: string
  /** All members of etcd; default: this host alone. */
  readonly members?: readonly Host[]
  /** Further flags of the components, by name. */
  readonly extra?: Readonly<Record<string, readonly string[]>>
  /** Whether the static pods are written. */
  readonly manifests?: boolean
}

const pkiFolder = '/etc/kubernetes/pki'
const base64 = (pem: string) => Buffer.from(pem).toString('base64')

/** Writes everything that a host needs to be a control plane with its own member of etcd. */
export async function writeControlPlane(host: Host, options: ControlPlaneOptions): Promise<void> {
  await writePki(host, options)
  await writeKubeconfigs(host, options)
  await writeKubelet(host, options)
  if (options.manifests === false) return
  for (const [name, manifest] of Object.entries(manifestsOf(host, options)))
    await host.write(`/etc/kubernetes/manifests/${name}.yaml`, JSON.stringify(manifest, undefined, 2), 0o600)
}

async function writePki(host: Host, { pki, endpoint }: ControlPlaneOptions): Promise<void> {
  const pair = async (name: string, { certificate, key }: KeyPair) => {
    await host.write(`${pkiFolder}/${name}.key`, key, 0o600)
    await host.write(`${pkiFolder}/${name}.crt`, certificate)
  }
  await pair('ca', pki.ca)
  await pair('etcd/ca', pki.etcdCa)
  await pair('front-proxy-ca', pki.frontProxyCa)
  await host.write(`${pkiFolder}/sa.key`, pki.serviceAccounts.private, 0o600)
  await host.write(`${pkiFolder}/sa.pub`, pki.serviceAccounts.public)
  const balancer = endpoint?.replace(/:\d+$/, '')
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']
  const hosts = [host.name, 'localhost', host.address, '127.0.0.1', '::1', ...(balancer ? [balancer] : [])]
  const issue = (authority: KeyPair, commonName: string, usages: ('client' | 'server')[], more: object = {}) =>
    issueCertificate(authority, { commonName, usages, ...more }, tools)
  await pair('apiserver', issue(pki.ca, 'kube-apiserver', ['server'], { hosts: [...names, '10.96.0.1', ...hosts] }))
  await pair(
    'apiserver-kubelet-client',
    issue(pki.ca, 'kube-apiserver-kubelet-client', ['client'], { organizations: ['system:masters'] }),
  )
  await pair('apiserver-etcd-client', issue(pki.etcdCa, 'kube-apiserver-etcd-client', ['client']))
  await pair('front-proxy-client', issue(pki.frontProxyCa, 'front-proxy-client', ['client']))
  await pair('etcd/server', issue(pki.etcdCa, host.name, ['server', 'client'], { hosts }))
  await pair('etcd/peer', issue(pki.etcdCa, host.name, ['server', 'client'], { hosts }))
  await pair('etcd/healthcheck-client', issue(pki.etcdCa, 'kube-etcd-healthcheck-client', ['client']))
}

async function writeKubeconfigs(host: Host, { pki, endpoint }: ControlPlaneOptions): Promise<void> {
  const server = `https://${endpoint ?? `${host.address}:6443`}`
  const write = async (path: string, commonName: string, organizations: readonly string[] = []) => {
    const { certificate, key } = issueCertificate(pki.ca, { commonName, organizations, usages: ['client'] }, tools)
    const entry = {
      name: 'kubernetes',
      server,
      certificateAuthority: pki.ca.certificate,
      clientCertificate: certificate,
      clientKey: key,
    }
    await host.write(path, putIntoKubeconfig(undefined, entry), 0o600)
  }
  await write('/etc/kubernetes/admin.conf', 'kubernetes-admin', ['system:masters'])
  await write('/etc/kubernetes/controller-manager.conf', 'system:kube-controller-manager')
  await write('/etc/kubernetes/scheduler.conf', 'system:kube-scheduler')
  // Its certificate lies in a file of its own, under a name that stays when it is renewed.
  const node = { commonName: `system:node:${host.name}`, organizations: ['system:nodes'], usages: ['client'] as const }
  const { certificate, key } = issueCertificate(pki.ca, node, tools)
  const current = '/var/lib/kubelet/pki/kubelet-client-current.pem'
  await host.write(current, certificate + key, 0o600)
  const kubelet = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'kubernetes', cluster: { server, 'certificate-authority-data': base64(pki.ca.certificate) } }],
    users: [{ name: 'default-auth', user: { 'client-certificate': current, 'client-key': current } }],
    contexts: [{ name: 'default', context: { cluster: 'kubernetes', user: 'default-auth' } }],
    'current-context': 'default',
  }
  await host.write('/etc/kubernetes/kubelet.conf', JSON.stringify(kubelet), 0o600)
}

export async function writeKubelet(host: Host, { manifests }: Pick<ControlPlaneOptions, 'manifests'>): Promise<void> {
  const configuration = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    ...(manifests !== false && { staticPodPath: '/etc/kubernetes/manifests' }),
    authentication: { x509: { clientCAFile: `${pkiFolder}/ca.crt` } },
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    rotateCertificates: true,
  }
  await host.write('/var/lib/kubelet/config.yaml', JSON.stringify(configuration))
}

export const kubeletArguments: readonly string[] = [
  'kubelet',
  '--config=/var/lib/kubelet/config.yaml',
  '--kubeconfig=/etc/kubernetes/kubelet.conf',
  '--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf',
]

/** Command lines of the components on a host, as kubeadm writes them. */
export function commandsOf(
  host: Host,
  { members = [host], extra = {} }: ControlPlaneOptions,
): Readonly<Record<'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler', readonly string[]>> {
  const { address, name } = host
  const etcdPki = `${pkiFolder}/etcd`
  return {
    etcd: [
      'etcd',
      `--advertise-client-urls=https://${address}:2379`,
      '--cert-file=/etc/kubernetes/pki/etcd/server.crt',
      '--client-cert-auth=true',
      '--data-dir=/var/lib/etcd',
      `--initial-advertise-peer-urls=https://${address}:2380`,
      `--initial-cluster=${members.map((member) => `${member.name}=https://${member.address}:2380`).join(',')}`,
      `--key-file=${etcdPki}/server.key`,
      `--listen-client-urls=https://127.0.0.1:2379,https://${address}:2379`,
      '--listen-metrics-urls=http://127.0.0.1:2381',
      `--listen-peer-urls=https://${address}:2380`,
      `--name=${name}`,
      `--peer-cert-file=${etcdPki}/peer.crt`,
      '--peer-client-cert-auth=true',
      `--peer-key-file=${etcdPki}/peer.key`,
      `--peer-trusted-ca-file=${etcdPki}/ca.crt`,
      '--snapshot-count=10000',
      `--trusted-ca-file=${etcdPki}/ca.crt`,
      ...(extra['etcd'] ?? []),
    ],
    'kube-apiserver': [
      'kube-apiserver',
      `--advertise-address=${address}`,
      '--allow-privileged=true',
      '--authorization-mode=Node,RBAC',
      `--client-ca-file=${pkiFolder}/ca.crt`,
      '--enable-admission-plugins=NodeRestriction',
      '--enable-bootstrap-token-auth=true',
      `--etcd-cafile=${etcdPki}/ca.crt`,
      `--etcd-certfile=${pkiFolder}/apiserver-etcd-client.crt`,
      `--etcd-keyfile=${pkiFolder}/apiserver-etcd-client.key`,
      '--etcd-servers=https://127.0.0.1:2379',
      `--kubelet-client-certificate=${pkiFolder}/apiserver-kubelet-client.crt`,
      `--kubelet-client-key=${pkiFolder}/apiserver-kubelet-client.key`,
      '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname',
      `--proxy-client-cert-file=${pkiFolder}/front-proxy-client.crt`,
      `--proxy-client-key-file=${pkiFolder}/front-proxy-client.key`,
      '--requestheader-allowed-names=front-proxy-client',
      `--requestheader-client-ca-file=${pkiFolder}/front-proxy-ca.crt`,
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-username-headers=X-Remote-User',
      '--secure-port=6443',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${pkiFolder}/sa.pub`,
      `--service-account-signing-key-file=${pkiFolder}/sa.key`,
      '--service-cluster-ip-range=10.96.0.0/12',
      `--tls-cert-file=${pkiFolder}/apiserver.crt`,
      `--tls-private-key-file=${pkiFolder}/apiserver.key`,
      ...(extra['kube-apiserver'] ?? []),
    ],
    'kube-controller-manager': [
      'kube-controller-manager',
      '--allocate-node-cidrs=true',
      '--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--authorization-kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--bind-address=127.0.0.1',
      `--client-ca-file=${pkiFolder}/ca.crt`,
      '--cluster-cidr=10.244.0.0/16',
      '--cluster-name=kubernetes',
      `--cluster-signing-cert-file=${pkiFolder}/ca.crt`,
      `--cluster-signing-key-file=${pkiFolder}/ca.key`,
      '--controllers=*,bootstrapsigner,tokencleaner',
      '--kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--leader-elect=true',
      `--requestheader-client-ca-file=${pkiFolder}/front-proxy-ca.crt`,
      `--root-ca-file=${pkiFolder}/ca.crt`,
      `--service-account-private-key-file=${pkiFolder}/sa.key`,
      '--service-cluster-ip-range=10.96.0.0/12',
      '--use-service-account-credentials=true',
      ...(extra['kube-controller-manager'] ?? []),
    ],
    'kube-scheduler': [
      'kube-scheduler',
      '--authentication-kubeconfig=/etc/kubernetes/scheduler.conf',
      '--authorization-kubeconfig=/etc/kubernetes/scheduler.conf',
      '--bind-address=127.0.0.1',
      '--kubeconfig=/etc/kubernetes/scheduler.conf',
      '--leader-elect=true',
      ...(extra['kube-scheduler'] ?? []),
    ],
  }
}

/** The static pods of a host. */
export function manifestsOf(host: Host, options: ControlPlaneOptions): Readonly<Record<string, object>> {
  const commands = commandsOf(host, options)
  const check = (port: number, path: string, scheme: string, at: string) => ({
    httpGet: { host: at, path, port, scheme },
    periodSeconds: 1,
    timeoutSeconds: 15,
  })
  const probes = (port: number, scheme: string, at: string, alive: string, ready: string) => ({
    livenessProbe: {
      ...check(port, alive, scheme, at),
      initialDelaySeconds: 10,
      periodSeconds: 10,
      failureThreshold: 8,
    },
    readinessProbe: { ...check(port, ready, scheme, at), failureThreshold: 3 },
    startupProbe: { ...check(port, alive, scheme, at), failureThreshold: 240 },
  })
  const pod = (component: keyof typeof commands, folders: readonly string[], checks: object) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: component, namespace: 'kube-system', labels: { component, tier: 'control-plane' } },
    spec: {
      containers: [
        {
          name: component,
          image: `registry.k8s.io/${component}:v1.36.2`,
          command: commands[component],
          resources: { requests: { cpu: '100m' } },
          volumeMounts: folders.map((path, at) => ({ name: `v${at}`, mountPath: path })),
          ...checks,
        },
      ],
      hostNetwork: true,
      priorityClassName: 'system-node-critical',
      volumes: folders.map((path, at) => ({ name: `v${at}`, hostPath: { path, type: 'DirectoryOrCreate' } })),
    },
  })
  const { address } = host
  return {
    etcd: pod('etcd', ['/var/lib/etcd', `${pkiFolder}/etcd`], probes(2381, 'HTTP', '127.0.0.1', '/health', '/health')),
    'kube-apiserver': pod('kube-apiserver', [pkiFolder], probes(6443, 'HTTPS', address, '/livez', '/readyz')),
    'kube-controller-manager': pod(
      'kube-controller-manager',
      [pkiFolder],
      probes(10_257, 'HTTPS', '127.0.0.1', '/healthz', '/healthz'),
    ),
    'kube-scheduler': pod('kube-scheduler', [], probes(10_259, 'HTTPS', '127.0.0.1', '/livez', '/readyz')),
  }
}
