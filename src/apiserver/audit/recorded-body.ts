import { parseYaml } from '../../schema/json.ts'
import { mediaTypeOf } from '../negotiate.ts'
import { type FindType, isProtobuf, readProtobuf } from '../protobuf-body.ts'

/**
 * What a body says, as the value that it is in JSON; undefined where it says nothing that can be written down: it is in
 * no form that is known (logs, pages of metrics), or broken, or of a type that nobody knows.
 */
export function recordedBody(body: Uint8Array | string, contentType: string | undefined, findType: FindType): unknown {
  try {
    const value = asValue(body, mediaTypeOf(contentType), findType)
    return isDeeperThan(value, deepest) ? undefined : value
  } catch {
    return undefined
  }
}

/** Writing JSON calls itself at every level, and would end with the stack; nothing that is stored goes as deep as this. */
const deepest = 500

function asValue(body: Uint8Array | string, mediaType: string, findType: FindType): unknown {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length)
  if (isProtobuf(bytes)) return readProtobuf(bytes, findType)
  const text = bytes.toString()
  // Whoever does not say what they send, and patches of all kinds, send JSON.
  if (/^\s*[[{]/.test(text)) return JSON.parse(text)
  return mediaType.endsWith('yaml') ? parseYaml(bytes).value : undefined
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const inner of Object.values(value)) if (isDeeperThan(inner, levels - 1)) return true
  return false
}
