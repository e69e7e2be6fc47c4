import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccessFlags, readAccessFlags } from '../../src/apiserver/access/flags.ts'
import { defaultIssuer } from '../../src/apiserver/authn/service-account-tokens.ts'
import { type Cluster, type ClusterOptions, startCluster } from '../../src/cluster/cluster.ts'
import { hostWorld } from '../../src/world/host.ts'
import { VirtualWorld } from '../../src/world/virtual.ts'
import type { OutsideServer } from './outside.ts'

/** A server whose time the test moves, with the real network and disk, and kube-apiserver's flags. */
export interface AccessCluster extends AsyncDisposable {
  readonly cluster: Cluster
  readonly world: VirtualWorld
  /** Writes a file of the configuration. */
  write(name: string, content: string | object): Promise<void>
  /** Asks with a bearer token, or without; gives the status and what came. */
  ask(path: string, token?: string, more?: Asking): Promise<{ readonly status: number; readonly json: Answered }>
  /** Who the server takes somebody for; or what it says instead. */
  whoAmI(token?: string): Promise<string>
}

interface Asking {
  readonly method?: string
  readonly body?: object
}

// Tests look into answers of any shape.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Answered = any

type Files = Readonly<Record<string, string | object>>

/**
 * @param flags values that are a file's name in `files` become its path
 * @param files of the configuration; texts as they are, objects as JSON, which is YAML
 * @param options of the cluster; by default it is an API server alone
 */
export async function accessCluster(
  flags: AccessFlags,
  files: Files = {},
  options: ClusterOptions = { apiOnly: true },
): Promise<AccessCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-access-'))
  const write = (name: string, content: string | object) =>
    writeFile(join(folder, name), typeof content === 'string' ? content : inFolder(JSON.stringify(content), folder))
  for (const [name, content] of Object.entries(files)) await write(name, content)
  const paths = Object.entries(flags).map(([flag, value]) => [flag, value in files ? join(folder, value) : value])
  const { disk, network } = hostWorld(() => {})
  const world = new VirtualWorld(1, { startMs: Date.now() })
  const end = () => rm(folder, { recursive: true, force: true })
  try {
    const access = await readAccessFlags(Object.fromEntries(paths) as AccessFlags, (path) => disk.read(path), [
      defaultIssuer,
    ])
    const cluster = await startCluster({ ...options, world, network, disk, access })
    const ask: AccessCluster['ask'] = async (path, token, { method = 'GET', body } = {}) => {
      const response = await cluster.handler({
        method,
        url: path,
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: async () => Buffer.from(body === undefined ? '' : JSON.stringify(body)),
        signal: new AbortController().signal,
        remoteAddress: '127.0.0.1',
      })
      const text = String(response.body)
      return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : text }
    }
    const whoAmI = async (token?: string) => {
      const { status, json } = await ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', token, {
        method: 'POST',
        body: {},
      })
      if (status !== 201) return `${status} ${json.message ?? json}`
      const { username, uid, groups = [], extra = {} } = json.status.userInfo
      const { 'authentication.kubernetes.io/credential-id': _, ...others } = extra
      const shown = Object.keys(others).length === 0 ? '' : ` ${JSON.stringify(others)}`
      return `${username}${uid ? `/${uid}` : ''} [${groups.join(' ')}]${shown}`
    }
    return {
      cluster,
      world,
      write,
      ask,
      whoAmI,
      async [Symbol.asyncDispose]() {
        await cluster[Symbol.asyncDispose]()
        await end()
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** `{folder}` in files stands for where they are. */
const inFolder = (text: string, folder: string) => text.replaceAll('{folder}', folder)

/** A kubeconfig that names a webhook. */
export const webhookConfig = (server: OutsideServer, path: string, token = 'let-me-in') => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [
    {
      name: 'hook',
      cluster: { server: `https://127.0.0.1:${server.port}${path}`, 'certificate-authority-data': server.caBundle },
    },
  ],
  users: [{ name: 'server', user: { token } }],
  contexts: [{ name: 'hook', context: { cluster: 'hook', user: 'server' } }],
  'current-context': 'hook',
})

/** A key with which an issuer signs, by the name of the algorithm. */
export class SigningKey {
  readonly id: string
  readonly algorithm: string
  readonly #private: KeyObject
  readonly #public: KeyObject

  constructor(algorithm: string, id: string) {
    this.id = id
    this.algorithm = algorithm
    const curve = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[algorithm]
    const pair =
      curve === undefined
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: curve })
    this.#private = pair.privateKey
    this.#public = pair.publicKey
  }

  get jwk(): object {
    return { ...this.#public.export({ format: 'jwk' }), kid: this.id, use: 'sig', alg: this.algorithm }
  }

  get publicPem(): string {
    return this.#public.export({ type: 'spki', format: 'pem' }).toString()
  }

  token(claims: object, header: object = {}): string {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const content = `${encode({ alg: this.algorithm, kid: this.id, typ: 'JWT', ...header })}.${encode(claims)}`
    const manner = this.algorithm.startsWith('PS')
      ? { padding: 6, saltLength: -1 }
      : { dsaEncoding: 'ieee-p1363' as const }
    const signature = sign(`sha${this.algorithm.slice(2)}`, Buffer.from(content), { key: this.#private, ...manner })
    return `${content}.${signature.toString('base64url')}`
  }
}

/** Until something holds that comes from outside: a file's change, a process. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 400; turn++) {
    if (await holds()) return
    await new Promise((done) => setTimeout(done, 25))
  }
  throw new Error('it never came about')
}
