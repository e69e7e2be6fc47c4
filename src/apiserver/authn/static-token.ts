import { createHash } from 'node:crypto'
import { ApiError } from '../../schema/status.ts'
import type { UserInfo } from '../context.ts'
import type { Authenticator } from './authn.ts'

/** A token file that cannot be read as one. */
export class TokenFileError extends Error {}

/**
 * Tokens from a CSV file as kube-apiserver's `--token-auth-file` reads it: `token,user,uid,"group1,group2"` a line,
 * the groups optional. Throws `TokenFileError` that names the line.
 */
export function parseTokenFile(text: string): Map<string, UserInfo> {
  const users = new Map<string, UserInfo>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const fields = parseCsvLine(line)
    if (!fields) throw new TokenFileError(`line ${index + 1}: a quote is not closed`)
    if (fields.length < 3)
      throw new TokenFileError(
        `line ${index + 1}: at least three columns are needed (token,user,uid), found ${fields.length}`,
      )
    const [token, name, uid, groups] = fields as [string, string, string, string?]
    if (token === '') throw new TokenFileError(`line ${index + 1}: the token is empty`)
    users.set(digest(token), { name, uid, groups: groups ? groups.split(',').map((group) => group.trim()) : [] })
  }
  return users
}

function parseCsvLine(line: string): string[] | undefined {
  const fields: string[] = []
  for (let rest = line; ; ) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*(,|$)/.exec(rest)
    const plain = /^([^,"]*)(,|$)/.exec(rest)
    const found = quoted ?? plain
    if (!found) return undefined
    fields.push(quoted ? quoted[1]!.replaceAll('""', '"') : plain![1]!.trim())
    if (found[2] === '') return fields
    rest = rest.slice(found[0].length)
  }
}

/** Users are looked up by a digest, so that comparing takes the same time whatever the token. */
const digest = (token: string) => createHash('sha256').update(token).digest('hex')

/**
 * Bearer tokens of a fixed list. Headers that were shown with success are remembered whole, since a digest costs as much
 * as the rest of finding out who asks: one way of writing each token, and as many others.
 */
export function staticTokens(users: ReadonlyMap<string, UserInfo>): Authenticator {
  const byHeader = new Map<string, Shown>()
  return {
    name: 'token-auth-file',
    authenticate({ headers: { authorization } }) {
      if (authorization === undefined || users.size === 0) return undefined
      const known = byHeader.get(authorization)
      // The list changes with its file: a token that was in it may be gone, or another's.
      if (known !== undefined && users.get(known.digest) === known.listed) return known.user
      const token = bearerToken(authorization)
      if (token === undefined) return undefined
      const listed = users.get(digest(token))
      if (listed === undefined) return undefined
      const user = { ...listed, groups: withAuthenticated(listed.groups) }
      if (byHeader.size >= 2 * users.size) byHeader.clear()
      byHeader.set(authorization, { digest: digest(token), listed, user })
      return user
    },
  }
}

/** Whose token a header has shown. */
interface Shown {
  readonly digest: string
  readonly listed: UserInfo
  readonly user: UserInfo
}

/** The token of an `Authorization: Bearer` header. */
export function bearerToken(header: string | undefined): string | undefined {
  if (!header) return undefined
  const [scheme, token] = header.trim().split(' ')
  return scheme?.toLowerCase() === 'bearer' && token ? token : undefined
}

export function withAuthenticated(groups: readonly string[]): readonly string[] {
  return groups.includes('system:authenticated') ? groups : [...groups, 'system:authenticated']
}

/** Stands last: whoever shows a token that nobody knew is refused, not anonymous. */
export const refuseUnknownTokens: Authenticator = {
  name: 'unknown-token',
  authenticate(request) {
    if (bearerToken(request.headers.authorization) !== undefined) throw new ApiError('Unauthorized', 'Unauthorized')
    return undefined
  },
}
