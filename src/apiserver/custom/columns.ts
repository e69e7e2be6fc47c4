import { humanDuration } from '../../base/duration.ts'
import type { CustomResourceColumnDefinition } from '../../kinds/apiextensions/custom-resource-definition.ts'
import { jsonPath } from '../../kinds/apiextensions/json-path.ts'
import { nameColumn } from '../../kinds/columns.ts'
import type { ApiObject, Column, ColumnContext } from '../../schema/kind.ts'

/** The columns that `kubectl get` shows of a custom resource: the name, and what its definition says, or the age. */
export function customColumns(
  definitions: readonly CustomResourceColumnDefinition[] | undefined,
): readonly Column<ApiObject>[] {
  return [nameColumn, ...(definitions?.length ? definitions : [age]).map(customColumn)]
}

const age: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  description: 'When the object was created, by the clock of the server.',
  jsonPath: '.metadata.creationTimestamp',
}

function customColumn(definition: CustomResourceColumnDefinition): Column<ApiObject> {
  const { name, type, format, description = '', priority, jsonPath: text } = definition
  let path: ReturnType<typeof jsonPath> | undefined
  return {
    name,
    type: type as Column<ApiObject>['type'],
    ...(format !== undefined && { format }),
    description,
    ...(priority !== undefined && { priority }),
    value(object, context) {
      path ??= jsonPath(text)
      const [found] = path.find(object)
      return found === undefined ? null : cellOf(type, found, context)
    },
  }
}

/** A value that is not of the column's type is not shown. */
function cellOf(type: string, value: unknown, { now }: ColumnContext): string | number | boolean | null {
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value === 'string' ? ageOf(value, now) : null
    default:
      return textOf(value)
  }
}

function ageOf(text: string, now: number): string {
  const time = Date.parse(text)
  return Number.isNaN(time) ? '<invalid>' : humanDuration(now - time)
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null ? '<nil>' : JSON.stringify(value)
}
