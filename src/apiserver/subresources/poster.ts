import { type Expected, readObject } from '../body.ts'
import { negotiate, objectOffer } from '../negotiate.ts'
import { writeContext } from '../options.ts'
import { answerObject } from '../respond.ts'
import type { SubresourceRoute } from '../routes/objects.ts'
import type { Resources, SubresourceCreator } from './resources.ts'

/** The HTTP side of a sub-resource to which objects of a type are posted. */
export function poster(resources: Resources, type: Expected, create: SubresourceCreator): SubresourceRoute {
  return async (exchange, services) => {
    const { info, request } = exchange
    const accepted = negotiate(request.headers['accept'], objectOffer)
    const context = writeContext(exchange, 'CreateOptions')
    const body = await readObject(exchange, type, services, context.fieldValidation)
    const answer = await create(resources, info.namespace, info.name, body, context)
    return answerObject(exchange, 201, answer, accepted, type.schema)
  }
}
