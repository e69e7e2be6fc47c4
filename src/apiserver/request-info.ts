import { own } from '../base/own.ts'
import { Query } from './query.ts'

/**
 * What a request asks for, read from its method, path and query alone, as the reference's `RequestInfoFactory` does.
 * Authorization, routing, metrics and audit all go by it.
 */
export interface RequestInfo {
  /** `get`, `list`, `watch`, `create`, …; outside resources the HTTP method in lower case; empty for an unknown method. */
  readonly verb: string
  /** Unescaped. */
  readonly path: string
  readonly query: Query
  readonly isResource: boolean
  /** `api` or `apis`, for resources. */
  readonly prefix: string
  readonly group: string
  readonly version: string
  readonly namespace: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
  /** What stands behind the sub-resource, for proxies: `a/b`. */
  readonly rest: string
  /** The path began with `/watch/` behind the version: the old form of a watch. */
  readonly legacyWatch: boolean
  /** The name stands in the path (not only in the field selector). */
  readonly named: boolean
}

/** A path that cannot be unescaped, or an old-style prefix without a resource behind it. */
export class BadPathError extends Error {}

/** Throws `BadPathError`. */
export function readRequestInfo(method: string, url: string): RequestInfo {
  const mark = url.indexOf('?')
  const path = unescapePath(mark < 0 ? url : url.slice(0, mark))
  const query = mark < 0 ? Query.empty : Query.parse(url.slice(mark + 1))
  const parts = splitPath(path)
  const grouped = parts[0] === 'apis'
  if (parts.length < (grouped ? 4 : 3) || (!grouped && parts[0] !== 'api')) return otherPath(method, path, query)
  return resourcePath(method, path, query, parts, grouped)
}

function unescapePath(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    throw new BadPathError(path)
  }
}

function splitPath(path: string): string[] {
  let start = 0
  let end = path.length
  while (start < end && path[start] === '/') start++
  while (end > start && path[end - 1] === '/') end--
  return start === end ? [] : path.slice(start, end).split('/')
}

function otherPath(method: string, path: string, query: Query): RequestInfo {
  return {
    verb: method.toLowerCase(),
    path,
    query,
    isResource: false,
    prefix: '',
    group: '',
    version: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    rest: '',
    legacyWatch: false,
    named: false,
  }
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

function resourcePath(method: string, path: string, query: Query, parts: readonly string[], grouped: boolean) {
  const version = grouped ? 2 : 1
  let at = version + 1
  let verb = own(verbs, method) ?? ''
  const special = parts[at] === 'watch' || parts[at] === 'proxy' ? parts[at]! : ''
  if (special !== '') {
    if (parts.length < at + 2) throw new BadPathError(path)
    verb = special
    at++
  }
  let namespace = ''
  if (parts[at] === 'namespaces' && parts.length > at + 1) {
    namespace = parts[at + 1]!
    // `namespaces/x/status` concerns the namespace itself, `namespaces/x/pods` what is in it.
    if (parts.length > at + 2 && parts[at + 2] !== 'status' && parts[at + 2] !== 'finalize') at += 2
  }
  const named = (parts[at + 1] ?? '') !== ''
  let name = parts[at + 1] ?? ''
  if (!named && verb === 'get') verb = isWatch(query) ? 'watch' : 'list'
  else if (!named && verb === 'delete') verb = 'deletecollection'
  if (!named && name === '' && !query.isEmpty && selectsByName[verb]) name = selectedName(query.get('fieldSelector'))
  return {
    verb,
    path,
    query,
    isResource: true,
    prefix: parts[0]!,
    group: grouped ? parts[1]! : '',
    version: parts[version]!,
    namespace,
    resource: parts[at]!,
    subresource: special === 'proxy' ? '' : (parts[at + 2] ?? ''),
    name,
    rest: parts.length > at + 3 ? parts.slice(at + 3).join('/') : '',
    legacyWatch: special === 'watch',
    named,
  }
}

const selectsByName: Readonly<Record<string, boolean>> = { list: true, watch: true, deletecollection: true }

/** Everything but `false` and `0` switches it on, `?watch` too. */
export function isWatch(query: Query): boolean {
  const value = query.get('watch')
  if (value === undefined) return false
  return value !== '0' && value.toLowerCase() !== 'false'
}

/** A rule for `resourceNames` may allow a list of the one object that the field selector names. */
function selectedName(selector: string | undefined): string {
  if (selector === undefined) return ''
  for (const term of selector.split(',')) {
    const match = /^metadata\.name==?([^=!\\][^\\]*)$/.exec(term)
    if (match !== null && isPathSegment(match[1]!)) return match[1]!
  }
  return ''
}

const isPathSegment = (name: string) => name !== '.' && name !== '..' && !/[/%]/.test(name)
