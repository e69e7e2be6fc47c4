import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import type { Client } from '../../client/client.ts'
import { CertificateSigningRequest } from '../../kinds/certificates/certificate-signing-request.ts'
import { isAlreadyExists, isNotFound } from '../../schema/status.ts'
import type { Clock } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { makeRequest, type Wish } from '../pki/request.ts'

/** A certificate that a node asks the cluster for. */
export interface CertificateWish extends Wish {
  readonly signerName: string
  readonly usages: readonly string[]
}

export interface Patience {
  readonly clock: Clock
  /** How long to wait for somebody to approve and sign; default 15 minutes, the kubelet's. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Somebody has said no, or what was signed is not for this key: another try needs another key. */
export class RequestRefusedError extends LifecycleError {}

const defaultTimeoutMs = 15 * 60_000

/**
 * Asks for a certificate for a key and waits until it is signed. Asked again with the same key, it finds its own
 * request, so that a node that was interrupted goes on where it was.
 * @throws RequestRefusedError when it is denied
 * @throws LifecycleError when nobody signs in time
 */
export async function requestCertificate(
  client: Client,
  wish: CertificateWish,
  key: string,
  patience: Patience,
): Promise<string> {
  const name = `node-csr-${digestOf(key, wish)}`
  await createRequest(client, name, wish, key)
  const certificate = await signed(client, name, patience)
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) {
    throw new RequestRefusedError(`the certificate of request ${name} is for another key`, {
      hint: `somebody else has made it: kubectl delete csr ${name}`,
    })
  }
  return certificate
}

/** The same for the same key and wish, in the alphabet of names. */
function digestOf(key: string, { commonName, signerName, usages }: CertificateWish): string {
  const hash = createHash('sha256')
  hash.update(createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' }))
  hash.update([commonName, signerName, ...usages].join('\n'))
  return hash.digest('hex').slice(0, 40)
}

async function createRequest(client: Client, name: string, wish: CertificateWish, key: string): Promise<void> {
  const request = Buffer.from(makeRequest(wish, key)).toString('base64')
  const { signerName, usages } = wish
  try {
    await client.create(CertificateSigningRequest, { metadata: { name }, spec: { request, signerName, usages } })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}

async function signed(client: Client, name: string, patience: Patience): Promise<string> {
  const { clock, timeoutMs = defaultTimeoutMs, signal } = patience
  const end = new AbortController()
  const stop = clock.timer(timeoutMs, () => end.abort())
  const ends = signal ? AbortSignal.any([signal, end.signal]) : end.signal
  try {
    while (!ends.aborted) {
      const certificate = await answerTo(client, name, ends)
      if (certificate !== undefined) return certificate
    }
  } finally {
    stop()
  }
  signal?.throwIfAborted()
  throw new LifecycleError(`the certificate request ${name} was not signed in time`, {
    hint: 'see "kubectl get csr": approve it with "kubectl certificate approve NAME", or see whether the controller manager runs',
  })
}

/** What has become of a request, now or while the watch lasts; nothing when the watch ends before. */
async function answerTo(client: Client, name: string, signal: AbortSignal): Promise<string | undefined> {
  const request = await existing(client, name)
  const now = certificateOf(request)
  if (now !== undefined) return now
  const resourceVersion = request.metadata.resourceVersion ?? '0'
  const fieldSelector = `metadata.name=${name}`
  for await (const event of client.watch(CertificateSigningRequest, { fieldSelector, resourceVersion, signal })) {
    if (event.type === 'BOOKMARK') continue
    if (event.type === 'DELETED') throw goneError(name)
    const certificate = certificateOf(event.object)
    if (certificate !== undefined) return certificate
  }
  return undefined
}

async function existing(client: Client, name: string): Promise<CertificateSigningRequest> {
  try {
    return await client.get(CertificateSigningRequest, { name })
  } catch (error) {
    throw isNotFound(error) ? goneError(name) : error
  }
}

const goneError = (name: string) => new RequestRefusedError(`the certificate request ${name} was deleted`)

function certificateOf({ metadata, status }: CertificateSigningRequest): string | undefined {
  const no = (status.conditions ?? []).find(({ type }) => type === 'Denied' || type === 'Failed')
  if (no) {
    const why = [no.reason, no.message].filter(Boolean).join(', ')
    throw new RequestRefusedError(
      `certificate signing request is ${no.type === 'Denied' ? 'denied' : 'failed'}, reason: ${why}`,
      {
        hint: `see: kubectl describe csr ${metadata.name}`,
      },
    )
  }
  return status.certificate ? Buffer.from(status.certificate, 'base64').toString() : undefined
}
