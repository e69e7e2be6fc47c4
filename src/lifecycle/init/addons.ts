import { goYaml } from '../../base/go-yaml.ts'
import type { Client, Ref } from '../../client/client.ts'
import { DaemonSet } from '../../kinds/apps/daemon-set.ts'
import { Deployment } from '../../kinds/apps/deployment.ts'
import { ConfigMap } from '../../kinds/core/config-map.ts'
import { Service } from '../../kinds/core/service.ts'
import { ServiceAccount } from '../../kinds/core/service-account.ts'
import { ClusterRole } from '../../kinds/rbac/cluster-role.ts'
import { ClusterRoleBinding } from '../../kinds/rbac/cluster-role-binding.ts'
import { Role } from '../../kinds/rbac/role.ts'
import { RoleBinding } from '../../kinds/rbac/role-binding.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { isNotFound } from '../../schema/status.ts'
import type { Draft } from '../../schema/types.ts'
import { type ComponentConfiguration, dnsAddress } from '../config/component-defaults.ts'
import { controlPlaneLabel } from '../config/defaults.ts'
import { coreImage, dnsImage } from '../config/images.ts'
import type { ClusterConfiguration } from '../config/types.ts'
import { applyPatches, type PatchFile } from '../manifests/patches.ts'
import type { Phase } from '../phase.ts'
import { clusterEndpoint, type PkiSettings } from '../pki/settings.ts'
import { put } from '../tokens/objects.ts'
import { defaultTokenGroup } from '../tokens/secrets.ts'
import type { InitData } from './data.ts'
import { type Patience, patient } from './patient.ts'

/** The DNS of the cluster and the proxy of services, as objects of the API. */
export const addon: Phase<InitData> = {
  name: 'addon',
  summary: 'Install required addons for passing conformance tests',
  parts: [
    {
      name: 'coredns',
      summary: 'Install the CoreDNS addon to a Kubernetes cluster',
      skip: ({ cluster }) => cluster.dns.disabled === true,
      plan: async () => ['[addons] Would apply essential addon: CoreDNS'],
      async run(data) {
        const client = await data.client()
        await applyDns(client, sourceOf(data), data.patience)
      },
    },
    {
      name: 'kube-proxy',
      summary: 'Install the kube-proxy addon to a Kubernetes cluster',
      skip: ({ cluster }) => cluster.proxy.disabled === true,
      plan: async () => ['[addons] Would apply essential addon: kube-proxy'],
      async run(data) {
        const client = await data.client()
        await applyProxy(client, sourceOf(data), data.patience)
      },
    },
  ],
}

/** What the objects of the addons are made of. */
export interface AddonSource {
  readonly cluster: ClusterConfiguration
  readonly pki: PkiSettings
  readonly kubeProxy: ComponentConfiguration
  readonly patches: readonly PatchFile[]
  print(line: string): void
}

const sourceOf = ({ cluster, pki, options, tools }: InitData): AddonSource => ({
  cluster,
  pki,
  kubeProxy: options.settings.kubeProxy,
  patches: options.patches,
  print: tools.print,
})

/** Has the DNS of the cluster be as the configuration says; what administrators may have changed stays. */
export async function applyDns(client: Client, source: AddonSource, patience: Patience): Promise<void> {
  await patient(() => putDns(client, source), patience)
  source.print('[addons] Applied essential addon: CoreDNS')
}

/** Has the proxies of services be as the configuration says. */
export async function applyProxy(client: Client, source: AddonSource, patience: Patience): Promise<void> {
  await patient(() => putProxy(client, source), patience)
  source.print('[addons] Applied essential addon: kube-proxy')
}

const namespace = 'kube-system'
const rbac = 'rbac.authorization.k8s.io'

async function putDns(client: Client, { cluster, patches, print }: AddonSource): Promise<void> {
  const labels = { 'k8s-app': 'kube-dns' }
  await putUnlessThere(client, ConfigMap, {
    metadata: { name: 'coredns', namespace },
    data: { Corefile: corefile(cluster.networking.dnsDomain) },
  })
  await put(client, ClusterRole, {
    metadata: { name: 'system:coredns' },
    rules: [
      { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ],
  })
  await put(client, ClusterRoleBinding, {
    metadata: { name: 'system:coredns' },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'system:coredns' },
    subjects: [{ kind: 'ServiceAccount', name: 'coredns', namespace }],
  })
  await put(client, ServiceAccount, { metadata: { name: 'coredns', namespace } })
  const replicas = (await find(client, Deployment, { name: 'coredns', namespace }))?.spec?.replicas ?? 2
  const deployment = applyPatches(
    'corednsdeployment',
    dnsDeployment(dnsImage(cluster), labels, replicas),
    patches,
    Deployment.schema,
    print,
  )
  await put(client, Deployment, deployment as Draft<Deployment>)
  await putUnlessThere(client, Service, dnsService(dnsAddress(cluster.networking.serviceSubnet), labels))
}

/** What an administrator may have changed stays as it is. */
async function putUnlessThere<T extends ApiObject>(
  client: Client,
  kind: Kind<T>,
  object: Draft<T> & { readonly metadata: { readonly name: string; readonly namespace: string } },
): Promise<void> {
  // Not by trying: the address of a service is refused before its name is.
  if (!(await find(client, kind, object.metadata))) await client.create(kind, object)
}

async function find<T extends ApiObject>(client: Client, kind: Kind<T>, ref: Ref): Promise<T | undefined> {
  return client.get(kind, ref).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
}

const corefile = (domain: string) => `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes ${domain} in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success ${domain}
       disable denial ${domain}
    }
    loop
    reload
    loadbalance
}
`

const dnsService = (clusterIP: string, labels: Readonly<Record<string, string>>) => ({
  metadata: {
    name: 'kube-dns',
    namespace,
    labels: { ...labels, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    annotations: { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' },
  },
  spec: {
    clusterIP,
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' as const, targetPort: 53 },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' as const, targetPort: 53 },
      { name: 'metrics', port: 9153, protocol: 'TCP' as const, targetPort: 9153 },
    ],
    selector: labels,
  },
})

const dnsDeployment = (
  image: string,
  labels: Readonly<Record<string, string>>,
  replicas: number,
): Draft<Deployment> => ({
  metadata: { name: 'coredns', namespace, labels },
  spec: {
    replicas,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        priorityClassName: 'system-cluster-critical',
        serviceAccountName: 'coredns',
        affinity: { podAntiAffinity: apartFrom(labels['k8s-app']!) },
        tolerations: [
          { key: 'CriticalAddonsOnly', operator: 'Exists' },
          { key: controlPlaneLabel, effect: 'NoSchedule' },
        ],
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        containers: [dnsContainer(image)],
        dnsPolicy: 'Default',
        volumes: [
          { name: 'config-volume', configMap: { name: 'coredns', items: [{ key: 'Corefile', path: 'Corefile' }] } },
        ],
      },
    },
  },
})

const apartFrom = (app: string) => ({
  preferredDuringSchedulingIgnoredDuringExecution: [
    {
      weight: 100,
      podAffinityTerm: {
        labelSelector: { matchExpressions: [{ key: 'k8s-app', operator: 'In' as const, values: [app] }] },
        topologyKey: 'kubernetes.io/hostname',
      },
    },
  ],
})

const dnsContainer = (image: string) => ({
  name: 'coredns',
  image,
  imagePullPolicy: 'IfNotPresent' as const,
  resources: { limits: { memory: '170Mi' }, requests: { cpu: '100m', memory: '70Mi' } },
  args: ['-conf', '/etc/coredns/Corefile'],
  volumeMounts: [{ name: 'config-volume', mountPath: '/etc/coredns', readOnly: true }],
  ports: [
    { containerPort: 53, name: 'dns', protocol: 'UDP' as const },
    { containerPort: 53, name: 'dns-tcp', protocol: 'TCP' as const },
    { containerPort: 9153, name: 'metrics', protocol: 'TCP' as const },
    { containerPort: 8080, name: 'liveness-probe', protocol: 'TCP' as const },
    { containerPort: 8181, name: 'readiness-probe', protocol: 'TCP' as const },
  ],
  livenessProbe: {
    httpGet: { path: '/health', port: 'liveness-probe', scheme: 'HTTP' as const },
    initialDelaySeconds: 60,
    timeoutSeconds: 5,
    successThreshold: 1,
    failureThreshold: 5,
  },
  readinessProbe: { httpGet: { path: '/ready', port: 'readiness-probe', scheme: 'HTTP' as const } },
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] },
    readOnlyRootFilesystem: true,
  },
})

async function putProxy(client: Client, { cluster, pki, kubeProxy }: AddonSource): Promise<void> {
  const name = 'kube-proxy'
  await put(client, ServiceAccount, { metadata: { name, namespace } })
  await put(client, ConfigMap, {
    metadata: { name, namespace, labels: { app: name } },
    data: {
      'kubeconfig.conf': proxyKubeconfig(clusterEndpoint(pki)),
      'config.conf': goYaml(kubeProxy),
    },
  })
  await put(client, ClusterRoleBinding, {
    metadata: { name: 'kubeadm:node-proxier' },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'system:node-proxier' },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  })
  await put(client, Role, {
    metadata: { name, namespace },
    rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [name], verbs: ['get'] }],
  })
  await put(client, RoleBinding, {
    metadata: { name, namespace },
    roleRef: { apiGroup: rbac, kind: 'Role', name },
    subjects: [{ apiGroup: rbac, kind: 'Group', name: defaultTokenGroup }],
  })
  await put(client, DaemonSet, proxyDaemonSet(coreImage(name, cluster)))
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

const proxyKubeconfig = (server: string) =>
  goYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ cluster: { 'certificate-authority': `${serviceAccountFolder}/ca.crt`, server }, name: 'default' }],
    contexts: [{ context: { cluster: 'default', namespace: 'default', user: 'default' }, name: 'default' }],
    'current-context': 'default',
    users: [{ name: 'default', user: { tokenFile: `${serviceAccountFolder}/token` } }],
  })

const proxyDaemonSet = (image: string): Draft<DaemonSet> => ({
  metadata: { labels: { 'k8s-app': 'kube-proxy' }, name: 'kube-proxy', namespace },
  spec: {
    selector: { matchLabels: { 'k8s-app': 'kube-proxy' } },
    updateStrategy: { type: 'RollingUpdate' },
    template: {
      metadata: { labels: { 'k8s-app': 'kube-proxy' } },
      spec: {
        priorityClassName: 'system-node-critical',
        containers: [
          {
            name: 'kube-proxy',
            image,
            imagePullPolicy: 'IfNotPresent',
            // One file for all nodes: the name is each pod's own.
            command: [
              '/usr/local/bin/kube-proxy',
              '--config=/var/lib/kube-proxy/config.conf',
              '--hostname-override=$(NODE_NAME)',
            ],
            securityContext: { privileged: true },
            volumeMounts: [
              { mountPath: '/var/lib/kube-proxy', name: 'kube-proxy' },
              { mountPath: '/run/xtables.lock', name: 'xtables-lock' },
              { mountPath: '/lib/modules', name: 'lib-modules', readOnly: true },
            ],
            env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
          },
        ],
        hostNetwork: true,
        serviceAccountName: 'kube-proxy',
        volumes: [
          { name: 'kube-proxy', configMap: { name: 'kube-proxy' } },
          { name: 'xtables-lock', hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' } },
          { name: 'lib-modules', hostPath: { path: '/lib/modules' } },
        ],
        tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }, { operator: 'Exists' }],
        nodeSelector: { 'kubernetes.io/os': 'linux' },
      },
    },
  },
})
