import { Buffer } from 'node:buffer'
import * as codec from 'dns-packet'
import { type Answer, answer, type DnsRecord, type Names, startOfZone, ttlSeconds } from './records.ts'

/** What a client can take that says nothing about it (RFC 1035, 4.2.1), and the most that is sent in one datagram. */
const shortestDatagram = 512
const longestDatagram = 4096
const longestMessage = 65_535

const codes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const
const opcodeBits = 0x7800
const recursionDesired = 0x0100
const responseBit = 0x8000
const headerBytes = 12

export interface Zone {
  /** `cluster.local` */
  readonly name: string
  readonly names: Names
  /** Grows with time: of the answer's SOA. */
  serial(): number
  /** To be told why a question could not be answered. */
  failed(error: unknown): void
}

/**
 * What to say to a message; undefined: nothing, since it is no question. `isStream`: it came over TCP, where an answer may
 * be as long as it likes.
 */
export function respond(message: Uint8Array, zone: Zone, isStream: boolean): Buffer | undefined {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  if (bytes.length < headerBytes || (bytes.readUInt16BE(2) & responseBit) !== 0) return undefined
  const [id, flags] = [bytes.readUInt16BE(0), bytes.readUInt16BE(2)]
  const kept = flags & (opcodeBits | recursionDesired)
  const bareError = (code: number) => codec.encode({ type: 'response', id, flags: kept | code })
  if ((flags & opcodeBits) !== 0) return bareError(codes.NOTIMP)
  let query: codec.DecodedPacket
  try {
    query = codec.decode(bytes)
  } catch {
    return bareError(codes.FORMERR)
  }
  const { questions = [], additionals = [] } = query
  if (questions.length !== 1) return bareError(codes.FORMERR)
  try {
    const head = { type: 'response', id, flags: kept, questions } as const
    return respondTo(head, questions[0]!, additionals, zone, isStream)
  } catch (error) {
    zone.failed(error)
    return bareError(codes.SERVFAIL)
  }
}

function respondTo(
  head: codec.Packet,
  question: codec.Question,
  additionals: readonly codec.Answer[],
  zone: Zone,
  isStream: boolean,
): Buffer {
  const option = additionals.find((record) => record.type === 'OPT')
  const isOurs = (question.class ?? 'IN') === 'IN'
  const given: Answer = isOurs ? answer(question, zone.name, zone.names, zone.serial()) : { outcome: 'refused' }
  const room = isStream ? longestMessage : datagramRoom(option)
  return fitting(head, given, { zone, room, hasOption: option !== undefined })
}

function datagramRoom(option: codec.OptAnswer | undefined): number {
  return Math.min(longestDatagram, Math.max(shortestDatagram, option?.udpPayloadSize ?? 0))
}

interface Limits {
  readonly zone: Zone
  readonly room: number
  /** The client speaks EDNS, and is answered so (RFC 6891, 6.1.1). */
  readonly hasOption: boolean
}

function fitting(head: codec.Packet, given: Answer, { zone, room, hasOption }: Limits): Buffer {
  const option: codec.Answer[] = hasOption ? [opt] : []
  if (given.outcome === 'refused')
    return codec.encode({ ...head, flags: head.flags! | codes.REFUSED, additionals: option })
  const code = given.outcome === 'missing' ? codes.NXDOMAIN : codes.NOERROR
  const encode = (answers: readonly DnsRecord[], additionals: readonly DnsRecord[], isCut: boolean) =>
    codec.encode({
      ...head,
      flags: head.flags! | codec.AUTHORITATIVE_ANSWER | (isCut ? codec.TRUNCATED_RESPONSE : 0) | code,
      answers: answers.map(toAnswer),
      authorities: given.answers.length === 0 ? [toAnswer(startOfZone(zone.name, zone.serial()))] : [],
      additionals: [...additionals.map(toAnswer), ...option],
    })
  const whole = encode(given.answers, given.additionals, false)
  if (whole.length <= room) return whole
  const withoutMore = encode(given.answers, [], false)
  if (withoutMore.length <= room) return withoutMore
  // All of the answers are about as long.
  let count = Math.floor((given.answers.length * room) / withoutMore.length)
  for (; count > 0; count--) {
    const cut = encode(given.answers.slice(0, count), [], true)
    if (cut.length <= room) return cut
  }
  return encode([], [], true)
}

const opt: codec.Answer = { type: 'OPT', name: '.', udpPayloadSize: longestDatagram, flags: 0, options: [] } as never

const toAnswer = (record: DnsRecord) => ({ ...record, ttl: ttlSeconds, class: 'IN' }) as unknown as codec.Answer
