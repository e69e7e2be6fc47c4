/** One value of ASN.1 in DER (ITU-T X.690). */
export interface DerValue {
  readonly tag: number
  readonly content: Buffer
  /** With tag and length. */
  readonly whole: Buffer
}

/** What is not DER. */
export class DerError extends Error {}

/**
 * The values that follow one another in a buffer. Values within values are read by reading their `content`.
 * @throws DerError
 */
export function readDer(buffer: Buffer): DerValue[] {
  const values: DerValue[] = []
  for (let at = 0; at < buffer.length; ) {
    const value = valueAt(buffer, at)
    values.push(value)
    at += value.whole.length
  }
  return values
}

function valueAt(buffer: Buffer, at: number): DerValue {
  const tag = buffer[at]!
  const first = buffer[at + 1]
  if (first === undefined) throw new DerError('a value ends before its length')
  const digits = first & 0x80 ? first & 0x7f : 0
  if (digits > 4 || at + 2 + digits > buffer.length) throw new DerError('a length cannot be read')
  const length = digits === 0 ? first : buffer.readUIntBE(at + 2, digits)
  const start = at + 2 + digits
  if (start + length > buffer.length) throw new DerError('a value is longer than what surrounds it')
  return { tag, content: buffer.subarray(start, start + length), whole: buffer.subarray(at, start + length) }
}

/** An object identifier in its dotted form. */
export function readOid({ tag, content }: DerValue): string {
  if (tag !== 0x06 || content.length === 0) throw new DerError('an object identifier is missing')
  const arcs: number[] = []
  let arc = 0
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f)
    if (byte & 0x80) continue
    arcs.push(arc)
    arc = 0
  }
  const [joined = 0, ...rest] = arcs
  const first = Math.min(2, Math.floor(joined / 40))
  return [first, joined - first * 40, ...rest].join('.')
}

const texts: Readonly<Record<number, BufferEncoding>> = { 12: 'utf8', 19: 'latin1', 20: 'latin1', 22: 'latin1' }

/** A text, whichever of the usual alphabets it is written in. */
export function readText({ tag, content }: DerValue): string {
  if (tag === 0x1e) return Buffer.from(content).swap16().toString('utf16le')
  return content.toString(texts[tag] ?? 'utf8')
}
