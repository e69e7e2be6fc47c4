import type { AccessSettings } from '../../src/apiserver/access/settings.ts'
import { usualSettings } from '../../src/apiserver/access/settings.ts'
import type { Fields } from '../../src/apiserver/admission/configuration.ts'
import type { UserInfo } from '../../src/apiserver/context.ts'
import { type Cluster, type ClusterOptions, startCluster } from '../../src/cluster/cluster.ts'

/** Asking a server in this process, as somebody. */

/** Tests look into answers of all shapes. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Json = any

export interface Answer {
  readonly status: number
  readonly warnings: readonly string[]
  readonly json: Json
}

export const root: UserInfo = { name: 'root', groups: ['system:masters', 'system:authenticated'] }
export const nodeUser = (name: string): UserInfo => ({
  name: `system:node:${name}`,
  groups: ['system:nodes', 'system:authenticated'],
})
export const someone = (name: string, ...groups: string[]): UserInfo => ({
  name,
  groups: [...groups, 'system:authenticated'],
})

/** `METHOD path`. A PATCH is a JSON merge patch. */
export async function call(
  cluster: Pick<Cluster, 'handler'>,
  what: string,
  body?: object,
  user: UserInfo = root,
): Promise<Answer> {
  const [method = '', url = ''] = what.split(' ')
  const response = await cluster.handler({
    method,
    url,
    headers: { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
    body: async () => Buffer.from(body === undefined ? '' : JSON.stringify(body)),
    signal: new AbortController().signal,
    remoteAddress: '127.0.0.1',
    user,
  })
  const { warning = [] } = response.headers
  return {
    status: response.status,
    warnings: [warning].flat(),
    json: JSON.parse(String(response.body)),
  }
}

/** What makes an answer short enough for a table: 2xx by its code, anything else by its message. */
export const outcome = ({ status, json }: Answer): string => (status < 300 ? String(status) : json.message)

/** A server alone, with further admission plugins, each perhaps with its configuration. */
export function withPlugins(
  plugins: Readonly<Record<string, Fields | undefined>>,
  options: Partial<ClusterOptions> = {},
): Promise<Cluster> {
  const configured = Object.entries(plugins).flatMap(([name, fields]): [string, Fields][] =>
    fields ? [[name, fields]] : [],
  )
  const admission = { enable: Object.keys(plugins), configurations: new Map(configured) }
  const access: AccessSettings = { ...usualSettings, admission }
  return startCluster({ apiOnly: true, access, ...options })
}

/** The server follows its own watches, some turns later. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 2000; turn++) {
    if (await holds()) return
    await new Promise((done) => setImmediate(done))
  }
  throw new Error('it never came about')
}
