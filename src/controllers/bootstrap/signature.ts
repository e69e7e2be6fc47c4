import { createHmac } from 'node:crypto'

/**
 * Signs a text with a bootstrap token so that whoever knows the token can tell that the text is the cluster's: a JSON
 * web signature (RFC 7515, HS256) without its content, as `header..signature`.
 */
export function detachedSignature(content: string, tokenId: string, tokenSecret: string): string {
  const header = base64url(JSON.stringify({ alg: 'HS256', kid: tokenId }))
  const signature = createHmac('sha256', tokenSecret)
    .update(`${header}.${base64url(content)}`)
    .digest('base64url')
  return `${header}..${signature}`
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url')
