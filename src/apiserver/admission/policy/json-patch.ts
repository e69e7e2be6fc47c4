/** Mutations in the form of a JSON patch (KEP-3962). */

import { CelList, CelObject, type CelValue, toJson } from '../../../cel/index.ts'
import { applyJsonPatch, patchFaultOf } from '../../../schema/json-patch.ts'
import type { ApiObject } from '../../../schema/kind.ts'
import { mismatchesOf } from './mismatches.ts'
import { MutationError } from './mutation-error.ts'

/**
 * Applies the operations that an expression has made (`[JSONPatch{…}]`). Where a `test` among them fails, the object
 * stays as it is.
 * @throws MutationError
 */
export function applyPatchOf(live: ApiObject, made: CelValue): object {
  const operations = made instanceof CelList ? made.toArray().map(operationOf) : []
  try {
    return applyJsonPatch(live, operations)
  } catch (error) {
    const fault = patchFaultOf(error)
    if (fault === undefined) throw error
    if (fault.isTest) return live
    throw new MutationError(`JSON Patch: ${fault.message}`)
  }
}

function operationOf(made: CelValue): object {
  if (!(made instanceof CelObject))
    throw new MutationError('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch')
  const value = made.get('value')
  const mismatches = value === undefined ? [] : mismatchesOf(value)
  if (mismatches.length > 0) throw new MutationError(`type mismatch: ${mismatches.join('\n')}`)
  const { op = '', path = '', from } = toJson(made) as { op?: string; path?: string; from?: string }
  return { op, path, ...(from && { from }), ...(value !== undefined && { value: toJson(value) }) }
}
