import type { ApiObject, ColumnContext, Kind } from '../schema/kind.ts'
import { ApiError } from '../schema/status.ts'
import type { Accepted } from './negotiate.ts'
import type { Query } from './query.ts'
import { includeObjectOf, partialObject, TableMaker } from './tables.ts'
import type { MadeList } from './text-pieces.ts'

/** Answers in the shape that the client asked for with `as=`: tables, or metadata alone. */
export class Shape {
  readonly #kind: Kind
  readonly #accepted: Accepted
  readonly #tables: TableMaker | undefined
  #definitionsSent = false

  /** Throws BadRequest for an `includeObject` that there is not. */
  constructor(kind: Kind, accepted: Accepted, query: Query) {
    this.#kind = kind
    this.#accepted = accepted
    this.#tables =
      accepted.as === 'Table' ? new TableMaker(kind, includeObjectOf(query), accepted.asVersion) : undefined
  }

  /** Throws NotAcceptable when a list was asked for. */
  object(object: ApiObject, context: ColumnContext): object {
    const { as, asVersion } = this.#accepted
    if (as === 'PartialObjectMetadata') return partialObject(this.#kind, object, asVersion)
    if (this.#tables !== undefined) {
      const { resourceVersion } = object.metadata
      const metadata = resourceVersion === undefined ? {} : { resourceVersion }
      return this.#tables.table(metadata, this.#tables.definitions, [object], context)
    }
    throw notAcceptable(
      `you requested PartialObjectMetadataList, but the requested object is not a list (${goName(this.#kind)})`,
    )
  }

  /** Throws NotAcceptable when a single object was asked for. */
  list(metadata: object, objects: readonly ApiObject[], context: ColumnContext): object {
    const { as, asVersion } = this.#accepted
    if (this.#tables !== undefined) return this.#tables.table(metadata, this.#tables.definitions, objects, context)
    if (as === 'PartialObjectMetadataList') {
      const items = objects.map((object) => partialObject(this.#kind, object, asVersion))
      // An empty list is null here, as Go writes a list that nothing was added to.
      return {
        kind: 'PartialObjectMetadataList',
        apiVersion: asVersion,
        metadata,
        items: items.length > 0 ? items : null,
      }
    }
    throw notAcceptable(
      `you requested PartialObjectMetadata, but the requested object is a list (${goName(this.#kind)}List)`,
    )
  }

  /** A list without its items, and what they are called in it. Throws NotAcceptable when a single object was asked for. */
  head(metadata: object, context: ColumnContext): Pick<MadeList, 'head' | 'member'> {
    const member = this.#tables === undefined ? 'items' : 'rows'
    const { [member]: _, ...head } = this.list(metadata, [], context) as Record<string, unknown>
    return { head, member }
  }

  /** One item of a list, or one row. */
  item(object: ApiObject, context: ColumnContext): object {
    return this.#tables?.row(object, context) ?? partialObject(this.#kind, object, this.#accepted.asVersion)
  }

  /** The object of a watch event. Only the first table says what its columns are. */
  event(object: ApiObject, context: ColumnContext): object {
    if (this.#tables === undefined) return this.object(object, context)
    const definitions = this.#definitionsSent ? null : this.#tables.definitions
    this.#definitionsSent = true
    const { resourceVersion } = object.metadata
    return this.#tables.table({ resourceVersion }, definitions, [object], context)
  }
}

const notAcceptable = (message: string) => new ApiError('NotAcceptable', message)

/** The type as Go prints it. */
const goName = ({ group, kind }: Kind) => `*${group === '' ? 'core' : group.split('.')[0]}.${kind}`
