import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { ApiError } from '../../schema/status.ts'
import type { Resource } from '../resource.ts'

/** A resource of which nothing can be read or written, and why: nobody can make its objects of the stored ones. */
export function unavailableResource<T extends ApiObject>(kind: Kind<T>, why: ApiError): Resource<T> {
  const refuse = (): Promise<never> => Promise.reject(why)
  return {
    kind,
    get: refuse,
    list: refuse,
    watch: refuse,
    create: refuse,
    update: refuse,
    apply: refuse,
    delete: refuse,
    deleteCollection: refuse,
  }
}
