/** Beyond this many characters in all, each warning is cut to `itemLength`. */
const totalLength = 4096
const itemLength = 256

/** The values of the `Warning` headers for these texts: each once, in order, quoted (RFC 7234, code 299). */
export function warningHeaders(texts: readonly string[]): readonly string[] {
  const once = [...new Set(texts)].map((text) => text.replace(/[\x00-\x1f\x7f]/g, ' '))
  const total = once.reduce((sum, text) => sum + text.length, 0)
  const cut = total > totalLength ? once.map((text) => text.slice(0, itemLength)) : once
  return cut.map((text) => `299 - "${headerSafe(text).replace(/["\\]/g, '\\$&')}"`)
}

/** Header values are Latin-1 on the wire: UTF-8 is sent as its bytes. */
function headerSafe(text: string): string {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}
