import { badRequest } from '../../schema/status.ts'

/** What a path to a proxy names: `[SCHEME:]NAME[:PORT]`, with a port behind the name wherever there is a scheme. */
export interface ProxiedName {
  readonly scheme: 'http' | 'https'
  readonly name: string
  /** Empty: none is said. That of a service may be a name. */
  readonly port: string
}

/**
 * @param what the word for it in the message: `service`
 * @throws ApiError BadRequest
 */
export function readProxiedName(text: string, what: string): ProxiedName {
  const parts = text.split(':')
  const [scheme, name, port = ''] = parts.length < 3 ? ['', ...parts] : parts
  if (parts.length > 3 || !name || (scheme !== '' && scheme !== 'http' && scheme !== 'https'))
    throw badRequest(`invalid ${what} request ${JSON.stringify(text)}`)
  return { scheme: scheme || 'http', name, port }
}

/** The same where a port can only be a number. */
export function readProxiedHost(text: string, what: string): ProxiedName {
  const read = readProxiedName(text, what)
  if (read.port !== '' && !(/^\d{1,5}$/.test(read.port) && Number(read.port) < 65_536))
    throw badRequest(`invalid ${what} request ${JSON.stringify(text)}`)
  return read
}
