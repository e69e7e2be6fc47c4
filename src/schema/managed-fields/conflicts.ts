import { ApiError } from '../status.ts'
import { type FieldSet, pathsOf } from './field-set.ts'
import { compareText, type Owner } from './owners.ts'
import { pathText } from './path-element.ts'

/** Fields that others own and that an apply would change. By identity of the owner. */
export class Conflicts extends Error {
  readonly fields: ReadonlyMap<string, { readonly owner: Owner; readonly fields: FieldSet }>

  constructor(fields: Conflicts['fields']) {
    super('conflict')
    this.fields = fields
  }

  /** The answer: every field with whoever owns it. */
  toError(): ApiError {
    const found = [...this.fields].map(([id, { owner, fields }]) => ({
      id,
      who: ownerText(owner),
      paths: [...pathsOf(fields)].map(pathText),
    }))
    const causes = found.flatMap(({ who, paths }) =>
      paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field })),
    )
    const lists = found
      .sort((left, right) => compareText(left.id, right.id))
      .map(({ who, paths }) => [`conflicts with ${who}:`, ...paths.map((path) => `- ${path}`)].join('\n'))
    const message =
      causes.length === 1
        ? `1 conflict: ${causes[0]!.message}: ${causes[0]!.field}`
        : `${causes.length} conflicts: ${lists.join('\n')}`
    return new ApiError('Conflict', `Apply failed with ${message}`, { details: { causes } })
  }
}

function ownerText({ manager, operation, apiVersion, subresource }: Owner): string {
  const name = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`)
  return operation === 'Apply' ? name : `${name} using ${apiVersion}`
}
