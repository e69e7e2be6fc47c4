import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Client } from '../../client/client.ts'
import { Secret } from '../../kinds/core/secret.ts'
import { ApiError, isNotFound } from '../../schema/status.ts'
import type { Clock, Disk, Random } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'
import { nextKeyFile } from '../pki/rotate.ts'
import type { PkiSettings } from '../pki/settings.ts'
import { authoritiesOf } from '../pki/specs.ts'
import { put, putBinding, putRole } from './objects.ts'
import { createTokens, defaultTokenGroup, tokenNamespace, tokenSecretName } from './secrets.ts'
import { newToken } from './token.ts'

/**
 * What control planes share, encrypted in the secret `kubeadm-certs`: the authorities and the key of service accounts.
 * The key to it stays with whoever uploads. A token of two hours owns the secret, so that it goes away with it.
 */
export const certificateSecret = { namespace: tokenNamespace, name: 'kubeadm-certs' } as const
const lifeMs = 2 * 3_600_000
const roleName = 'kubeadm:kubeadm-certs'

/** Files of an etcd that is somebody else's, by `etcd.external`. */
export interface ExternalEtcdFiles {
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
}

export interface SharedFiles {
  readonly settings: PkiSettings
  readonly externalEtcd?: ExternalEtcdFiles
}

type Print = (line: string) => void

/** 32 random bytes, in hexadecimal: what `certs certificate-key` prints. */
export const newCertificateKey = (random: Random): string => Buffer.from(random.bytes(32)).toString('hex')

/** @throws LifecycleError when it is no key */
export function parseCertificateKey(text: string): Buffer {
  const key = Buffer.from(text, 'hex')
  if (/^[0-9a-f]*$/i.test(text) && text.length === 64) return key
  throw new LifecycleError(
    `error decoding certificate key: it must be 64 hexadecimal digits, not ${text.length} characters`,
    {
      hint: 'make one: coracle certs certificate-key; or upload anew: coracle init phase upload-certs --upload-certs',
    },
  )
}

/** Stores what control planes share under a new token of two hours. With each upload the key of the last one is void. */
export async function uploadCertificates(
  client: Client,
  files: SharedFiles,
  certificateKey: string,
  world: { readonly disk: Disk; readonly clock: Clock; readonly random: Random },
  print: Print,
): Promise<void> {
  const { namespace, name } = certificateSecret
  print(`[upload-certs] Storing the certificates in Secret "${name}" in the "${namespace}" Namespace`)
  const key = parseCertificateKey(certificateKey)
  const data: Record<string, string> = {}
  for (const [entry, path] of sharedFiles(files)) {
    const content = await world.disk.read(path)
    data[entry] = content === undefined ? '' : encrypt(content, key, world.random)
  }
  for (const [entry, path] of nextKeys(files)) {
    const content = await world.disk.read(path)
    if (content !== undefined) data[entry] = encrypt(content, key, world.random)
  }
  const owner = await createOwner(client, world)
  const ownerReferences = [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      name: owner.metadata.name!,
      uid: owner.metadata.uid!,
      controller: true,
      blockOwnerDeletion: true,
    },
  ]
  await put(client, Secret, { metadata: { ...certificateSecret, ownerReferences }, data })
  await putRole(client, namespace, roleName, [
    { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: [name] },
  ])
  await putBinding(client, namespace, roleName, { kind: 'Group', name: defaultTokenGroup })
}

async function createOwner(client: Client, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
  const token = newToken(random)
  const description = 'Proxy for managing TTL for the kubeadm-certs secret'
  await createTokens(client, [{ token, description, expiresAtMs: clock.now() + lifeMs, usages: [], groups: [] }])
  return client.get(Secret, { namespace: tokenNamespace, name: tokenSecretName(token.id) })
}

/**
 * Writes what control planes share to this host.
 * @throws LifecycleError when it is gone, the key is not the one it was uploaded with, or something is missing; then
 * nothing was written
 */
export async function downloadCertificates(
  client: Client,
  files: SharedFiles,
  certificateKey: string,
  { disk }: { readonly disk: Disk },
  print: Print,
): Promise<void> {
  const { namespace, name } = certificateSecret
  print(`[download-certs] Downloading the certificates in Secret "${name}" in the "${namespace}" Namespace`)
  const key = parseCertificateKey(certificateKey)
  const { data = {} } = await readSecret(client)
  const shared = sharedFiles(files).map(([entry, path]) => {
    const encrypted = data[entry]
    if (encrypted === undefined) {
      throw new LifecycleError(
        `the Secret does not include the required certificate or key - name: ${entry}, path: ${path}`,
        { hint: 'upload it anew: coracle init phase upload-certs --upload-certs' },
      )
    }
    return [path, encrypted === '' ? undefined : decrypt(encrypted, key)] as const
  })
  const next = nextKeys(files).map(([entry, path]) => [path, data[entry] && decrypt(data[entry], key)] as const)
  print(`[download-certs] Saving the certificates to the folder: "${files.settings.certificatesDir}"`)
  // Keys come before the certificates that go with them.
  for (const [path, content] of shared) {
    if (content !== undefined) await disk.write(path, content, path.endsWith('.crt') ? 0o644 : 0o600)
  }
  for (const [path, content] of next) await (content ? disk.write(path, content, 0o600) : disk.remove(path))
}

async function readSecret(client: Client): Promise<Secret> {
  try {
    return await client.get(Secret, certificateSecret)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (!isNotFound(error)) {
      throw new LifecycleError(`error downloading the secret: ${error.message}`, {
        hint: 'the token may have expired, or may not read it: on a control plane, upload anew with "coracle init phase upload-certs --upload-certs"',
        cause: error,
      })
    }
    const { namespace, name } = certificateSecret
    throw new LifecycleError(
      `error downloading the secret: Secret "${name}" was not found in the "${namespace}" Namespace. This Secret might have expired. Please, run \`kubeadm init phase upload-certs --upload-certs\` on a control plane to generate a new one`,
      { hint: 'here that is: coracle init phase upload-certs --upload-certs', cause: error },
    )
  }
}

/** Entries of the secret and where they lie on a host; keys before their certificates. */
function sharedFiles({ settings, externalEtcd }: SharedFiles): readonly (readonly [entry: string, path: string])[] {
  const below = (file: string) => [file.replaceAll('/', '-'), `${settings.certificatesDir}/${file}`] as const
  const pairs = authoritiesOf(settings).flatMap(({ baseName }) => [below(`${baseName}.key`), below(`${baseName}.crt`)])
  const others = externalEtcd
    ? ([
        ['external-etcd-ca.crt', externalEtcd.caFile],
        ['external-etcd.key', externalEtcd.keyFile],
        ['external-etcd.crt', externalEtcd.certFile],
      ] as const)
    : []
  return [...pairs, below('sa.key'), below('sa.pub'), ...others]
}

/** Keys of authorities that are about to take the place of others: there only while that lasts. */
function nextKeys({ settings }: SharedFiles): readonly (readonly [entry: string, path: string])[] {
  return authoritiesOf(settings).map((spec) => [
    `${spec.baseName.replaceAll('/', '-')}-next.key`,
    nextKeyFile(spec, settings),
  ])
}

const nonceBytes = 12
const tagBytes = 16

/** AES-256-GCM: nonce, text, tag; in base64. */
function encrypt(content: string, key: Buffer, random: Random): string {
  const nonce = random.bytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]).toString('base64')
}

function decrypt(base64: string, key: Buffer): string {
  const bytes = Buffer.from(base64, 'base64')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes))
    decipher.setAuthTag(bytes.subarray(-tagBytes))
    const text = bytes.subarray(nonceBytes, -tagBytes)
    return Buffer.concat([decipher.update(text), decipher.final()]).toString()
  } catch (error) {
    throw new LifecycleError('error decoding secret data with provided key: cipher: message authentication failed', {
      hint: 'the certificate key is not the one of the last upload: use that one, or upload anew: coracle init phase upload-certs --upload-certs',
      cause: error,
    })
  }
}
