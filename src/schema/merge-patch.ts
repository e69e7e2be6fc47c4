import { setOwn } from './freeze.ts'
import { jsonWord } from './go-format.ts'
import { badRequest } from './status.ts'

/**
 * JSON Merge Patch (RFC 7386). One deviation, which is the reference's: `null` members vanish from objects inside
 * lists too, where the RFC would keep them.
 */

type Members = Readonly<Record<string, unknown>>

/**
 * Takes an object that may be frozen and the decoded patch; gives the merged object, which shares all untouched parts
 * with the first one and new values with the patch. Throws an ApiError (400) when the patch is not an object.
 */
export function applyMergePatch(current: object, patch: unknown): object {
  if (patch === null) throw badRequest('Invalid JSON Patch')
  if (!isObject(patch)) {
    const why = `json: cannot unmarshal ${jsonWord(patch)} into Go value of type map[string]interface {}`
    throw badRequest(`error decoding patch: ${why}`)
  }
  return mergeObject(current as Members, patch)
}

function mergeObject(current: Members, patch: Members): Members {
  let merged: Record<string, unknown> | undefined
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      if (!Object.hasOwn(current, key)) continue
      merged ??= { ...current }
      delete merged[key]
      continue
    }
    const now = mergeValue(Object.hasOwn(current, key) ? current[key] : undefined, value)
    if (now === current[key] && Object.hasOwn(current, key)) continue
    merged ??= { ...current }
    setOwn(merged, key, now)
  }
  return merged ?? current
}

function mergeValue(current: unknown, patch: unknown): unknown {
  if (!isObject(current)) return withoutNulls(patch)
  return isObject(patch) ? mergeObject(current, patch) : patch
}

/** A new value that takes nothing away has no use for `null` members. Shares what has none. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(withoutNulls)
    return items.some((item, index) => item !== value[index]) ? items : value
  }
  if (!isObject(value)) return value
  const entries = Object.entries(value)
  const kept = entries.filter(([, item]) => item !== null).map(([key, item]) => [key, withoutNulls(item)] as const)
  const isSame = kept.length === entries.length && kept.every(([, item], index) => item === entries[index]?.[1])
  return isSame ? value : Object.fromEntries(kept)
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
