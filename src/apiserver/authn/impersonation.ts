import { badRequest } from '../../schema/status.ts'
import type { Attributes } from '../authz/authz.ts'
import type { UserInfo } from '../context.ts'
import type { ApiRequest } from '../request.ts'

/**
 * Acting as somebody else by the headers `Impersonate-User`, `-Group`, `-Uid` and `-Extra-*`. Each part is something
 * that the one who asks must be allowed to `impersonate`; `authorize` throws when that is not so.
 */
export function impersonate(
  request: ApiRequest,
  user: UserInfo,
  authorize: (attributes: Attributes) => void,
): UserInfo {
  const { headers } = request
  const name = headers['impersonate-user'] ?? ''
  const groups = listOf(headers['impersonate-group'])
  const uid = headers['impersonate-uid'] ?? ''
  const extra = extraOf(headers)
  if (name === '') throw badRequest(`requested ${showUser(uid, groups, extra)} without impersonating a user name`)

  const check = (resource: Partial<Attributes>) => authorize({ ...askFor(user), ...resource })
  const account = serviceAccount(name)
  if (account) check({ resource: 'serviceaccounts', ...account })
  else check({ resource: 'users', name })
  for (const group of groups) check({ resource: 'groups', name: group })
  const others = { apiGroup: 'authentication.k8s.io', apiVersion: 'v1' }
  if (uid !== '') check({ ...others, resource: 'uids', name: uid })
  for (const [key, values] of Object.entries(extra))
    for (const value of values) check({ ...others, resource: 'userextras', subresource: key, name: value })
  return { name, ...(uid && { uid }), groups: effectiveGroups(name, account, groups), extra }
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

function extraOf(headers: ApiRequest['headers']): Record<string, readonly string[]> {
  const extra: Record<string, readonly string[]> = {}
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(extraPrefix)) continue
    const key = header.slice(extraPrefix.length)
    extra[unescapeKey(key)] = listOf(value)
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

const listOf = (header: string | undefined): readonly string[] =>
  header ? header.split(',').map((item) => item.trim()) : []

/** The reference shows the half-made user as Go prints it. */
function showUser(uid: string, groups: readonly string[], extra: Readonly<Record<string, readonly string[]>>): string {
  const strings = (items: readonly string[]) => `[]string{${items.map((item) => JSON.stringify(item)).join(', ')}}`
  const keys = Object.keys(extra).sort()
  const shownExtra =
    keys.length === 0 ? '(nil)' : `{${keys.map((key) => `${JSON.stringify(key)}:${strings(extra[key]!)}`).join(', ')}}`
  const shownGroups = groups.length === 0 ? '[]string(nil)' : strings(groups)
  return `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:${shownGroups}, Extra:map[string][]string${shownExtra}}`
}
