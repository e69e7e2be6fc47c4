/** `url('https://example.com:80/path?a=1').getHost()`, with Go's rules of what is a URL. */
import { type Library, member, overload } from '../declarations.ts'
import { Failure } from '../failure.ts'
import { bool, listOf, mapOf, opaqueType, string } from '../types.ts'
import { CelList, EntryMap, Opaque } from '../values.ts'

const urlType = opaqueType('kubernetes.URL')

interface Parts {
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly query: string
}

class Url extends Opaque {
  readonly typeName = urlType.name
  readonly text: string
  readonly parts: Parts

  constructor(text: string, parts: Parts) {
    super()
    this.text = text
    this.parts = parts
  }

  override equals(other: Opaque): boolean {
    return other instanceof Url && other.text === this.text
  }

  override toString(): string {
    return this.text
  }
}

const part = (id: string, read: (parts: Parts) => string) =>
  member(id, [urlType], string, ({ parts }: Url) => read(parts))

export const urlLibrary: Library = {
  types: { [urlType.name]: urlType },
  functions: {
    url: [overload('string_to_url', [string], urlType, toUrl)],
    isURL: [overload('is_url_string', [string], bool, (text: string) => uriFault(text) === undefined)],
    getScheme: [part('url_get_scheme', ({ scheme }) => scheme)],
    getHost: [part('url_get_host', ({ host }) => host)],
    getHostname: [part('url_get_hostname', ({ host }) => splitHost(host).name)],
    getPort: [part('url_get_port', ({ host }) => splitHost(host).port)],
    getEscapedPath: [part('url_get_escaped_path', ({ path }) => escapePath(path))],
    getQuery: [
      member('url_get_query', [urlType], mapOf(string, listOf(string)), ({ parts }: Url) => parseQuery(parts.query)),
    ],
  },
}

function toUrl(text: string): Url {
  const fault = uriFault(text)
  if (fault !== undefined) throw new Failure(`URL parse error during conversion from string: ${fault}`)
  return new Url(text, split(text.replace(/#.*$/s, '')) as Parts)
}

/** Why a text is no absolute URI or absolute path, in Go's words; undefined when it is one. */
export function uriFault(text: string): string | undefined {
  const parts = split(text)
  return typeof parts === 'string' ? `parse ${JSON.stringify(text)}: ${parts}` : undefined
}

/** Gives the reason when a text cannot be split. */
function split(text: string): Parts | string {
  if (/[\u0000-\u001f\u007f]/.test(text)) return 'net/url: invalid control character in URL'
  if (text === '') return 'empty url'
  if (text === '*') return { scheme: '', host: '', path: '*', query: '' }
  if (text.startsWith(':')) return 'missing protocol scheme'
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text)?.[1] ?? ''
  const rest = scheme === '' ? text : text.slice(scheme.length + 1)
  if (!rest.startsWith('/'))
    return scheme === '' ? 'invalid URI for request' : { scheme: scheme.toLowerCase(), host: '', path: '', query: '' }
  const mark = rest.indexOf('?')
  const query = mark < 0 ? '' : rest.slice(mark + 1)
  const location = mark < 0 ? rest : rest.slice(0, mark)
  return splitLocation(scheme.toLowerCase(), location, query)
}

function splitLocation(scheme: string, location: string, query: string): Parts | string {
  const hasHost = location.startsWith('//') && (scheme !== '' || !location.startsWith('///'))
  const end = hasHost ? location.indexOf('/', 2) : 0
  const authority = hasHost ? location.slice(2, end < 0 ? undefined : end) : ''
  const path = hasHost ? (end < 0 ? '' : location.slice(end)) : location
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const fault = hostFault(host) ?? (authority.includes('@') ? userFault(authority) : undefined) ?? escapeFault(path)
  return fault ?? { scheme, host, path, query }
}

function userFault(authority: string): string | undefined {
  const user = authority.slice(0, authority.lastIndexOf('@'))
  return /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user) ? undefined : 'net/url: invalid userinfo'
}

function hostFault(host: string): string | undefined {
  const bracket = host.lastIndexOf(']')
  if (host.startsWith('[') && bracket < 0) return "missing ']' in host"
  const port = host.startsWith('[') ? host.slice(bracket + 1) : (/:.*$/.exec(host)?.[0] ?? '')
  const colon = host.startsWith('[') ? port : host.slice(Math.max(host.lastIndexOf(':'), 0))
  const tail = host.startsWith('[') || host.includes(':') ? colon : ''
  if (tail !== '' && !/^:\d*$/.test(tail)) return `invalid port ${JSON.stringify(tail)} after host`
  const bad = /[ "<>\\^`{|}]/.exec(host)
  if (bad) return `invalid character ${JSON.stringify(bad[0])} in host name`
  return escapeFault(host)
}

function escapeFault(text: string): string | undefined {
  const bad = /%(?![0-9A-Fa-f]{2})(.{0,2})/s.exec(text)
  return bad ? `invalid URL escape ${JSON.stringify(`%${bad[1]}`)}` : undefined
}

function splitHost(host: string): { name: string; port: string } {
  const port = /:(\d*)$/.exec(host.startsWith('[') ? host.slice(host.lastIndexOf(']') + 1) : host)
  const name = port ? host.slice(0, -port[0].length) : host
  return { name: name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name, port: port?.[1] ?? '' }
}

/** What is escaped stays so; what must be is. */
function escapePath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-._~$&+,/:;=@%!'()*[\]]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

function parseQuery(query: string): EntryMap {
  const values = new Map<string, string[]>()
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue
    const [key, value = ''] = pair.split(/=(.*)/s, 2)
    const [name, text] = [decodeQuery(key!), decodeQuery(value)]
    if (name === undefined || text === undefined) continue
    values.set(name, [...(values.get(name) ?? []), text])
  }
  return new EntryMap(new Map(Array.from(values, ([key, list]) => [key, [key, new CelList(list)] as const])))
}

/** Undefined for a wrong escape. */
function decodeQuery(text: string): string | undefined {
  if (escapeFault(text) !== undefined) return undefined
  const bytes = text
    .replaceAll('+', ' ')
    .replace(/((?:%[0-9A-Fa-f]{2})+)/g, (escaped) => Buffer.from(escaped.replaceAll('%', ''), 'hex').toString('utf8'))
  return bytes
}
