import type { CustomResourceSubresourceScale } from '../../kinds/apiextensions/custom-resource-definition.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { setOwn } from '../../schema/freeze.ts'
import type { ApiObject, ScaleRules } from '../../schema/kind.ts'
import { ApiError } from '../../schema/status.ts'

const maxReplicas = 2 ** 31 - 1

/** The scale sub-resource of a custom resource, by the paths that its definition gives. */
export function customScale(scale: CustomResourceSubresourceScale): ScaleRules<ApiObject> {
  const spec = partsOf(scale.specReplicasPath)
  const status = partsOf(scale.statusReplicasPath)
  const selector = scale.labelSelectorPath ? partsOf(scale.labelSelectorPath) : undefined
  return {
    path: spec,
    replicas: (object) => numberAt(object, spec) ?? 0,
    checkRead(object) {
      if (numberAt(object, spec) === undefined) throw missing(scale.specReplicasPath)
    },
    setReplicas: (object, replicas) => put(object as unknown as Record<string, unknown>, spec, replicas),
    checksReplicas: true,
    currentReplicas: (object) => numberAt(object, status) ?? 0,
    selector(object) {
      const found = selector && valueAt(object, selector)
      return typeof found === 'string' ? found : ''
    },
  }
}

/** What is wrong with the numbers that the scale sub-resource would show. */
export function validateReplicas(scale: CustomResourceSubresourceScale, object: ApiObject, errors: FieldErrors): void {
  for (const path of [scale.specReplicasPath, scale.statusReplicasPath]) {
    const replicas = valueAt(object, partsOf(path))
    if (replicas === undefined || replicas === null) continue
    if (typeof replicas !== 'number' || !Number.isInteger(replicas))
      errors.invalid(path, replicas, 'should be an integer')
    else if (replicas < 0) errors.invalid(path, replicas, 'should be a non-negative integer')
    else if (replicas > maxReplicas) {
      errors.invalid(path, replicas, `should be less than or equal to ${maxReplicas}`)
    }
  }
}

function missing(path: string): ApiError {
  const message = `the spec replicas field ${JSON.stringify(path)} does not exist`
  return new ApiError('InternalError', `Internal error occurred: ${message}`, { details: { causes: [{ message }] } })
}

const partsOf = (path: string): readonly string[] => path.split('.').slice(1)

function valueAt(object: unknown, parts: readonly string[]): unknown {
  let value = object
  for (const part of parts) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}

function numberAt(object: unknown, parts: readonly string[]): number | undefined {
  const value = valueAt(object, parts)
  return typeof value === 'number' ? value : undefined
}

function put(object: Record<string, unknown>, parts: readonly string[], value: number): void {
  const last = parts[parts.length - 1]!
  let parent = object
  for (const part of parts.slice(0, -1)) {
    const next = Object.hasOwn(parent, part) ? parent[part] : undefined
    const isObject = typeof next === 'object' && next !== null && !Array.isArray(next)
    if (!isObject) setOwn(parent, part, {})
    parent = parent[part] as Record<string, unknown>
  }
  setOwn(parent, last, value)
}
