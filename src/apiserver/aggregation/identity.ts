import type { UserInfo } from '../context.ts'

type Headers = Record<string, string | readonly string[]>

/**
 * Says to an aggregated server who asks, in the headers that it believes when they come with the certificate of the
 * front proxy (`requestheader-*` in the ConfigMap `extension-apiserver-authentication`).
 */
export function identityHeaders({ name, uid, groups, extra = {} }: UserInfo): Headers {
  const headers: Headers = { 'x-remote-user': name }
  if (uid !== undefined && uid !== '') headers['x-remote-uid'] = uid
  if (groups.length > 0) headers['x-remote-group'] = groups
  for (const [key, values] of Object.entries(extra)) headers[`x-remote-extra-${escapeKey(key)}`] = values
  return headers
}

/** Keys of extra may hold what names of headers may not: such bytes are escaped, and the sign of escaping with them. */
function escapeKey(key: string): string {
  const isToken = /[!#$&'*+\-.^_`|~0-9a-z]/
  return [...Buffer.from(key.toLowerCase())]
    .map((byte) => {
      const char = String.fromCharCode(byte)
      return isToken.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

/** Headers that concern one connection only (RFC 9110, section 7.6.1). */
const ofConnection = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** `sec-websocket-protocol` may hold a token; what else it says is passed on by itself. */
const ofThisServer = new Set(['authorization', 'host', 'content-length', 'expect', 'sec-websocket-protocol'])

/** Those, and what belongs to how this server was asked: credentials, and identities that anybody can claim. */
export function isPassedOn(name: string): boolean {
  if (name.startsWith(':') || ofConnection.has(name)) return false
  if (name.startsWith('x-remote-') || name.startsWith('impersonate-')) return false
  return !ofThisServer.has(name)
}

export const isOfConnection = (name: string): boolean => ofConnection.has(name)
