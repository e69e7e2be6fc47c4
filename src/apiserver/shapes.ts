import type { ApiObject, ColumnContext, Kind } from '../schema/kind.ts'
import { ApiError } from '../schema/status.ts'
import type { Accepted } from './negotiate.ts'
import type { Query } from './query.ts'
import type { Entry } from './resource.ts'
import { includeObjectOf, partialObject, TableMaker } from './tables.ts'

/** In characters: about as many as a client takes at once. */
const pieceLength = 128 * 1024

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

  /** The JSON of a list in parts, each made when it is asked for. Throws NotAcceptable when a single object was asked for. */
  pieces(metadata: object, entries: readonly Entry[], context: ColumnContext): Iterable<string> {
    const empty = this.list(metadata, [], context)
    // The items come last: what stands before them is said first.
    const start = JSON.stringify(this.#tables === undefined ? { ...empty, items: [] } : empty).slice(0, -']}'.length)
    return this.#pieces(start, entries, context)
  }

  *#pieces(start: string, entries: readonly Entry[], context: ColumnContext): Generator<string> {
    let text = start
    for (const [index, entry] of entries.entries()) {
      if (index > 0) text += ','
      text += JSON.stringify(this.#item(entry.peek(), context))
      if (text.length < pieceLength) continue
      yield text
      text = ''
    }
    yield `${text}]}\n`
  }

  #item(object: ApiObject, context: ColumnContext): object {
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
