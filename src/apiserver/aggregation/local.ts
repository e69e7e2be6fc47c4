import { Buffer } from 'node:buffer'
import { deepFreeze } from '../../schema/freeze.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import { ApiError, notFound } from '../../schema/status.ts'
import type { Entry, ListOptions, Page, Resource, WatchEventType } from '../resource.ts'
import { selectionOf } from '../storage/selection.ts'

/**
 * A version of an API group that this process answers and that lies in no store: what another server would be
 * registered for with an APIService (`metrics.k8s.io`). It gets an APIService of its own, without a service, which
 * stands until somebody writes one of that name that names a service: from then on that service is asked.
 *
 * Everything of HTTP (paths, authorization, negotiation, tables, discovery, OpenAPI) is as for kinds that are stored.
 *
 * ```ts
 * registry.serveLocal({ group: 'metrics.k8s.io', version: 'v1beta1', groupPriorityMinimum: 100, versionPriority: 100,
 *   kinds: [NodeMetrics], resource: (kind) => computedResource(kind, source) })
 * ```
 */
export interface LocalApi {
  readonly group: string
  readonly version: string
  /** Where it stands in discovery, as in an APIService. */
  readonly groupPriorityMinimum: number
  readonly versionPriority: number
  /**
   * A service whose pods do not answer here, because they are simulated: an APIService that names it changes nothing
   * about who answers. Absent: whatever service is named is asked.
   */
  readonly standsFor?: { readonly namespace: string; readonly name: string }
  /** Of the group and version; their `verbs` say what can be asked of them. */
  readonly kinds: readonly Kind[]
  /** Asked once for each kind. */
  resource(kind: Kind): Resource
}

/** Where the objects of a computed resource come from. What it gives is frozen and not changed any more. */
export interface ObjectSource<T extends ApiObject> {
  get(namespace: string, name: string): T | undefined | Promise<T | undefined>
  /** Of a namespace, or (empty) of all. */
  list(namespace: string): readonly T[] | Promise<readonly T[]>
}

/** A resource whose objects are made when somebody asks: it can be read and listed, with selectors, and no more. */
export function computedResource<T extends ApiObject>(kind: Kind<T>, source: ObjectSource<T>): Resource<T> {
  const name = { group: kind.group, resource: kind.plural }
  const refuse = async (): Promise<never> => {
    const message = 'the server does not allow this method on the requested resource'
    throw new ApiError('MethodNotAllowed', message, { details: {} })
  }
  return {
    kind,
    async get(namespace, object) {
      const found = await source.get(namespace, object)
      if (found === undefined) throw notFound(name, object)
      return new ComputedEntry(found)
    },
    async list(namespace: string, options: ListOptions): Promise<Page<T>> {
      const selection = selectionOf(kind, options)
      const objects = (await source.list(namespace)).filter((object) => selection.matches(object))
      return { entries: objects.map((object) => new ComputedEntry(object)), resourceVersion: '', continue: '' }
    },
    watch: refuse,
    create: refuse,
    update: refuse,
    apply: refuse,
    delete: refuse,
    deleteCollection: refuse,
  }
}

class ComputedEntry<T extends ApiObject> implements Entry<T> {
  readonly object: T

  constructor(object: T) {
    this.object = deepFreeze(object)
  }

  peek(): T {
    return this.object
  }

  json(): Buffer {
    return Buffer.from(JSON.stringify(this.object))
  }

  itemJson(): Buffer {
    const {
      kind: _,
      apiVersion: __,
      ...item
    } = this.object as T & { readonly kind?: string; readonly apiVersion?: string }
    return Buffer.from(JSON.stringify(item))
  }

  eventJson(type: WatchEventType): Buffer {
    return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), this.json(), Buffer.from('}\n')])
  }
}
