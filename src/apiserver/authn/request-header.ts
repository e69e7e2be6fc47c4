import { ApiError } from '../../schema/status.ts'
import type { UserInfo } from '../context.ts'
import { type ApiRequest, headerValues } from '../request.ts'
import type { Authenticator } from './authn.ts'
import { withAuthenticated } from './static-token.ts'

/** In which headers a front proxy says for whom it asks (`--requestheader-*`). Names in lower case. */
export interface RequestHeaderOptions {
  /** Common names that its certificate may have; empty: any. */
  readonly allowedNames: readonly string[]
  readonly usernameHeaders: readonly string[]
  readonly uidHeaders: readonly string[]
  readonly groupHeaders: readonly string[]
  readonly extraHeadersPrefixes: readonly string[]
}

/**
 * Believes what a front proxy says in headers, if it shows a certificate of the authority of front proxies and has a name
 * that is allowed. From everybody else those headers mean nothing.
 */
export function requestHeaders(options: RequestHeaderOptions): Authenticator {
  const { allowedNames } = options
  return {
    name: 'request-header',
    authenticate(request) {
      const { frontProxy } = request
      if (frontProxy === undefined) return undefined
      const isAllowed = allowedNames.length === 0 || allowedNames.includes(frontProxy.commonName)
      if (isAllowed) return userOf(request, options)
      // Somebody else may know this certificate.
      if (request.certificate !== undefined) return undefined
      throw new ApiError('Unauthorized', 'Unauthorized')
    },
  }
}

function userOf(request: ApiRequest, options: RequestHeaderOptions): UserInfo | undefined {
  const first = (names: readonly string[]) =>
    names.flatMap((name) => headerValues(request, name).slice(0, 1)).find((value) => value !== '')
  const name = first(options.usernameHeaders)
  if (name === undefined) return undefined
  const uid = first(options.uidHeaders)
  const groups = options.groupHeaders.flatMap((header) => headerValues(request, header))
  const extra = extraOf(request, options.extraHeadersPrefixes)
  return {
    name,
    ...(uid !== undefined && { uid }),
    groups: withAuthenticated(groups),
    ...(Object.keys(extra).length > 0 && { extra }),
  }
}

function extraOf(request: ApiRequest, prefixes: readonly string[]): Record<string, readonly string[]> {
  const extra: Record<string, readonly string[]> = {}
  for (const header of Object.keys(request.headers)) {
    const prefix = prefixes.find((each) => header.startsWith(each))
    if (prefix === undefined) continue
    const key = unescapeKey(header.slice(prefix.length))
    extra[key] = [...(extra[key] ?? []), ...headerValues(request, header)]
  }
  return extra
}

/** Keys may hold what names of headers may not. */
function unescapeKey(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
