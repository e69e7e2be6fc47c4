import { Scale, validateScale } from '../../kinds/autoscaling/scale.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import { clone } from '../../schema/freeze.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { notFound } from '../../schema/status.ts'
import type { RequestContext } from '../context.ts'
import type { Resource } from '../resource.ts'

/** What a scale is called in bodies and messages. */
export const scaleType = { group: 'autoscaling', version: 'v1', kind: 'Scale', schema: Scale } as const

/** An object seen as a number of replicas. Throws NotFound for kinds that have none. */
export function scaleOf<T extends ApiObject>(kind: Kind<T>, object: T): Scale {
  if (kind.scale === undefined) throw notFound({ group: kind.group, resource: kind.plural }, 'scale')
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const replicas = kind.scale.replicas(object)
  const selector = kind.scale.selector(object)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: kind.scale.currentReplicas(object), ...(selector !== '' && { selector }) },
  } as Scale
}

/** Sets the number of replicas to what `change` makes of the scale as it is now. */
export async function updateScale<T extends ApiObject>(
  resource: Resource<T>,
  namespace: string,
  name: string,
  change: (current: Scale) => Scale | Promise<Scale>,
  context: RequestContext,
  options: { readonly uid?: string } = {},
): Promise<Scale> {
  const { kind } = resource
  const scaled = async (current: T | undefined) => {
    if (current === undefined) throw notFound({ group: kind.group, resource: kind.plural }, name)
    return withScale(kind, current, await change(scaleOf(kind, current)))
  }
  const { entry } = await resource.update(namespace, name, 'scale', scaled, context, options)
  return scaleOf(kind, entry.object)
}

/** The object with the number of replicas that a scale asks for. Throws Invalid when there is no such number. */
export function withScale<T extends ApiObject>(kind: Kind<T>, current: T, wanted: Scale): ApiObject {
  const errors = new FieldErrors()
  if (kind.scale?.checksReplicas !== true) validateScale(wanted, errors)
  if (errors.length > 0) throw errors.toError(scaleType, current.metadata.name ?? '')
  const object = clone(current)
  kind.scale?.setReplicas(object, wanted.spec.replicas ?? 0)
  // Without a resourceVersion the scale is set whatever else has changed.
  const { resourceVersion } = wanted.metadata
  return {
    ...object,
    metadata: { ...object.metadata, resourceVersion: resourceVersion || current.metadata.resourceVersion },
  } as ApiObject
}
