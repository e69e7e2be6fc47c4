/** The columns of `kubectl get` that many kinds share, and how their cells are written. */

import { humanDuration } from '../base/duration.ts'
import type { ApiObject, Column, ColumnContext } from '../schema/kind.ts'

export const nameColumn: Column<ApiObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'The name of the object, unique among the objects of its kind in its namespace.',
  value: ({ metadata }) => metadata.name ?? '',
}

export const ageColumn: Column<ApiObject> = {
  name: 'Age',
  type: 'string',
  description: 'How long ago the object was created.',
  value: ({ metadata }, context) => ageSince(metadata.creationTimestamp, context),
}

/** What the server shows of a kind that has no printer of its own: the name and the moment of creation. */
export const plainColumns: readonly Column<ApiObject>[] = [
  nameColumn,
  {
    name: 'Created At',
    type: 'date',
    description: 'When the object was created.',
    value: ({ metadata }) => metadata.creationTimestamp ?? null,
  },
]

type Cell<T> = (object: T, context: ColumnContext) => string | number | boolean | null

/** A column of text. */
export function textColumn<T>(name: string, description: string, value: Cell<T>): Column<T> {
  return { name, type: 'string', description, value }
}

/** A column of text that `-o wide` adds. */
export function wideColumn<T>(name: string, description: string, value: Cell<T>): Column<T> {
  return { name, type: 'string', description, priority: 1, value }
}

export function integerColumn<T>(name: string, description: string, value: Cell<T>): Column<T> {
  return { name, type: 'integer', description, value }
}

export function booleanColumn<T>(name: string, description: string, value: Cell<T>): Column<T> {
  return { name, type: 'boolean', description, value }
}

/** How long ago `time` was, as `kubectl get` shows it. */
export function ageSince(time: string | null | undefined, { now }: ColumnContext): string {
  return time === undefined || time === null || time === '' ? '<unknown>' : humanDuration(now - Date.parse(time))
}

/** `a=b,c=d` in the order of the keys, or `<none>`. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(labels ?? {}).sort(([left], [right]) => (left < right ? -1 : 1))
  return entries.length === 0 ? '<none>' : entries.map(([key, value]) => `${key}=${value}`).join(',')
}

interface LabelSelectorLike {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

/** A label selector in its short form: `app=a,tier in (x,y)`; `<none>` when it selects by nothing. */
export function selectorText(selector: LabelSelectorLike | undefined): string {
  if (selector === undefined) return '<none>'
  const requirements = [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` })),
    ...(selector.matchExpressions ?? []).map((requirement) => ({
      key: requirement.key,
      text: requirementText(requirement),
    })),
  ]
  requirements.sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
  return requirements.length === 0 ? '<none>' : requirements.map(({ text }) => text).join(',')
}

function requirementText(requirement: {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}) {
  const values = `(${[...(requirement.values ?? [])].sort().join(',')})`
  switch (requirement.operator) {
    case 'In':
      return `${requirement.key} in ${values}`
    case 'NotIn':
      return `${requirement.key} notin ${values}`
    case 'DoesNotExist':
      return `!${requirement.key}`
    default:
      return requirement.key
  }
}
