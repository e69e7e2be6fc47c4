import { connect, type TLSSocket } from 'node:tls'

/** Frames of HTTP/2, their flags, and settings (RFC 9113, section 6). */
const type = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const
const flag = { acknowledged: 1, endOfStream: 1, endOfHeaders: 4 } as const
const setting = { headerTableSize: 1, initialWindowSize: 4 } as const
const headSize = 9
const largestWindow = 2 ** 31 - 1
const defaultWindow = 2 ** 16 - 1

/** What becomes of a request. */
export interface Listener {
  readonly status: (status: number) => void
  readonly data: (bytes: Buffer) => void
  readonly end: () => void
  readonly error: (error: Error) => void
}

/**
 * A connection that speaks as much of HTTP/2 as the server's answers need, by hand: the client of a benchmark takes its
 * share of the processor from the server, and Node.js's own takes several times as much. It has received enough after
 * 2 GiB, and sends bodies of a few kilobytes.
 */
export class Wire {
  readonly #socket: TLSSocket
  readonly #authority: string
  readonly #open = new Map<number, Listener>()
  readonly #outgoing: Buffer[] = []
  readonly #fields = new Map<string, Buffer>()
  #nextStream = 1

  private constructor(socket: TLSSocket, authority: string) {
    this.#socket = socket
    this.#authority = authority
    socket.on('error', (error) => this.#lost(error))
    socket.on('close', () => this.#lost(new Error('the connection is closed')))
    const frames = new Frames((frame) => this.#take(frame))
    socket.on('data', (chunk: Buffer) => frames.take(chunk))
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    const settings = [settingOf(setting.headerTableSize, 0), settingOf(setting.initialWindowSize, largestWindow)]
    this.#send(type.settings, 0, 0, Buffer.concat(settings))
    this.#send(type.windowUpdate, 0, 0, unsigned(largestWindow - defaultWindow))
  }

  /** Rejects when nobody listens. */
  static connect(url: string): Promise<Wire> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      // The server's certificate is checked elsewhere; here only what requests cost counts.
      const options = { host: hostname, port: Number(port), ALPNProtocols: ['h2'], rejectUnauthorized: false }
      const socket = connect(options, () => resolve(new Wire(socket, `${hostname}:${port}`)))
      socket.on('error', reject)
      socket.setNoDelay(true)
    })
  }

  request(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | undefined,
    listener: Listener,
  ): void {
    const stream = this.#nextStream
    this.#nextStream += 2
    this.#open.set(stream, listener)
    const all = { ':method': method, ':scheme': 'https', ':authority': this.#authority, ':path': path, ...headers }
    const block = Buffer.concat(Object.entries(all).map(([name, value]) => this.#field(name, value)))
    const isLast = body === undefined
    this.#send(type.headers, flag.endOfHeaders | (isLast ? flag.endOfStream : 0), stream, block)
    if (!isLast) this.#send(type.data, flag.endOfStream, stream, Buffer.from(body))
  }

  close(): void {
    this.#open.clear()
    this.#socket.destroy()
  }

  /** Most are the same in each request. */
  #field(name: string, value: string): Buffer {
    if (name === ':path') return literal(name, value)
    const key = `${name}: ${value}`
    const field = this.#fields.get(key) ?? literal(name, value)
    this.#fields.set(key, field)
    return field
  }

  /** What is sent in one turn goes in one piece. */
  #send(kind: number, flags: number, stream: number, payload: Buffer): void {
    if (this.#outgoing.length === 0) {
      process.nextTick(() => this.#socket.write(Buffer.concat(this.#outgoing.splice(0))))
    }
    const head = Buffer.alloc(headSize)
    head.writeUIntBE(payload.length, 0, 3)
    head[3] = kind
    head[4] = flags
    head.writeUInt32BE(stream, 5)
    this.#outgoing.push(head, payload)
  }

  #take({ kind, flags, stream, payload, isWhole }: Frame): void {
    const listener = this.#open.get(stream)
    if (kind === type.data) {
      listener?.data(payload)
      if (isWhole && flags & flag.endOfStream) this.#end(stream)
    } else if (kind === type.headers) {
      listener?.status(statusIn(payload))
      if (flags & flag.endOfStream) this.#end(stream)
    } else if (kind === type.reset) {
      this.#open.delete(stream)
      listener?.error(new Error('the server has reset the stream'))
    } else if (kind === type.goAway) {
      this.#lost(new Error('the server wants no more of this connection'))
    } else if ((kind === type.settings || kind === type.ping) && !(flags & flag.acknowledged)) {
      this.#send(kind, flag.acknowledged, 0, kind === type.ping ? payload : Buffer.alloc(0))
    }
  }

  #end(stream: number): void {
    const listener = this.#open.get(stream)
    this.#open.delete(stream)
    listener?.end()
  }

  #lost(error: Error): void {
    const listeners = [...this.#open.values()]
    this.#open.clear()
    for (const listener of listeners) listener.error(error)
  }
}

interface Frame {
  readonly kind: number
  readonly flags: number
  readonly stream: number
  /** Of data a part, of all others the whole. */
  readonly payload: Buffer
  /** Whether the frame ends with this. */
  readonly isWhole: boolean
}

/** Finds the frames in what comes. Data are passed on as they come, not when their frame is complete. */
class Frames {
  readonly #onFrame: (frame: Frame) => void
  #rest: Buffer = Buffer.alloc(0)
  /** Of a frame of data that has begun: how much is still to come. */
  #data: { readonly flags: number; readonly stream: number; left: number } | undefined

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame
  }

  take(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = 0
    for (;;) {
      if (this.#data !== undefined) {
        const { flags, stream, left } = this.#data
        const payload = bytes.subarray(at, at + left)
        at += payload.length
        const isWhole = payload.length === left
        if (isWhole) this.#data = undefined
        else this.#data.left -= payload.length
        this.#onFrame({ kind: type.data, flags, stream, payload, isWhole })
        if (!isWhole) break
      }
      if (bytes.length - at < headSize) break
      const length = bytes.readUIntBE(at, 3)
      const kind = bytes[at + 3]!
      const flags = bytes[at + 4]!
      const stream = bytes.readUInt32BE(at + 5)
      if (kind === type.data) {
        this.#data = { flags, stream, left: length }
        at += headSize
        continue
      }
      if (bytes.length - at < headSize + length) break
      const payload = bytes.subarray(at + headSize, at + headSize + length)
      at += headSize + length
      this.#onFrame({ kind, flags, stream, payload, isWhole: true })
    }
    this.#rest = bytes.subarray(at)
  }
}

function settingOf(name: number, value: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(name)
  bytes.writeUInt32BE(value, 2)
  return bytes
}

function unsigned(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A header as HPACK has it without tables and without Huffman's code (RFC 7541, section 6.2.2). */
const literal = (name: string, value: string): Buffer => Buffer.concat([Buffer.of(0), text(name), text(value)])

function text(value: string): Buffer {
  // A length from 127 on has its rest behind it, seven bits at a time.
  const length = [Math.min(value.length, 127)]
  for (let left = value.length - 127; left >= 0; left = left < 128 ? -1 : left >> 7)
    length.push(left < 128 ? left : (left & 127) | 128)
  return Buffer.concat([Buffer.from(length), Buffer.from(value, 'latin1')])
}

/** Field 8 and the next of HPACK's own table (RFC 7541, appendix A). */
const statuses = [200, 204, 206, 304, 400, 404, 500] as const

/** Servers send `:status` first. That they are to keep no table they confirm in front of it. */
function statusIn(block: Buffer): number {
  let at = 0
  while ((block[at]! & 0xe0) === 0x20) at++
  const first = block[at]!
  if (first & 0x80) return statuses[(first & 0x7f) - 8] ?? 0
  const length = block[at + 1]! & 0x7f
  const value = block.subarray(at + 2, at + 2 + length)
  return Number(block[at + 1]! & 0x80 ? digitsIn(value) : value.toString('latin1'))
}

/** Huffman's code (RFC 7541, appendix B) has five bits for 0 to 2 and six, from 25 on, for 3 to 9. */
function digitsIn(code: Buffer): string {
  const bits = [...code].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  let digits = ''
  for (let at = 0; digits.length < 3; ) {
    const short = Number.parseInt(bits.slice(at, at + 5), 2)
    digits += short <= 2 ? short : Number.parseInt(bits.slice(at, at + 6), 2) - 22
    at += short <= 2 ? 5 : 6
  }
  return digits
}
