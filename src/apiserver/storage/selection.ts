import type { ApiObject, Kind } from '../../schema/kind.ts'
import {
  checkFieldSelector,
  type FieldSelector,
  type LabelSelector,
  parseFieldSelector,
  parseLabelSelector,
} from '../../schema/selectors.ts'
import type { Selectors } from '../resource.ts'

/** Both selectors of a list or watch, ready to be asked. */
export interface Selection {
  readonly everything: boolean
  matches(object: ApiObject): boolean
  /** A field that must have exactly this value: an index may be asked first. */
  readonly exactField: { readonly name: string; readonly value: string } | undefined
}

const everything: Selection = { everything: true, matches: () => true, exactField: undefined }

/** Throws BadRequest when a selector cannot be read or names a field that the kind does not offer. */
export function selectionOf(kind: Kind, { labelSelector = '', fieldSelector = '' }: Selectors): Selection {
  if (labelSelector === '' && fieldSelector === '') return everything
  const labels = parseLabelSelector(labelSelector)
  const fields = parseFieldSelector(fieldSelector)
  checkFieldSelector(fields, kind)
  if (labels.everything && fields.everything) return everything
  const exact = fields.terms.find((term) => term.equal)
  return {
    everything: false,
    matches: matcherOf(kind, labels, fields),
    exactField: exact && { name: exact.field, value: exact.value },
  }
}

function matcherOf(kind: Kind, labels: LabelSelector, fields: FieldSelector): (object: ApiObject) => boolean {
  if (fields.everything) return (object) => labels.matches(object.metadata.labels)
  const terms = fields.terms.map(({ field, value, equal }) => ({ read: fieldOf(kind, field), value, equal }))
  return (object) =>
    labels.matches(object.metadata.labels) &&
    terms.every(({ read, value, equal }) => (read(object) === value) === equal)
}

/** What gives the value of a field that can be selected by. */
export function fieldOf(kind: Kind, field: string): (object: ApiObject) => string {
  if (field === 'metadata.name') return (object) => object.metadata.name ?? ''
  if (field === 'metadata.namespace') return (object) => object.metadata.namespace ?? ''
  return kind.selectableFields[field] ?? (() => '')
}
