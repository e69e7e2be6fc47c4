import { X509Certificate } from 'node:crypto'
import { ApiError } from '../../schema/status.ts'
import type { Clock, Disk, Log, Random } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { FileChanges } from '../file-changes.ts'
import { paths } from '../paths.ts'
import { newKey } from '../pki/create.ts'
import { utc } from '../pki/files.ts'
import { readEndpoint, writeKubeconfigFiles } from '../pki/kubeconfigs.ts'
import type { KeyAlgorithm, KeyPair } from '../pki.ts'
import type { Connect } from './connect.ts'
import { followTrust, isOutgoing } from './follow-trust.ts'
import { type CertificateWish, RequestRefusedError, requestCertificate } from './request-certificate.ts'

/**
 * The certificates of a kubelet: by the client's it speaks to the API server, by the server's it is spoken to. Each lies
 * in a dated file, key beside certificate, to which `kubelet-client-current.pem` (or `-server-`) leads, as the
 * reference's kubelet has it. The cluster signs them; the kubelet asks for the next one in good time.
 */
export interface KubeletCertificate {
  readonly kind: 'client' | 'server'
  readonly nodeName: string
  /** Names and addresses of the node, for the server's. */
  readonly hosts?: () => readonly string[]
  /** Default: `/var/lib/kubelet/pki`. */
  readonly folder?: string
  readonly algorithm?: KeyAlgorithm
}

export interface KubeletWorld {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly connect: Connect
}

/** Where the certificate in use lies, with its key. */
export const currentCertificateFile = ({ kind, folder = paths.kubeletCertificates }: KubeletCertificate): string =>
  `${folder}/kubelet-${kind}-current.pem`

/** The certificate in use; nothing when there is none that can be read. */
export async function readKubeletCertificate(disk: Disk, of: KubeletCertificate): Promise<KeyPair | undefined> {
  const text = await disk.read(currentCertificateFile(of))
  const certificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n?/.exec(text ?? '')?.[0]
  const key = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----\n?/.exec(text ?? '')?.[0]
  if (certificate === undefined || key === undefined) return undefined
  try {
    new X509Certificate(certificate)
    return { certificate, key }
  } catch {
    return undefined
  }
}

export interface Bootstrap {
  readonly nodeName: string
  /** Default: `/etc/kubernetes/bootstrap-kubelet.conf` */
  readonly bootstrapKubeconfig?: string
  /** Default: `/etc/kubernetes/kubelet.conf` */
  readonly kubeconfig?: string
  /** Default: `/var/lib/kubelet/pki` */
  readonly folder?: string
  /** How long to wait for a signature; default 15 minutes. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Sees that the kubelet has a kubeconfig with a certificate that holds: one that is there is left alone, else the
 * cluster is asked with the bootstrap kubeconfig (TLS bootstrap). Resolves to whether it had to be.
 * @throws LifecycleError when there is nothing to ask with, the cluster refuses, or nobody signs
 */
export async function bootstrapKubelet(world: KubeletWorld, options: Bootstrap): Promise<boolean> {
  const { bootstrapKubeconfig = paths.bootstrapKubeconfig, kubeconfig = paths.kubeletKubeconfig } = options
  const { nodeName, folder = paths.kubeletCertificates } = options
  const of: KubeletCertificate = { kind: 'client', nodeName, folder }
  const fault = await faultOf(kubeconfig, world)
  if (fault === undefined) return false
  if ((await world.disk.read(bootstrapKubeconfig)) === undefined) throw fault
  const endpoint = await readEndpoint(world.disk, bootstrapKubeconfig)
  const existing = await readKubeletCertificate(world.disk, of)
  if (!existing || !holds(existing, nodeName, world.clock)) {
    await using client = world.connect(endpoint)
    await obtain(client, of, world, options).catch((error: unknown) => Promise.reject(explained(error)))
  }
  const file = currentCertificateFile(of)
  const { server, certificateAuthority = '' } = endpoint
  await world.disk.write(
    kubeconfig,
    writeKubeconfigFiles({ server, certificateAuthority, certificateFile: file, keyFile: file }),
  )
  return true
}

/** What the API refuses, with what to do about it. */
function explained(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error
  const hints: Readonly<Record<string, string>> = {
    Unauthorized:
      'the bootstrap token has expired: join again with what "coracle token create --print-join-command" prints',
    Forbidden: 'nodes may not ask for certificates here: run "coracle init phase bootstrap-token" on a control plane',
  }
  const hint = hints[error.reason]
  const message = `could not request a certificate for the kubelet: ${error.message}`
  return new LifecycleError(message, { ...(hint && { hint }), cause: error })
}

/** Why the kubelet cannot work with its kubeconfig; nothing when it can. */
async function faultOf(kubeconfig: string, { disk, clock }: KubeletWorld): Promise<LifecycleError | undefined> {
  if ((await disk.read(kubeconfig)) === undefined) {
    return new LifecycleError(`${kubeconfig} is not there, and there is no bootstrap kubeconfig to ask for one`, {
      hint: 'join the host again: coracle reset, then coracle join',
    })
  }
  try {
    const { clientCertificate, token } = await readEndpoint(disk, kubeconfig)
    if (clientCertificate === undefined) return token === undefined ? noCredential(kubeconfig) : undefined
    const { validToDate } = new X509Certificate(clientCertificate)
    if (validToDate.getTime() > clock.now()) return undefined
    return new LifecycleError(
      `part of the existing bootstrap client certificate in ${kubeconfig} is expired: ${utc(validToDate)}`,
      {
        hint: 'on a control plane: coracle certs rescue; on a worker: coracle reset, then coracle join',
      },
    )
  } catch (error) {
    if (error instanceof LifecycleError) return error
    return new LifecycleError(`the certificate that ${kubeconfig} names cannot be read`, { cause: error })
  }
}

const noCredential = (kubeconfig: string) => new LifecycleError(`${kubeconfig} names no certificate`)

const holds = ({ certificate }: KeyPair, nodeName: string, clock: Clock): boolean => {
  const { subject, validToDate } = new X509Certificate(certificate)
  return validToDate.getTime() > clock.now() && subject.split('\n').includes(`CN=system:node:${nodeName}`)
}

export interface Freshness {
  /** By which the cluster is asked; default `/etc/kubernetes/kubelet.conf`. It is read anew each time. */
  readonly kubeconfig?: string
  /** How often the authorities of the cluster are looked at; default: every hour. */
  readonly lookMs?: number
  /** Called with every certificate that is new, also the first. */
  changed?(pair: KeyPair): void
  readonly signal: AbortSignal
}

/**
 * Keeps a certificate fresh until the signal: asks for the next one when 70 to 90 % of its life are over, at a time of
 * its own, so that not all nodes come at once; and at once when the cluster has another authority by now. For that the
 * client's looks when it begins, when the kubeconfig changes (on a control plane, where an authority is replaced), and
 * every hour. What fails is tried again, and logged. Resolves when the signal comes.
 */
export async function keepFresh(of: KubeletCertificate, options: Freshness, world: KubeletWorld): Promise<void> {
  const { signal, kubeconfig = paths.kubeletKubeconfig } = options
  let failures = 0
  let outgoing = 0
  let lookInMs = 0
  while (!signal.aborted) {
    try {
      const current = await readKubeletCertificate(world.disk, of)
      if (current && failures === 0) await waitUntilDue(current, of, options, lookInMs, world)
      const obtained = await obtainNext(of, kubeconfig, signal, world)
      options.changed?.(obtained)
      failures = 0
      // Who signs may not have come as far as this host has: it is tried again, and more and more seldom.
      outgoing = (await isOutgoing(obtained.certificate, world.disk, kubeconfig)) ? outgoing + 1 : 0
      lookInMs = outgoing === 0 ? hourMs : firstRetryMs * 2 ** outgoing
    } catch (error) {
      if (signal.aborted) return
      const againInMs = Math.min(firstRetryMs * 2 ** failures++, longestRetryMs)
      const fields = { kind: of.kind, node: of.nodeName, error: (error as Error).message, againInMs }
      world.log('warn', "the kubelet's certificate could not be renewed", fields)
      await world.clock.after(againInMs, signal).catch(() => {})
    }
  }
}

async function obtainNext(
  of: KubeletCertificate,
  kubeconfig: string,
  signal: AbortSignal,
  world: KubeletWorld,
): Promise<KeyPair> {
  await using client = world.connect(await readEndpoint(world.disk, kubeconfig))
  return await obtain(client, of, world, { signal })
}

async function waitUntilDue(
  { certificate }: KeyPair,
  of: KubeletCertificate,
  { kubeconfig = paths.kubeletKubeconfig, lookMs = hourMs, signal }: Freshness,
  lookInMs: number,
  world: KubeletWorld,
): Promise<void> {
  const { clock, random, log } = world
  const due = rotationTime(certificate, random)
  using changes = new FileChanges(kubeconfig, world)
  let nextMs = Math.min(lookInMs, lookMs)
  // By the wall clock, which may be set; so it is looked at now and then.
  for (let left = due - clock.now(); left > 0; left = due - clock.now()) {
    const waitMs = Math.min(left, nextMs * (0.9 + 0.2 * random.next()))
    if (nextMs > 0 && (await changes.wait(waitMs, signal))) await clock.after(settleMs, signal)
    nextMs = lookMs
    try {
      if (of.kind === 'client') await followTrust(world, kubeconfig)
      if (await isOutgoing(certificate, world.disk, kubeconfig)) return
    } catch (error) {
      if (signal.aborted) throw error
      log('debug', 'the authorities of the cluster could not be looked at', { error: (error as Error).message })
    }
  }
}

/** A change to a file often comes as several events. */
const settleMs = 50
const hourMs = 3_600_000
const firstRetryMs = 2000
const longestRetryMs = 5 * 60_000

/** When to ask for the next one: milliseconds since 1970. */
export function rotationTime(certificate: string, random: Random): number {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  const from = validFromDate.getTime()
  return from + (validToDate.getTime() - from) * (0.7 + 0.2 * random.next())
}

/** Asks for a certificate, waits for it, and puts it where it is used. */
async function obtain(
  client: Parameters<typeof requestCertificate>[0],
  of: KubeletCertificate,
  world: KubeletWorld,
  patience: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
): Promise<KeyPair> {
  const { folder = paths.kubeletCertificates, kind } = of
  // The key waits on the disk: whoever is interrupted finds his request again.
  const keyFile = `${folder}/kubelet-${kind}.key.tmp`
  const key = (await world.disk.read(keyFile)) ?? newKey(of.algorithm ?? 'ECDSA-P256')
  await world.disk.write(keyFile, key, 0o600)
  try {
    const certificate = await requestCertificate(client, wishOf(of), key, { clock: world.clock, ...patience })
    const dated = `kubelet-${kind}-${stamp(world.clock)}.pem`
    await world.disk.write(`${folder}/${dated}`, certificate + key, 0o600)
    await world.disk.link(`${folder}/${dated}`, currentCertificateFile(of))
    await world.disk.remove(keyFile)
    return { certificate, key }
  } catch (error) {
    if (error instanceof RequestRefusedError) await world.disk.remove(keyFile)
    throw error
  }
}

function wishOf({ kind, nodeName, hosts }: KubeletCertificate): CertificateWish {
  const isServer = kind === 'server'
  return {
    commonName: `system:node:${nodeName}`,
    organizations: ['system:nodes'],
    signerName: isServer ? 'kubernetes.io/kubelet-serving' : 'kubernetes.io/kube-apiserver-client-kubelet',
    usages: ['digital signature', isServer ? 'server auth' : 'client auth'],
    ...(isServer && { hosts: hosts?.() ?? [nodeName] }),
  }
}

/** `2026-01-31-12-00-00` */
const stamp = (clock: Clock): string =>
  new Date(clock.now())
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[T:]/g, '-')
