import { parseDuration } from '../../base/duration.ts'
import { paths } from '../paths.ts'
import type { Phase } from '../phase.ts'
import { readEndpoint } from '../pki/kubeconfigs.ts'
import { clusterEndpoint } from '../pki/settings.ts'
import { allowBootstrapTokens, publishClusterInfo } from '../tokens/access.ts'
import { joinCommandLines } from '../tokens/join-command.ts'
import { type BootstrapToken, createTokens, expiryAfter } from '../tokens/secrets.ts'
import { parseToken } from '../tokens/token.ts'
import type { InitData } from './data.ts'
import { patient } from './patient.ts'

const withheld = '<value withheld>'

export const bootstrapToken: Phase<InitData> = {
  name: 'bootstrap-token',
  summary: 'Generates bootstrap tokens used to join a node to a cluster',
  plan: async () => ['[bootstrap-token] Would create bootstrap tokens, the ConfigMap "cluster-info", and roles'],
  async run(data) {
    const { tools, options, init, world, pki } = data
    for (const { token } of init.bootstrapTokens ?? [])
      tools.print(`[bootstrap-token] Using token: ${options.skipTokenPrint ? withheld : token}`)
    tools.print('[bootstrap-token] Configuring bootstrap tokens, cluster-info ConfigMap, RBAC Roles')
    const client = await data.client()
    await patient(() => createTokens(client, tokensOf(data), { replace: true }), data.patience)
    await patient(() => allowBootstrapTokens(client, tools.print), data.patience)
    const { certificateAuthority } = await readEndpoint(world.disk, options.kubeconfig ?? paths.adminKubeconfig)
    const about = { server: clusterEndpoint(pki), certificateAuthority: certificateAuthority! }
    await patient(() => publishClusterInfo(client, about, tools.print), data.patience)
  },
}

function tokensOf({ init, world }: InitData): readonly BootstrapToken[] {
  return (init.bootstrapTokens ?? []).map(({ token, description, ttl, expires, usages = [], groups = [] }) => ({
    token: parseToken(token),
    ...(description && { description }),
    ...(expires !== undefined
      ? { expiresAtMs: Date.parse(expires) }
      : expiryAfter(world.clock, parseDuration(ttl ?? '24h'))),
    usages,
    groups,
  }))
}

export const showJoinCommand: Phase<InitData> = {
  name: 'show-join-command',
  summary: 'Show the join command for control-plane and worker node',
  plan: async () => [],
  async run(data) {
    const { tools, options, init, world, cluster, pki } = data
    const kubeconfig = options.kubeconfig ?? paths.adminKubeconfig
    const { certificateAuthority } = await readEndpoint(world.disk, kubeconfig)
    for (const { token } of init.bootstrapTokens ?? []) {
      const command = {
        server: clusterEndpoint(pki),
        certificateAuthority: certificateAuthority!,
        token: options.skipTokenPrint ? withheld : token,
      }
      const key = options.skipCertificateKeyPrint ? withheld : data.certificateKey()
      const controlPlane = options.uploadCerts
        ? { ...command, certificateKey: key }
        : { ...command, controlPlane: true }
      const lines = closingText({
        kubeconfig,
        hasEndpoint: cluster.controlPlaneEndpoint !== '',
        uploadsCerts: options.uploadCerts,
        joinControlPlane: joinCommandLines(controlPlane),
        joinWorker: joinCommandLines(command),
      })
      for (const line of lines) tools.print(line)
    }
  },
}

interface Closing {
  readonly kubeconfig: string
  readonly hasEndpoint: boolean
  readonly uploadsCerts: boolean
  readonly joinControlPlane: readonly string[]
  readonly joinWorker: readonly string[]
}

function closingText({
  kubeconfig,
  hasEndpoint,
  uploadsCerts,
  joinControlPlane,
  joinWorker,
}: Closing): readonly string[] {
  return [
    '',
    'Your Kubernetes control-plane has initialized successfully!',
    '',
    'To start using your cluster, you need to run the following as a regular user:',
    '',
    '  mkdir -p $HOME/.kube',
    `  sudo cp -i ${kubeconfig} $HOME/.kube/config`,
    '  sudo chown $(id -u):$(id -g) $HOME/.kube/config',
    '',
    'Alternatively, if you are the root user, you can run:',
    '',
    '  export KUBECONFIG=/etc/kubernetes/admin.conf',
    '',
    'You should now deploy a pod network to the cluster.',
    'Run "kubectl apply -f [podnetwork].yaml" with one of the options listed at:',
    '  https://kubernetes.io/docs/concepts/cluster-administration/addons/',
    '',
    ...(hasEndpoint ? controlPlaneText(uploadsCerts, joinControlPlane) : []),
    'Then you can join any number of worker nodes by running the following on each as root:',
    '',
    ...joinWorker,
  ]
}

function controlPlaneText(uploadsCerts: boolean, command: readonly string[]): readonly string[] {
  const shown = command.map((line, index) => (index === 0 ? `  ${line}` : line))
  if (!uploadsCerts)
    return [
      'You can now join any number of control-plane nodes by copying certificate authorities',
      'and service account keys on each node and then running the following as root:',
      '',
      ...shown,
      '',
    ]
  return [
    'You can now join any number of control-plane nodes running the following command on each as root:',
    '',
    ...shown,
    '',
    'Please note that the certificate-key gives access to cluster sensitive data, keep it secret!',
    'As a safeguard, uploaded-certs will be deleted in two hours; If necessary, you can use',
    '"coracle init phase upload-certs --upload-certs" to reload certs afterward.',
    '',
  ]
}
