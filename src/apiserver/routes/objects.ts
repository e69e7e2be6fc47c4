import type { Kind } from '../../schema/kind.ts'
import { ApiError, notFound } from '../../schema/status.ts'
import { type Catalogue, subresourcesOf } from '../catalogue.ts'
import { deprecationWarning, removedRelease } from '../deprecation.ts'
import type { Exchange } from '../exchange.ts'
import type { ApiRequest, ApiResponse } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'
import { pageNotFound } from '../respond.ts'
import { deleteObject, deleteObjects } from './delete.ts'
import { type Apply, patchObject } from './patch.ts'
import { getObject, listObjects } from './read.ts'
import { createReview, isReview, type ReviewServices } from './reviews.ts'
import type { ObjectServices, Target } from './services.ts'
import { methodNotAllowed, resourceNotFound } from './system.ts'
import { watchObjects } from './watch.ts'
import { createObject, updateObject } from './write.ts'

/** Answers requests to one sub-resource, or to a resource that stores nothing (`bindings`). */
export type SubresourceRoute = (
  exchange: Exchange,
  services: ObjectServices,
  kind: Kind,
) => ApiResponse | Promise<ApiResponse>

/** Finds what answers for a sub-resource (`''`: the resource itself) that is not an object or its status. */
export interface SubresourceFinder {
  find(kind: Kind, subresource: string): SubresourceRoute | undefined
}

export interface ObjectRoutes {
  readonly catalogue: Catalogue
  readonly subresources: SubresourceFinder
  readonly apply?: Apply
}

/** Answers a request for a resource. `kind` undefined: no such resource is served. */
export function answerObjects(
  exchange: Exchange,
  services: ReviewServices,
  routes: ObjectRoutes,
  kind: Kind | undefined,
): ApiResponse | Promise<ApiResponse> {
  const { info, warnings } = exchange
  if (kind === undefined) return answerUnknown(info, routes.catalogue)
  const custom = routes.catalogue.isCustom?.(kind) ?? false
  const fault = routeFault(exchange, kind, custom)
  if (fault !== undefined) {
    if (custom && fault === 'path') return customPathNotFound(info, kind)
    throw fault === 'path' ? resourceNotFound() : refusedMethod(info, kind, custom)
  }
  const warning = deprecationWarning(kind)
  if (warning !== '') {
    warnings.push(warning)
    services.deprecatedUses.requested(exchange, removedRelease(kind))
  }
  if (isReview(kind)) return createReview(exchange, services, kind)
  const special = routes.subresources.find(kind, info.subresource)
  if (special !== undefined) return special(exchange, services, kind)
  if (info.subresource !== '' && info.subresource !== 'status') throw resourceNotFound()
  const target = { kind, resource: routes.catalogue.resource(kind), custom }
  return answerStored(custom ? withoutProtobuf(exchange) : exchange, services, target, routes.apply)
}

/** Custom resources have no messages; their metadata alone has. */
function withoutProtobuf(exchange: Exchange): Exchange {
  const { request } = exchange
  const { accept } = request.headers
  if (!accept?.includes('protobuf')) return exchange
  const clauses = accept.split(',').filter((clause) => !clause.includes('protobuf') || clause.includes('as='))
  if (clauses.length === 0) {
    const types = 'application/json, application/yaml'
    throw new ApiError('NotAcceptable', `only the following media types are accepted: ${types}`)
  }
  return { ...exchange, request: withHeaders(request, { ...request.headers, accept: clauses.join(',') }) }
}

/** The same request with other headers. Requests may be of a class, so they are not to be spread. */
function withHeaders(request: ApiRequest, headers: ApiRequest['headers']): ApiRequest {
  const { method, url, signal, remoteAddress, certificate } = request
  const body = (limit: number) => request.body(limit)
  return { method, url, headers, signal, remoteAddress, body, ...(certificate && { certificate }) }
}

/** Whatever stands below a custom object is looked for among its sub-resources. */
function customPathNotFound(info: RequestInfo, kind: Kind): ApiResponse {
  if (info.subresource === '' || !isPathOf({ ...info, rest: '' }, kind)) return pageNotFound()
  throw notFound({ group: kind.group, resource: kind.plural }, info.name)
}

/** Groups that nobody serves are answered by whoever comes last, in plain text. */
function answerUnknown({ group }: RequestInfo, catalogue: Catalogue): ApiResponse {
  const members = catalogue.kinds.filter((kind) => kind.group === group)
  if (group === '' || members.some((kind) => !catalogue.isCustom?.(kind))) throw resourceNotFound()
  return pageNotFound()
}

function answerStored(
  exchange: Exchange,
  services: ObjectServices,
  target: Target,
  apply: Apply | undefined,
): Promise<ApiResponse> {
  switch (exchange.info.verb) {
    case 'get':
      return getObject(exchange, services, target)
    case 'list':
      return listObjects(exchange, services, target)
    case 'watch':
      return watchObjects(exchange, services, target)
    case 'create':
      return createObject(exchange, services, target)
    case 'update':
      return updateObject(exchange, services, target)
    case 'patch':
      return patchObject(exchange, services, target, apply)
    case 'delete':
      return deleteObject(exchange, services, target)
    case 'deletecollection':
      return deleteObjects(exchange, services, target)
    default:
      throw methodNotAllowed()
  }
}

/** What is wrong with a request before anything is looked at: there is no such path, or not with this method. */
function routeFault({ info, request }: Exchange, kind: Kind, custom: boolean): 'path' | 'method' | undefined {
  if (!isPathOf(info, kind)) return 'path'
  const verbs = info.subresource === '' ? ownVerbs(info, kind) : subresourceVerbs(info, kind, custom)
  if (verbs === undefined || verbs.length === 0) return 'path'
  // What is behind a proxy knows what to answer.
  if (request.method === 'HEAD' || request.method === 'OPTIONS')
    return info.subresource === 'proxy' ? undefined : 'method'
  return verbs.includes(info.verb) ? undefined : 'method'
}

function isPathOf(info: RequestInfo, kind: Kind): boolean {
  if (info.rest !== '' && info.subresource !== 'proxy') return false
  const isNamespace = kind.plural === 'namespaces' && kind.group === ''
  if (!kind.namespaced) return info.namespace === '' || (isNamespace && info.namespace === info.name)
  return info.namespace !== '' || !info.named
}

const collectionVerbs = ['create', 'list', 'watch', 'deletecollection']
const objectVerbs = ['get', 'update', 'patch', 'delete']

function ownVerbs(info: RequestInfo, kind: Kind): readonly string[] {
  if (info.legacyWatch) return kind.verbs.includes('watch') ? ['watch'] : []
  // `/api/v1/proxy/…`, which authorization still knows, and nobody serves.
  if (info.verb === 'proxy') return []
  if (kind.namespaced && info.namespace === '') return kind.verbs.includes('list') ? ['list', 'watch'] : []
  return info.named ? verbsOf(kind).object : verbsOf(kind).collection
}

interface KindVerbs {
  readonly object: readonly string[]
  readonly collection: readonly string[]
}

const kindVerbs = new WeakMap<Kind, KindVerbs>()

function verbsOf(kind: Kind): KindVerbs {
  let verbs = kindVerbs.get(kind)
  if (verbs === undefined) {
    const served = (names: readonly string[]) =>
      names.filter((name) => (kind.verbs as readonly string[]).includes(name))
    verbs = { object: served(objectVerbs), collection: served(collectionVerbs) }
    kindVerbs.set(kind, verbs)
  }
  return verbs
}

function subresourceVerbs(info: RequestInfo, kind: Kind, custom: boolean): readonly string[] | undefined {
  return subresourcesOf(kind, custom).find(({ name }) => name === info.subresource)?.verbs
}

function refusedMethod(info: RequestInfo, { group, plural }: Kind, custom: boolean): ApiError {
  if (!custom) return methodNotAllowed()
  const message = `${info.verb} is not supported on resources of kind "${plural}.${group}"`
  return new ApiError('MethodNotAllowed', message, { details: { group, kind: plural } })
}
