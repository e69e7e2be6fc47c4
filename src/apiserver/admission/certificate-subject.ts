/** Whom a certificate request is for (PKCS #10, RFC 2986). */
export interface CertificateSubject {
  readonly commonNames: readonly string[]
  readonly organizations: readonly string[]
}

/** Reads the subject of a request in PEM, base64 as the API has it. Undefined when it is none. */
export function certificateSubject(request: string): CertificateSubject | undefined {
  const pem = Buffer.from(request, 'base64').toString('latin1')
  const [, text] = /-----BEGIN CERTIFICATE REQUEST-----([^-]*)-----END/.exec(pem) ?? []
  if (text === undefined) return undefined
  const [whole] = elements(Buffer.from(text, 'base64'))
  const [info] = elements(whole?.content)
  const [, subject] = elements(info?.content)
  // A sequence of sets of pairs: what it is, and its value.
  const pairs = elements(subject?.content).flatMap((set) => elements(set.content).map((pair) => elements(pair.content)))
  const valuesOf = (type: string) =>
    pairs.flatMap(([id, value]) =>
      id?.content.toString('hex') === type ? [value?.content.toString('utf8') ?? ''] : [],
    )
  return { commonNames: valuesOf(commonName), organizations: valuesOf(organization) }
}

/** Object identifiers 2.5.4.3 and 2.5.4.10. */
const commonName = '550403'
const organization = '55040a'

interface Element {
  readonly tag: number
  readonly content: Buffer
}

/** What stands side by side in DER; ends where it makes no sense. */
function elements(bytes: Buffer | undefined): readonly Element[] {
  const found: Element[] = []
  for (let at = 0; bytes !== undefined && at + 2 <= bytes.length; ) {
    const tag = bytes[at]!
    const short = bytes[at + 1]!
    const digits = short < 0x80 ? 0 : short & 0x7f
    // Nothing that fits into a request needs more than four.
    if (digits > 4 || at + 2 + digits > bytes.length) break
    const length = digits === 0 ? short : bytes.readUIntBE(at + 2, digits)
    const start = at + 2 + digits
    if (start + length > bytes.length) break
    found.push({ tag, content: bytes.subarray(start, start + length) })
    at = start + length
  }
  return found
}
