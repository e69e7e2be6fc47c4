import { parse } from 'yaml'
import { goYaml } from '../../base/go-yaml.ts'
import { type KubeconfigEndpoint, KubeconfigError } from '../../client/kubeconfig.ts'
import { readKubeconfig } from '../../client/kubeconfig-files.ts'
import type { Disk } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { type Authority, issueFor, newKey, type PkiWorld, readAuthority } from './create.ts'
import { isSignedBy, parseBundle, parseCertificate } from './files.ts'
import { clusterEndpoint, localEndpoint, type PkiSettings } from './settings.ts'
import { authorities } from './specs.ts'

/** The kubeconfigs of a control plane, as kubeadm 1.36 makes them: one row each. */
export interface KubeconfigSpec {
  /** The file below `/etc/kubernetes`; its name in `certs renew`. */
  readonly file: KubeconfigFile
  /** As in `init phase kubeconfig NAME`. */
  readonly name: string
  readonly longName: string
  readonly organizations: readonly string[]
  user(settings: PkiSettings): string
  server(settings: PkiSettings): string
  /** Whether somebody else renews its certificate: the kubelet does so itself. */
  readonly renewsItself?: boolean
}

export type KubeconfigFile =
  | 'admin.conf'
  | 'super-admin.conf'
  | 'kubelet.conf'
  | 'controller-manager.conf'
  | 'scheduler.conf'

export const kubeconfigs: readonly KubeconfigSpec[] = [
  {
    file: 'admin.conf',
    name: 'admin',
    longName: 'certificate embedded in the kubeconfig file for the admin to use and for kubeadm itself',
    organizations: ['kubeadm:cluster-admins'],
    user: () => 'kubernetes-admin',
    server: clusterEndpoint,
  },
  {
    file: 'super-admin.conf',
    name: 'super-admin',
    longName: 'certificate embedded in the kubeconfig file for the super-admin',
    organizations: ['system:masters'],
    user: () => 'kubernetes-super-admin',
    server: clusterEndpoint,
  },
  {
    file: 'kubelet.conf',
    name: 'kubelet',
    longName: 'certificate embedded in the kubeconfig file for the kubelet to use',
    organizations: ['system:nodes'],
    user: ({ nodeName }) => `system:node:${nodeName}`,
    server: (settings) => (settings.kubeletLocalMode ? localEndpoint(settings) : clusterEndpoint(settings)),
    renewsItself: true,
  },
  {
    file: 'controller-manager.conf',
    name: 'controller-manager',
    longName: 'certificate embedded in the kubeconfig file for the controller manager to use',
    organizations: [],
    user: () => 'system:kube-controller-manager',
    server: localEndpoint,
  },
  {
    file: 'scheduler.conf',
    name: 'scheduler',
    longName: 'certificate embedded in the kubeconfig file for the scheduler manager to use',
    organizations: [],
    user: () => 'system:kube-scheduler',
    server: localEndpoint,
  },
]

/** What a kubeconfig of one cluster and one user says; certificates and keys in PEM, or as paths. */
export interface KubeconfigContent {
  readonly clusterName: string
  readonly server: string
  readonly certificateAuthority: string
  readonly user: string
  /** Default: `USER@CLUSTER`. */
  readonly context?: string
  readonly credential:
    | { readonly certificate: string; readonly key: string }
    | { readonly certificateFile: string; readonly keyFile: string }
    | { readonly token: string }
    | undefined
}

type Print = (line: string) => void

/**
 * The kubeconfigs of a control plane: those that are there are checked and used, others are made.
 * @throws LifecycleError when one that is there belongs to another cluster, or none can be made
 */
export async function createKubeconfigs(
  settings: PkiSettings,
  world: PkiWorld,
  print: Print,
  files: readonly KubeconfigFile[] = kubeconfigs.map(({ file }) => file),
): Promise<void> {
  print(`[kubeconfig] Using kubeconfig folder "${settings.kubernetesDir}"`)
  const authority = await readAuthority(authorities[0]!, settings, world.disk)
  await requireExternal(settings, world.disk, authority, files)
  for (const spec of kubeconfigs) {
    if (files.includes(spec.file)) await loadOrCreateKubeconfig(spec, settings, authority, world, print)
  }
}

async function loadOrCreateKubeconfig(
  spec: KubeconfigSpec,
  settings: PkiSettings,
  authority: Authority,
  world: PkiWorld,
  print: Print,
): Promise<void> {
  const path = `${settings.kubernetesDir}/${spec.file}`
  const existing = await world.disk.read(path)
  if (existing !== undefined) {
    checkKubeconfig(existing, path, spec.server(settings), authority, print)
    print(`[kubeconfig] Using existing kubeconfig file: "${path}"`)
    return
  }
  print(`[kubeconfig] Writing "${spec.file}" kubeconfig file`)
  await world.disk.write(path, makeKubeconfig(spec, settings, authority, world), 0o600)
}

/** The text of one, with a new key and certificate. */
export function makeKubeconfig(
  spec: KubeconfigSpec,
  settings: PkiSettings,
  authority: Authority,
  world: Pick<PkiWorld, 'clock' | 'random'>,
): string {
  return userKubeconfig(
    { user: spec.user(settings), organizations: spec.organizations, server: spec.server(settings) },
    settings,
    authority,
    world,
  )
}

/** A kubeconfig for anybody, with a certificate of the cluster's authority: `kubeconfig user --client-name`. */
export function userKubeconfig(
  who: { readonly user: string; readonly organizations: readonly string[]; readonly server?: string },
  settings: PkiSettings,
  authority: Authority,
  world: Pick<PkiWorld, 'clock' | 'random'>,
): string {
  const request = {
    commonName: who.user,
    organizations: who.organizations,
    usages: ['client'] as const,
    validityMs: settings.certificateValidityMs,
  }
  const credential = issueFor(who.user, request, authority, world, newKey(settings.algorithm))
  return writeKubeconfig({
    clusterName: settings.clusterName,
    server: who.server ?? clusterEndpoint(settings),
    certificateAuthority: authority.certificate,
    user: who.user,
    credential,
  })
}

/** The text of a kubeconfig, as kubeadm writes it. */
export function writeKubeconfig(content: KubeconfigContent): string {
  const { clusterName, user, credential, context = `${user}@${clusterName}` } = content
  return goYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: clusterName,
        cluster: { 'certificate-authority-data': base64(content.certificateAuthority), server: content.server },
      },
    ],
    contexts: [{ name: context, context: { cluster: clusterName, user } }],
    'current-context': context,
    preferences: {},
    users: credential === undefined ? null : [{ name: user, user: userOf(credential) }],
  })
}

/** What a kubelet writes for itself after its TLS bootstrap: its certificate is named, as it will be replaced. */
export function writeKubeconfigFiles(content: {
  readonly server: string
  readonly certificateAuthority: string
  readonly certificateFile: string
  readonly keyFile: string
}): string {
  const { server, certificateAuthority, certificateFile, keyFile } = content
  return writeKubeconfig({
    clusterName: 'default-cluster',
    server,
    certificateAuthority,
    user: 'default-auth',
    context: 'default-context',
    credential: { certificateFile, keyFile },
  })
}

function userOf(credential: NonNullable<KubeconfigContent['credential']>): object {
  if ('token' in credential) return { token: credential.token }
  if ('keyFile' in credential) {
    return { 'client-certificate': credential.certificateFile, 'client-key': credential.keyFile }
  }
  return { 'client-certificate-data': base64(credential.certificate), 'client-key-data': base64(credential.key) }
}

/** One that is there must name the cluster's authority. Another server is a warning, as there may be a reason for it. */
function checkKubeconfig(text: string, path: string, server: string, authority: Authority, print: Print): void {
  const found = readCluster(text, path)
  const known = found.certificateAuthority === undefined ? [] : fingerprints(found.certificateAuthority)
  if (!fingerprints(authority.certificate).some((each) => known.includes(each))) {
    throw new LifecycleError(`a kubeconfig file "${path}" exists already but has got the wrong CA cert`, {
      hint: `it belongs to another cluster: move ${path} away, and it is made anew`,
    })
  }
  if (found.server === server) return
  print(
    `W: a kubeconfig file "${path}" exists already but has an unexpected API Server URL: expected: ${server}, got: ${found.server}`,
  )
}

const fingerprints = (bundle: string) => parseBundle(bundle).map(({ fingerprint256 }) => fingerprint256)

/** With an authority whose key is elsewhere all of them must be there, signed by it. */
async function requireExternal(
  settings: PkiSettings,
  disk: Disk,
  authority: Authority,
  files: readonly KubeconfigFile[],
): Promise<void> {
  if (authority.key !== undefined) return
  const missing: string[] = []
  for (const file of files) {
    const path = `${settings.kubernetesDir}/${file}`
    const text = await disk.read(path)
    if (text === undefined) missing.push(path)
    else requireSigned(text, path, authority)
  }
  if (missing.length === 0) return
  throw new LifecycleError(
    `the cluster's authority is managed elsewhere (its key is not on this host), and kubeconfigs are missing: ${missing.join(', ')}`,
    {
      hint: 'make them with "coracle certs generate-csr", and put the signed certificates into client-certificate-data',
    },
  )
}

function requireSigned(text: string, path: string, authority: Authority): void {
  const { certificate } = readCluster(text, path)
  if (certificate === undefined || isSignedBy(parseCertificate(certificate, path), authority.certificate)) return
  throw new LifecycleError(`the client certificate in ${path} is not signed by the cluster's authority`, {
    hint: 'have its request signed by the authority in ca.crt',
  })
}

/** What the current context of a kubeconfig says about cluster and user, as far as it stands in the file itself. */
export interface KubeconfigFacts {
  readonly clusterName: string
  readonly server: string
  readonly certificateAuthority: string | undefined
  readonly user: string
  readonly certificate: string | undefined
  readonly key: string | undefined
}

/** @throws LifecycleError when it cannot be read */
export function readCluster(text: string, path: string): KubeconfigFacts {
  const config = parseText(text, path)
  const context = named(config, 'contexts', config['current-context'])?.['context'] as Section | undefined
  const cluster = named(config, 'clusters', context?.['cluster'])?.['cluster'] as Section | undefined
  const user = named(config, 'users', context?.['user'])?.['user'] as Section | undefined
  if (!context || !cluster) {
    throw new LifecycleError(`${path} names no cluster in its current context`, {
      hint: `it may be half written: move ${path} away, and it is made anew`,
    })
  }
  return {
    clusterName: String(context['cluster']),
    server: String(cluster['server']),
    certificateAuthority: decoded(cluster['certificate-authority-data']),
    user: String(context['user']),
    certificate: decoded(user?.['client-certificate-data']),
    key: decoded(user?.['client-key-data']),
  }
}

/**
 * The way to a server that a kubeconfig on the disk names. Files that it names are read, too, as the kubelet's names
 * its certificate.
 * @throws LifecycleError when it is missing or cannot be read
 */
export async function readEndpoint(disk: Pick<Disk, 'read'>, path: string): Promise<KubeconfigEndpoint> {
  if ((await disk.read(path)) === undefined) {
    throw new LifecycleError(`failed to load kubeconfig: ${path} is not there`, {
      hint: 'name the kubeconfig of an administrator with --kubeconfig, e.g. /etc/kubernetes/admin.conf',
    })
  }
  try {
    return (await readKubeconfig(disk, path)).endpoint
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error
    throw new LifecycleError(`${path} cannot be used: ${error.message}`, {
      hint: 'it names a cluster with its server, and a user with a certificate or a token',
      cause: error,
    })
  }
}

/** The same of a text that may name a cluster alone, without a context or a user: `join --discovery-file`. */
export function readDiscovery(text: string, path: string, disk: Disk): Promise<KubeconfigEndpoint> {
  const config = parseText(text, path)
  const context = named(config, 'contexts', config['current-context'])?.['context'] as Section | undefined
  const clusters = config['clusters'] as readonly Section[] | null | undefined
  const whole = {
    clusters,
    contexts: [
      { name: 'discovery', context: { cluster: context?.['cluster'] ?? clusters?.[0]?.['name'], user: 'nobody' } },
    ],
    'current-context': 'discovery',
    users: [{ name: 'nobody', user: {} }],
  }
  const isWhole = context !== undefined && named(config, 'users', context['user']) !== undefined
  const content = isWhole ? text : JSON.stringify(whole)
  return readEndpoint({ read: async (file) => (file === path ? content : disk.read(file)) }, path)
}

type Section = Record<string, unknown>

function parseText(text: string, path: string): Section {
  try {
    const config: unknown = parse(text)
    if (isSection(config)) return config
  } catch (error) {
    throw new LifecycleError(`${path} is not a kubeconfig: ${(error as Error).message.split('\n')[0]}`, {
      hint: `it may be half written: move ${path} away, and it is made anew`,
      cause: error,
    })
  }
  throw new LifecycleError(`${path} is not a kubeconfig: it holds no mapping of clusters, contexts and users`, {
    hint: `it may be half written: move ${path} away, and it is made anew`,
  })
}

const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function named(config: Section, list: string, name: unknown): Section | undefined {
  const items = config[list]
  return Array.isArray(items) ? items.find((item) => isSection(item) && item['name'] === name) : undefined
}

const base64 = (text: string) => Buffer.from(text).toString('base64')
const decoded = (value: unknown) =>
  typeof value === 'string' && value !== '' ? Buffer.from(value, 'base64').toString() : undefined
