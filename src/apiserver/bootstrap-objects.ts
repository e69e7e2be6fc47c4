import { decode } from '../schema/decode.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../schema/kind.ts'
import { isAlreadyExists, isNotFound } from '../schema/status.ts'
import type { Mutable } from '../schema/types.ts'
import { serverContext } from './context.ts'
import type { CreateOptions, Resource } from './resource.ts'

/** Gives the resource of a kind. */
export type Resources = <T extends ApiObject>(kind: Kind<T>) => Resource<T>

/** Makes what is not there; what is stays as it is. */
export async function ensure(resource: Resource, wanted: ApiObject, options?: CreateOptions): Promise<void> {
  const { namespace, name = '' } = wanted.metadata
  if (!(await find(resource, name, namespace))) await create(resource, wanted, options)
}

/** Undefined when it is not there. */
export async function find<T extends ApiObject>(
  resource: Resource<T>,
  name: string,
  namespace = '',
): Promise<T | undefined> {
  try {
    return (await resource.get(namespace, name, { resourceVersion: '0' })).object
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Another API server may be starting beside this one. */
export async function create(resource: Resource, wanted: ApiObject, options?: CreateOptions): Promise<void> {
  try {
    await resource.create(wanted.metadata.namespace ?? '', wanted, serverContext, options)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}

/** All objects of the resource, by namespace and name. */
export async function findAll<T extends ApiObject>(
  resource: Resource<T>,
): Promise<(namespace: string | undefined, name: string) => T | undefined> {
  const { entries } = await resource.list('', { resourceVersion: '0' })
  const known = new Map(entries.map((entry) => [keyOf(entry.object.metadata), entry.object]))
  return (namespace, name) => known.get(keyOf({ namespace, name }))
}

const keyOf = ({ namespace = '', name = '' }: { readonly namespace?: string | undefined; readonly name?: string }) =>
  `${namespace}/${name}`

/** The object as if a client had sent it. */
export function object(kind: Kind, name: string, content: object, marks: object = {}): ApiObject {
  const sent = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata: { name, ...marks }, ...content }
  const decoded = decode(kind.schema, sent).object as Mutable<ApiObject>
  kind.defaults(decoded)
  return decoded
}
