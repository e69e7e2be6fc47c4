import type { Scale } from '../../kinds/autoscaling/scale.ts'
import { scaleColumns } from '../../kinds/autoscaling/scale.ts'
import { Pod } from '../../kinds/core/pod.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { bodyLimit, matchName, readObject } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { mediaTypeOf, negotiate, objectOffer } from '../negotiate.ts'
import { writeContext } from '../options.ts'
import { partialObjectMetadata } from '../protobuf-body.ts'
import type { ApiResponse } from '../request.ts'
import type { Resource } from '../resource.ts'
import { answerObject } from '../respond.ts'
import { applyBody, applyObject } from '../routes/apply.ts'
import type { SubresourceFinder, SubresourceRoute } from '../routes/objects.ts'
import { applyPatch, applyType, parsePatch, patchObject, patchTypeOf } from '../routes/patch.ts'
import { getObject } from '../routes/read.ts'
import type { ObjectServices, Target } from '../routes/services.ts'
import { methodNotAllowed } from '../routes/system.ts'
import { updateObject } from '../routes/write.ts'
import { Shape } from '../shapes.ts'
import { postedTypes } from './body-types.ts'
import { poster } from './poster.ts'
import type { Resources, SubresourceCreator } from './resources.ts'
import { scaleOf, scaleType, updateScale } from './scale.ts'

/** The registry. */
export interface CreatingResources extends Resources {
  subresourceCreator(kind: Kind, subresource: string): SubresourceCreator | undefined
}

/** The HTTP side of the sub-resources in this folder. */
export function subresourceRoutes(resources: CreatingResources): SubresourceFinder {
  const seenFromAnotherSide: SubresourceRoute = (exchange, services, kind) =>
    answerSide(exchange, services, { kind, resource: resources.resource(kind), custom: false })
  const routes: Readonly<Record<string, SubresourceRoute>> = {
    'pods./ephemeralcontainers': seenFromAnotherSide,
    'pods./resize': seenFromAnotherSide,
    'namespaces./finalize': seenFromAnotherSide,
    'certificatesigningrequests.certificates.k8s.io/approval': seenFromAnotherSide,
    'bindings./': (exchange, services) => createBinding(exchange, services, resources),
  }
  const scale: SubresourceRoute = (exchange, services, kind) =>
    answerScale(exchange, services, resources.resource(kind))
  return {
    find(kind, subresource) {
      if (subresource === 'scale' && kind.scale !== undefined) return scale
      const name = `${kind.plural}.${kind.group}/${subresource}`
      const create = resources.subresourceCreator(kind, subresource)
      const type = postedTypes[name]
      return create !== undefined && type !== undefined ? poster(resources, type, create) : routes[name]
    },
  }
}

/** The object itself, of which this path lets only a part be changed. */
function answerSide(exchange: Exchange, services: ObjectServices, target: Target): Promise<ApiResponse> {
  switch (exchange.info.verb) {
    case 'get':
      return getObject(exchange, services, target)
    case 'update':
      return updateObject(exchange, services, target)
    case 'patch':
      return patchObject(exchange, services, target, applyObject)
    default:
      throw methodNotAllowed()
  }
}

/** The old way to bind a pod: a POST to `bindings`, where the name is in the body alone. */
async function createBinding(
  exchange: Exchange,
  services: ObjectServices,
  resources: CreatingResources,
): Promise<ApiResponse> {
  const accepted = negotiate(exchange.request.headers['accept'], objectOffer)
  const context = writeContext(exchange, 'CreateOptions')
  const body = await readObject(exchange, postedTypes['pods./binding']!, services, context.fieldValidation)
  const bind = resources.subresourceCreator(Pod, 'binding')!
  const answer = await bind(resources, exchange.info.namespace, body.metadata.name ?? '', body, context)
  return answerObject(exchange, 201, answer, accepted)
}

async function answerScale(exchange: Exchange, services: ObjectServices, resource: Resource): Promise<ApiResponse> {
  const { info, request } = exchange
  const accepted = negotiate(request.headers['accept'], objectOffer)
  const scale = await scaleFor(exchange, services, resource)
  if (accepted.as === '') return answerObject(exchange, 200, scale, accepted, scaleType.schema)
  const kind = { ...resource.kind, ...scaleType, columns: scaleColumns } as unknown as Kind
  const shape = new Shape(kind, accepted, info.query)
  const shaped = shape.object(scale as ApiObject, { now: services.clock.now() })
  return answerObject(exchange, 200, shaped, accepted, partialObjectMetadata)
}

async function scaleFor(exchange: Exchange, services: ObjectServices, resource: Resource): Promise<Scale> {
  const { info } = exchange
  switch (info.verb) {
    case 'get': {
      const { object } = await resource.get(info.namespace, info.name)
      resource.kind.scale?.checkRead?.(object)
      return scaleOf(resource.kind, object)
    }
    case 'update':
      return putScale(exchange, services, resource)
    case 'patch':
      return patchScale(exchange, resource)
    default:
      throw methodNotAllowed()
  }
}

async function putScale(exchange: Exchange, services: ObjectServices, resource: Resource): Promise<Scale> {
  const { info } = exchange
  const context = writeContext(exchange, 'UpdateOptions')
  const wanted = await readObject(exchange, scaleType, services, context.fieldValidation)
  matchName(wanted.metadata, info.name)
  const { uid } = wanted.metadata
  return updateScale(resource, info.namespace, info.name, () => wanted as unknown as Scale, context, uid ? { uid } : {})
}

async function patchScale(exchange: Exchange, resource: Resource): Promise<Scale> {
  const { info, request, warnings } = exchange
  const mediaType = mediaTypeOf(request.headers['content-type'])
  if (mediaType === applyType) return scaleOf(resource.kind, (await applyBody(exchange, resource)).entry.object)
  const type = patchTypeOf(mediaType, false, true)
  const context = writeContext(exchange, 'PatchOptions')
  const patch = parsePatch(await request.body(bodyLimit), type, context.fieldValidation)
  const change = (current: Scale) => {
    const found: string[] = []
    const changed = applyPatch(type, scaleType, current as ApiObject, patch, context.fieldValidation, found)
    warnings.push(...found)
    return changed as unknown as Scale
  }
  return updateScale(resource, info.namespace, info.name, change, context)
}
