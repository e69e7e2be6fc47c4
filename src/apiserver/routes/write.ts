import { matchName, readObject } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { negotiate, objectOffer } from '../negotiate.ts'
import { writeContext } from '../options.ts'
import type { ApiResponse } from '../request.ts'
import { answerEntry } from './read.ts'
import type { ObjectServices, Target } from './services.ts'

/** POST to a collection. */
export async function createObject(exchange: Exchange, services: ObjectServices, target: Target): Promise<ApiResponse> {
  const accepted = negotiate(exchange.request.headers['accept'], objectOffer)
  const context = writeContext(exchange, 'CreateOptions')
  const object = await readObject(exchange, target.kind, services, context.fieldValidation)
  const entry = await target.resource.create(exchange.info.namespace, object, context, { owned: true })
  return answerEntry(exchange, services, target, 201, entry, accepted)
}

/** PUT of an object or of its status. */
export async function updateObject(exchange: Exchange, services: ObjectServices, target: Target): Promise<ApiResponse> {
  const { info } = exchange
  const accepted = negotiate(exchange.request.headers['accept'], objectOffer)
  const context = writeContext(exchange, 'UpdateOptions')
  const object = await readObject(exchange, target.kind, services, context.fieldValidation)
  matchName(object.metadata, info.name)
  const uid = object.metadata.uid ?? ''
  // Stored once more when somebody else was faster, so every attempt gets its own.
  let attempts = 0
  const change = () =>
    attempts++ === 0 ? object : readObject(exchange, target.kind, services, context.fieldValidation)
  const { entry, created } = await target.resource.update(
    info.namespace,
    info.name,
    info.subresource,
    change,
    context,
    { owned: true, ...(uid !== '' && { uid }) },
  )
  return answerEntry(exchange, services, target, created ? 201 : 200, entry, accepted)
}
