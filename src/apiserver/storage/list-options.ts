import { FieldErrors } from '../../schema/field-errors.ts'
import { badRequest } from '../../schema/status.ts'
import type { ListOptions } from '../resource.ts'
import { notANumber, parseRevision } from './state.ts'

/** Which state a list reads. */
export type ReadAt =
  /** The newest there is, whoever wrote it. */
  | { readonly type: 'newest' }
  /** Whatever is at hand. */
  | { readonly type: 'any' }
  | { readonly type: 'not older'; readonly revision: number }
  | { readonly type: 'exact'; readonly revision: number }

type VersionOptions = Pick<ListOptions, 'resourceVersion' | 'resourceVersionMatch' | 'limit' | 'continue'>

/** Throws what the reference says to combinations that have no meaning (`ValidateListOptions`). */
export function readAt(options: VersionOptions): ReadAt {
  checkMatch(options)
  const { resourceVersion = '', resourceVersionMatch = '', limit = 0 } = options
  const revision = parseRevision(resourceVersion)
  if (revision === undefined) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(resourceVersion)}: ${notANumber(resourceVersion)}`,
    )
  }
  if ((options.continue ?? '') !== '' && revision !== 0) {
    throw badRequest('specifying resource version is not allowed when using continue')
  }
  if (resourceVersion === '') return { type: 'newest' }
  if (revision === 0) return { type: 'any' }
  // A page of a list at a revision is of exactly that one, unless the client says that newer ones will do.
  const isExact = resourceVersionMatch === 'Exact' || (resourceVersionMatch === '' && limit > 0)
  return { type: isExact ? 'exact' : 'not older', revision }
}

function checkMatch({ resourceVersion = '', resourceVersionMatch = '', continue: token = '' }: VersionOptions): void {
  if (resourceVersionMatch === '') return
  const path = 'resourceVersionMatch'
  const errors = new FieldErrors()
  if (token !== '') errors.forbidden(path, 'resourceVersionMatch is forbidden for continue')
  if (resourceVersion === '') {
    errors.forbidden(path, 'resourceVersionMatch is forbidden unless resourceVersion is provided')
  }
  if (resourceVersionMatch !== 'Exact' && resourceVersionMatch !== 'NotOlderThan') {
    errors.notSupported(path, resourceVersionMatch, ['Exact', 'NotOlderThan', ''])
  }
  if (resourceVersionMatch === 'Exact' && resourceVersion === '0') {
    errors.forbidden(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
  }
  if (errors.length > 0) throw errors.toError({ group: 'meta.k8s.io', kind: 'ListOptions' }, '')
}
