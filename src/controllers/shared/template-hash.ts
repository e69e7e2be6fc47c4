import { canonical } from './equal.ts'

/** No vowels, and none of 0, 1, 3: what a hash spells offends nobody and is not misread. The API's own alphabet. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/**
 * A short name for a pod template: 32 bits of FNV-1a over its canonical JSON, spelled in the safe alphabet.
 * `collisionCount` makes another one when the first is taken by a different template.
 */
export function templateHash(template: unknown, collisionCount: number | undefined): string {
  let hash = fnv(0x811c9dc5, canonical(template))
  if (collisionCount !== undefined) hash = fnv(hash, `#${collisionCount}`)
  return safeText(String(hash))
}

export const safeText = (text: string): string =>
  Array.from(text, (char) => alphabet[char.charCodeAt(0) % alphabet.length]).join('')

function fnv(hash: number, text: string): number {
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
