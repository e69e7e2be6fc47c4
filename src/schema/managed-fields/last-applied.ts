import type { ApiObject } from '../kind.ts'
import { compare } from './compare.ts'
import { fieldsOf } from './extract.ts'
import { difference, type FieldSet, leaf } from './field-set.ts'
import { ItemFault, isMembers, shapeOf } from './shape.ts'
import type { Write } from './tracking.ts'

/** Where `kubectl apply` without `--server-side` keeps what it applied. */
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'

/** All annotations together may have as many bytes; what would be more is left out. */
const annotationsLimit = 256 * 1024

/**
 * The fields that were applied on the client and still are as they were applied: those `kubectl apply --server-side`
 * may take over without asking.
 */
export function allowedByLastApplied(write: Write, live: ApiObject): FieldSet {
  const text = live.metadata.annotations?.[lastAppliedAnnotation]
  const last = text === undefined || text === '' ? undefined : parsed(text)
  if (last === undefined || last['apiVersion'] !== write.apiVersion) return leaf
  const shape = shapeOf(write.schema)
  try {
    const { added, modified, removed } = compare(shape, last, live)
    return [modified, added, removed].reduce(difference, fieldsOf(shape, last))
  } catch (error) {
    if (error instanceof ItemFault) return leaf
    throw error
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isMembers(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Keeps the annotation of an object up to date that was applied on the client before and now is on the server. */
export function withLastApplied(manager: string, object: ApiObject, patch: ApiObject): ApiObject {
  const { annotations } = object.metadata
  if (manager !== 'kubectl' || (annotations?.[lastAppliedAnnotation] ?? '') === '') return object
  const { managedFields: _, ...metadata } = patch.metadata
  const { [lastAppliedAnnotation]: _last, ...others } = metadata.annotations ?? {}
  const applied = {
    ...patch,
    metadata: { ...metadata, ...(metadata.annotations !== undefined && { annotations: others }) },
  }
  const updated: Record<string, string> = { ...annotations, [lastAppliedAnnotation]: `${sortedJson(applied)}\n` }
  const size = Object.entries(updated).reduce((sum, [name, value]) => sum + byteLength(name) + byteLength(value), 0)
  if (size > annotationsLimit) delete updated[lastAppliedAnnotation]
  return { ...object, metadata: { ...object.metadata, annotations: updated } }
}

const byteLength = (text: string) => Buffer.byteLength(text)

/** Keys sorted, as Go writes maps. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`
  if (!isMembers(value)) return JSON.stringify(value) ?? 'null'
  const members = Object.keys(value).sort()
  return `{${members.map((name) => `${JSON.stringify(name)}:${sortedJson(value[name])}`).join(',')}}`
}
