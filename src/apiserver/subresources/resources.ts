import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { World } from '../../world/world.ts'
import type { RequestContext } from '../context.ts'
import type { Resource } from '../resource.ts'

/** What sub-resources need of the registry. */
export interface Resources {
  readonly world: Pick<World, 'clock'>
  resource<T extends ApiObject>(kind: Kind<T>): Resource<T>
}

/** POST to a sub-resource of one object. Takes over the body, which must be decoded. */
export type SubresourceCreator = (
  resources: Resources,
  namespace: string,
  name: string,
  body: ApiObject,
  context: RequestContext,
) => Promise<object>

/** The answer where nothing was made that could be shown. */
export const created = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as const
