import type { ApiObject, Column, ColumnContext, Kind } from '../schema/kind.ts'
import { badRequest } from '../schema/status.ts'
import type { Query } from './query.ts'

/** What of an object a row carries besides its cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

/** Throws BadRequest. */
export function includeObjectOf(query: Query): IncludeObject {
  const asked = query.get('includeObject') ?? ''
  if (asked === '' || asked === 'Metadata') return 'Metadata'
  if (asked === 'None' || asked === 'Object') return asked
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(asked)}`)
}

/** The columns of kinds that say nothing about them. */
const defaultColumns: readonly Column<ApiObject>[] = [
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'The name, unique within its namespace and resource.',
    value: (object) => object.metadata.name ?? '',
  },
  {
    name: 'Created At',
    type: 'date',
    description: 'When the object was made, by the clock of the server.',
    value: (object) => object.metadata.creationTimestamp ?? null,
  },
]

export interface TableDefinition {
  readonly name: string
  readonly type: string
  readonly format: string
  readonly description: string
  readonly priority: number
}

export interface TableRow {
  readonly cells: readonly unknown[]
  readonly conditions?: readonly object[]
  readonly object: unknown
}

/** Objects of one kind as rows, as `kubectl get` prints them. */
export class TableMaker {
  readonly definitions: readonly TableDefinition[]
  readonly #columns: readonly Column<ApiObject>[]
  readonly #include: IncludeObject
  readonly #version: string
  readonly #kind: Kind

  /** `version` is that of the table: `meta.k8s.io/v1`. */
  constructor(kind: Kind, include: IncludeObject, version: string) {
    this.#columns = kind.columns.length > 0 ? kind.columns : defaultColumns
    this.#include = include
    this.#version = version
    this.#kind = kind
    this.definitions = this.#columns.map((column) => ({
      name: column.name,
      type: column.type,
      format: column.format ?? '',
      description: column.description,
      priority: column.priority ?? 0,
    }))
  }

  row(object: ApiObject, context: ColumnContext): TableRow {
    const cells = this.#columns.map((column) => column.value(object, context))
    const conditions = rowConditions(object)
    return { cells, ...(conditions && { conditions }), object: this.#included(object) }
  }

  /** `definitions` null: they were sent before. */
  table(
    metadata: object,
    definitions: readonly TableDefinition[] | null,
    objects: readonly ApiObject[],
    context: ColumnContext,
  ): object {
    return {
      kind: 'Table',
      apiVersion: this.#version,
      metadata,
      columnDefinitions: definitions,
      rows: objects.map((object) => this.row(object, context)),
    }
  }

  #included(object: ApiObject): unknown {
    if (this.#include === 'None') return null
    return this.#include === 'Object' ? object : partialObject(this.#kind, object, this.#version)
  }
}

/** Rows of pods that have come to their end are marked, so that clients may leave them out. */
function rowConditions(object: ApiObject): readonly object[] | undefined {
  if (object.kind !== 'Pod' || object.apiVersion !== 'v1') return undefined
  const phase = (object as { readonly status?: { readonly phase?: string } }).status?.phase
  return phase === undefined ? undefined : finished[phase]
}

const finished: Readonly<Record<string, readonly object[]>> = {
  Succeeded: [
    { type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' },
  ],
  Failed: [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }],
}

/** An object without anything but its metadata. */
export function partialObject({ shownAnnotations }: Kind, { metadata }: ApiObject, version: string): object {
  const { annotations = {} } = metadata
  const isPlain = !shownAnnotations.some((key) => key in annotations)
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: version,
    metadata: isPlain ? metadata : withoutAnnotations(metadata, shownAnnotations),
  }
}

function withoutAnnotations(metadata: ApiObject['metadata'], keys: readonly string[]): ApiObject['metadata'] {
  const { annotations = {}, ...rest } = metadata
  const kept = Object.entries(annotations).filter(([key]) => !keys.includes(key))
  return kept.length === 0 ? rest : { ...metadata, annotations: Object.fromEntries(kept) }
}
