import { FieldErrors } from '../../schema/field-errors.ts'
import type { TypeMeta } from '../../schema/json.ts'
import { apiVersionOf } from '../../schema/kind.ts'
import { type ApiError, badRequest } from '../../schema/status.ts'

interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/**
 * Holds what a new custom object says that it is against what its path says. Unlike kinds that are built in, custom
 * ones must say it, and another kind is a fault of the object.
 */
export function checkCustomType(sent: TypeMeta, expected: GroupVersionKind, name: string): void {
  const apiVersion = apiVersionOf(expected)
  if (sent.apiVersion !== apiVersion) {
    const versions = `(${sent.apiVersion}) does not match the expected API version (${apiVersion})`
    throw badRequest(`the API version in the data ${versions}`)
  }
  const fault = customTypeFault(sent, expected, name)
  if (fault !== undefined) throw fault
}

/** What is wrong with the type that a patched object has. */
export function customTypeFault(
  { apiVersion, kind }: TypeMeta,
  expected: GroupVersionKind,
  name: string,
): ApiError | undefined {
  const errors = new FieldErrors()
  if (kind !== expected.kind) errors.invalid('kind', kind, `must be ${expected.kind}`)
  const wanted = apiVersionOf(expected)
  if (apiVersion !== wanted) errors.invalid('apiVersion', apiVersion, `must be ${wanted}`)
  if (errors.length === 0) return undefined
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  return errors.toError({ group, kind }, name)
}
