import { ApiError } from '../schema/status.ts'

/** What the client wants to read. */
export interface Accepted {
  readonly format: 'json' | 'yaml' | 'protobuf'
  /** The Content-Type of the answer. */
  readonly contentType: string
  /** The object in another shape: `Table`, `PartialObjectMetadata`, `PartialObjectMetadataList`. */
  readonly as: string
  /** The API version of that shape: `meta.k8s.io/v1`. */
  readonly asVersion: string
}

const json: Accepted = { format: 'json', contentType: 'application/json', as: '', asVersion: '' }
const yaml: Accepted = { format: 'yaml', contentType: 'application/yaml', as: '', asVersion: '' }
const protobufType = 'application/vnd.kubernetes.protobuf'
const protobuf: Accepted = { format: 'protobuf', contentType: protobufType, as: '', asVersion: '' }
const protobufStream: Accepted = { ...protobuf, contentType: `${protobufType};stream=watch` }

const acceptedTypes = 'application/json, application/yaml, application/vnd.kubernetes.protobuf'
const watchTypes = 'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch'

/** What a route can answer with beyond the object as it is. */
export interface Offer {
  /** Kind (of `as=`) → whether the client may ask for it. */
  readonly shapes: 'none' | 'tables'
  readonly stream: boolean
  /** Whether there is a message for what is answered. */
  readonly protobuf: boolean
}

export const plainOffer: Offer = { shapes: 'none', stream: false, protobuf: false }
export const objectOffer: Offer = { shapes: 'tables', stream: false, protobuf: true }
export const watchOffer: Offer = { shapes: 'tables', stream: true, protobuf: true }
export const typedOffer: Offer = { shapes: 'none', stream: false, protobuf: true }

/** Headers repeat themselves from request to request; what they mean is remembered up to this many, if they are short. */
const memory = 256
const longestRemembered = 1024
const known = new Map<Offer, Map<string, Accepted | undefined>>()

/** Throws NotAcceptable (406) with the reference's list of types. */
export function negotiate(accept: string | undefined, offer: Offer): Accepted {
  if (accept === undefined || accept === '' || accept === 'application/json' || accept === '*/*') return json
  let answers = known.get(offer)
  if (answers === undefined || answers.size > memory) {
    answers = new Map()
    known.set(offer, answers)
  }
  let answer = answers.get(accept)
  if (answer === undefined && !answers.has(accept)) {
    answer = choose(accept, offer)
    if (accept.length <= longestRemembered) answers.set(accept, answer)
  }
  if (answer !== undefined) return answer
  const types = offer.stream ? watchTypes : acceptedTypes
  throw new ApiError('NotAcceptable', `only the following media types are accepted: ${types}`)
}

/** In which form an error is told: what the client accepts if it can be had, else JSON. */
export function errorFormat(accept: string | undefined): Accepted {
  if (accept === undefined || !(accept.includes('yaml') || accept.includes('protobuf'))) return json
  return choose(accept, typedOffer) ?? json
}

function choose(accept: string, offer: Offer): Accepted | undefined {
  for (const clause of parseAccept(accept)) {
    const base = mediaType(clause, offer)
    if (base === undefined) continue
    const as = clause.parameters.get('as') ?? ''
    if (as === '') return base
    if (offer.shapes === 'none' || clause.parameters.get('g') !== 'meta.k8s.io') continue
    const version = clause.parameters.get('v') ?? ''
    if (!shapes.has(as) || (version !== 'v1' && version !== 'v1beta1')) continue
    // The cells of a table may be anything, which protobuf cannot say.
    if (base.format === 'protobuf' && as === 'Table') continue
    return { ...base, as, asVersion: `meta.k8s.io/${version}` }
  }
  return undefined
}

const shapes = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'])

function mediaType({ type, subtype, parameters }: AcceptClause, offer: Offer): Accepted | undefined {
  const stream = parameters.get('stream')
  if (stream !== undefined && (stream !== 'watch' || !offer.stream)) return undefined
  if (type === '*' && subtype === '*') return json
  if (type !== 'application') return undefined
  if (subtype === 'json' || subtype === '*') return json
  if (subtype === 'vnd.kubernetes.protobuf' && offer.protobuf) return offer.stream ? protobufStream : protobuf
  return subtype === 'yaml' && !offer.stream ? yaml : undefined
}

export interface AcceptClause {
  readonly type: string
  readonly subtype: string
  readonly quality: number
  /** Without `q`. */
  readonly parameters: ReadonlyMap<string, string>
}

/** The clauses of an Accept header, best first: by quality, then the more exact, then the one with more parameters. */
export function parseAccept(header: string): readonly AcceptClause[] {
  const clauses: AcceptClause[] = []
  for (const part of header.split(',')) {
    const [range = '', ...rest] = part.split(';').map((piece) => piece.trim())
    const [type = '', subtype = type === '*' ? '*' : ''] = range.split('/')
    if (type === '' || subtype === '') continue
    const parameters = new Map<string, string>()
    let quality = 1
    for (const piece of rest) {
      const equals = piece.indexOf('=')
      if (equals < 0) continue
      const name = piece.slice(0, equals).trim()
      const value = piece
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1')
      if (name !== 'q') parameters.set(name, value)
      else quality = Number.isNaN(Number(value)) ? 1 : Number(value)
    }
    clauses.push({ type, subtype, quality, parameters })
  }
  return clauses.sort(
    (left, right) =>
      right.quality - left.quality ||
      exactness(right) - exactness(left) ||
      right.parameters.size - left.parameters.size,
  )
}

const exactness = ({ type, subtype }: AcceptClause) => (type === '*' ? 0 : subtype === '*' ? 1 : 2)

/** The media type of a Content-Type header, without its parameters. */
export function mediaTypeOf(header: string | undefined): string {
  if (header === undefined) return ''
  const end = header.indexOf(';')
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase()
}
