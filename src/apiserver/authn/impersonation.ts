import { badRequest } from '../../schema/status.ts'
import type { Attributes } from '../authz/authz.ts'
import type { UserInfo } from '../context.ts'
import { type ApiRequest, headerValues } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'

type Authorize = (attributes: Attributes) => void | Promise<void>

/** Throws when the one who asks may not act so. */
export type Impersonation = (
  request: ApiRequest,
  user: UserInfo,
  authorize: Authorize,
  info: RequestInfo,
) => Promise<UserInfo>

/**
 * Acting as somebody else by the headers `Impersonate-User`, `-Group`, `-Uid` and `-Extra-*`. There are two ways to be
 * allowed to: for this request alone (KEP-5284: the right to do it on somebody's behalf, and the right to act as this
 * one), or the old way, for whatever they may do: the verb `impersonate` on each part. What is told to those who may
 * neither is what the way said that last worked for them, or else the first; the server remembers that.
 */
export function createImpersonation(): Impersonation {
  const lastWay = new Map<string, Way>()
  return async (request, user, authorize, info) => {
    const wanted = wantedUser(request)
    const ways = waysFor(wanted)
    const last = lastWay.get(user.name)
    if (last !== undefined && ways.includes(last)) ways.sort((left) => (left === last ? -1 : 1))
    const faults: unknown[] = []
    for (const way of ways) {
      try {
        await check(way, wanted, user, authorize, info)
        if (lastWay.size >= memory) lastWay.clear()
        lastWay.set(user.name, way)
        const { name, uid, groups, account, extra } = wanted
        return { name, ...(uid && { uid }), groups: effectiveGroups(name, account, groups), extra }
      } catch (error) {
        faults.push(error)
      }
    }
    throw faults[0]
  }
}

/** Of so many users the server remembers the way. */
const memory = 1000

type Way = 'arbitrary-node' | 'serviceaccount' | 'user-info' | 'old'

interface Wanted {
  readonly name: string
  readonly groups: readonly string[]
  readonly uid: string
  readonly extra: Readonly<Record<string, readonly string[]>>
  readonly account: { readonly namespace: string; readonly name: string } | undefined
}

function wantedUser(request: ApiRequest): Wanted {
  const { headers } = request
  const name = headers['impersonate-user'] ?? ''
  const groups = headerValues(request, 'impersonate-group')
  const uid = headers['impersonate-uid'] ?? ''
  const extra = extraOf(request)
  if (name === '') throw badRequest(`requested ${showUser(uid, groups, extra)} without impersonating a user name`)
  return { name, groups, uid, extra, account: serviceAccount(name) }
}

const nodePrefix = 'system:node:'

/** Nodes and service accounts are what their name says; only of other users further parts can be chosen. */
function waysFor({ name, groups, uid, extra, account }: Wanted): Way[] {
  const isNamedOnly = groups.length === 0 && uid === '' && Object.keys(extra).length === 0
  if (account) return isNamedOnly ? ['serviceaccount', 'old'] : ['old']
  if (name.startsWith(nodePrefix)) return isNamedOnly ? ['arbitrary-node', 'old'] : ['old']
  return ['user-info', 'old']
}

async function check(way: Way, wanted: Wanted, user: UserInfo, authorize: Authorize, info: RequestInfo): Promise<void> {
  if (way === 'old') return checkParts(wanted, '', (part) => authorize({ ...askFor(user), ...part }))
  const { namespace, group: apiGroup, version: apiVersion, resource, subresource, name, isResource, path } = info
  const request = { namespace, apiGroup, apiVersion, resource, subresource, name, isResource, path }
  await authorize({ ...request, user, verb: `impersonate-on:${way}:${info.verb}` })
  const ask = (part: Partial<Attributes>) => authorize({ ...askFor(user), verb: `impersonate:${way}`, ...part })
  if (way === 'arbitrary-node') await ask({ ...parts, resource: 'nodes', name: wanted.name.slice(nodePrefix.length) })
  else await checkParts(wanted, parts.apiGroup, ask)
}

const parts = { apiGroup: 'authentication.k8s.io', apiVersion: 'v1' } as const

/** Users, groups and service accounts are asked for in `apiGroup`; what came later always in a group of its own. */
async function checkParts(
  { name, groups, uid, extra, account }: Wanted,
  apiGroup: string,
  ask: (part: Partial<Attributes>) => void | Promise<void>,
): Promise<void> {
  if (account) await ask({ apiGroup, resource: 'serviceaccounts', ...account })
  else await ask({ apiGroup, resource: 'users', name })
  for (const group of groups) await ask({ apiGroup, resource: 'groups', name: group })
  if (uid !== '') await ask({ ...parts, resource: 'uids', name: uid })
  for (const [key, values] of Object.entries(extra))
    for (const value of values) await ask({ ...parts, resource: 'userextras', subresource: key, name: value })
}

const askFor = (user: UserInfo): Attributes => ({
  user,
  verb: 'impersonate',
  namespace: '',
  apiGroup: '',
  apiVersion: 'v1',
  resource: '',
  subresource: '',
  name: '',
  isResource: true,
  path: '',
})

/** A service account is in its groups whatever the headers say; everybody else is in those that were named. */
function effectiveGroups(
  name: string,
  account: { namespace: string } | undefined,
  groups: readonly string[],
): readonly string[] {
  const own =
    account && groups.length === 0 ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`] : groups
  if (name === 'system:anonymous')
    return own.includes('system:unauthenticated') ? own : [...own, 'system:unauthenticated']
  return own.includes('system:authenticated') || own.includes('system:unauthenticated')
    ? own
    : [...own, 'system:authenticated']
}

function serviceAccount(name: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name) ?? []
  return namespace && account ? { namespace, name: account } : undefined
}

const extraPrefix = 'impersonate-extra-'

function extraOf(request: ApiRequest): Record<string, readonly string[]> {
  const extra: Record<string, readonly string[]> = {}
  for (const header of Object.keys(request.headers)) {
    if (header.startsWith(extraPrefix))
      extra[unescapeKey(header.slice(extraPrefix.length))] = headerValues(request, header)
  }
  return extra
}

/** Keys may be percent-encoded, as header names allow few characters. */
function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}

/** The reference shows the half-made user as Go prints it. */
function showUser(uid: string, groups: readonly string[], extra: Readonly<Record<string, readonly string[]>>): string {
  const strings = (items: readonly string[]) => `[]string{${items.map((item) => JSON.stringify(item)).join(', ')}}`
  const keys = Object.keys(extra).sort()
  const shownExtra =
    keys.length === 0 ? '(nil)' : `{${keys.map((key) => `${JSON.stringify(key)}:${strings(extra[key]!)}`).join(', ')}}`
  const shownGroups = groups.length === 0 ? '[]string(nil)' : strings(groups)
  return `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:${shownGroups}, Extra:map[string][]string${shownExtra}}`
}
