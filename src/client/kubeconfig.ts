import { parse } from 'yaml'
import type { Endpoint } from './http.ts'

/** A kubeconfig from which no client can be made. */
export class KubeconfigError extends Error {}

/** The way to a server that a context of a kubeconfig names, and the credential for it. */
export interface KubeconfigEndpoint extends Endpoint {
  readonly token?: string
}

/**
 * Reads the context of that name, or the current one. Certificates and keys must stand in the file itself
 * (`...-data`), as they do in those that `coracle kubeconfig` and kubeadm write for people. Throws `KubeconfigError`.
 */
export function fromKubeconfig(text: string, context?: string): KubeconfigEndpoint {
  const config = read(text)
  const name = context ?? (config['current-context'] as string | undefined)
  if (!name) throw new KubeconfigError('it names no current context')
  const chosen = named(config, 'contexts', 'context', name)
  const cluster = named(config, 'clusters', 'cluster', textOf(chosen, 'cluster') ?? '')
  const user = named(config, 'users', 'user', textOf(chosen, 'user') ?? '')
  const server = textOf(cluster, 'server')
  if (!server) throw new KubeconfigError(`cluster ${JSON.stringify(chosen['cluster'])} names no server`)
  for (const [key, instead] of Object.entries(unreadable)) {
    if (cluster[key] !== undefined || user[key] !== undefined)
      throw new KubeconfigError(`${key} cannot be used here: ${instead}`)
  }
  const certificateAuthority = dataOf(cluster, 'certificate-authority-data')
  const clientCertificate = dataOf(user, 'client-certificate-data')
  const clientKey = dataOf(user, 'client-key-data')
  const token = textOf(user, 'token')
  const tlsServerName = textOf(cluster, 'tls-server-name')
  return {
    server,
    ...(certificateAuthority !== undefined && { certificateAuthority }),
    ...(clientCertificate !== undefined && { clientCertificate }),
    ...(clientKey !== undefined && { clientKey }),
    ...(token !== undefined && { token }),
    ...(tlsServerName !== undefined && { tlsServerName }),
    ...(cluster['insecure-skip-tls-verify'] === true && { skipServerVerification: true }),
  }
}

type Section = Readonly<Record<string, unknown>>

/** What would need the disk or other programs, and what to write instead. */
const unreadable: Readonly<Record<string, string>> = {
  'certificate-authority': 'put the certificate into certificate-authority-data',
  'client-certificate': 'put the certificate into client-certificate-data',
  'client-key': 'put the key into client-key-data',
  tokenFile: 'put the token into token',
  exec: 'use a token or a client certificate',
  'auth-provider': 'use a token or a client certificate',
}

function read(text: string): Section {
  try {
    const config: unknown = parse(text)
    if (isSection(config)) return config
  } catch (error) {
    throw new KubeconfigError((error as Error).message.split('\n')[0], { cause: error })
  }
  throw new KubeconfigError('it holds no mapping of clusters, contexts and users')
}

function named(config: Section, list: string, key: string, name: string): Section {
  const items: unknown = config[list]
  const found = Array.isArray(items) ? items.find((item) => isSection(item) && item['name'] === name) : undefined
  const content: unknown = isSection(found) ? found[key] : undefined
  if (!isSection(content)) throw new KubeconfigError(`it has no ${key} ${JSON.stringify(name)}`)
  return content
}

const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function textOf(section: Section, key: string): string | undefined {
  const value = section[key]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new KubeconfigError(`${key} is not a text`)
  return value
}

/** Base64 of a PEM. */
function dataOf(section: Section, key: string): string | undefined {
  const text = textOf(section, key)
  if (text === undefined) return undefined
  const pem = Buffer.from(text, 'base64').toString('utf8')
  if (!pem.includes('-----BEGIN ')) throw new KubeconfigError(`${key} holds no PEM in base64`)
  return pem
}
