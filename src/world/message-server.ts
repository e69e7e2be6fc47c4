import type { Socket as DatagramSocket } from 'node:dgram'
import type { Server, Socket } from 'node:net'
import type { MessageServer, Network } from './world.ts'

/** A connection on which nothing comes for so long is closed (RFC 7766, 6.2.3). */
const idleMs = 10_000
/** So many may be open; others are closed at once. */
const mostConnections = 256
/** How often another free port is tried, when the one that is free for connections is taken for datagrams. */
const attempts = 20
const lengthBytes = 2

type Answer = Parameters<NonNullable<Network['serveMessages']>>[1]

/** `Network.serveMessages` on real sockets. */
export async function serveMessages(
  { host, port }: { readonly host: string; readonly port: number },
  answer: Answer,
): Promise<MessageServer> {
  for (let attempt = 1; ; attempt++) {
    const streams = await listen(host, port, answer)
    const chosen = (streams.server.address() as { readonly port: number }).port
    try {
      const datagrams = await bind(host, chosen, answer)
      let closed: Promise<unknown> | undefined
      return {
        port: chosen,
        async [Symbol.asyncDispose]() {
          closed ??= Promise.all([streams.close(), new Promise<void>((done) => datagrams.close(done))])
          await closed
        },
      }
    } catch (error) {
      await streams.close()
      if (port !== 0 || attempt === attempts) throw error
    }
  }
}

function bind(host: string, port: number, answer: Answer): Promise<DatagramSocket> {
  const { createSocket } = process.getBuiltinModule('node:dgram')
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (message, { address, port: from }) => {
    const said = answer(message, false)
    // Whoever is not there any more does without.
    if (said !== undefined) socket.send(said, from, address, () => {})
  })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, host, () => {
      socket.off('error', reject)
      // What a client's host says about a client that is gone is nobody's concern.
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

interface Listening {
  readonly server: Server
  close(): Promise<void>
}

function listen(host: string, port: number, answer: Answer): Promise<Listening> {
  const { createServer } = process.getBuiltinModule('node:net')
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', () => {})
    socket.setTimeout(idleMs, () => socket.destroy())
    converse(socket, answer)
  })
  server.maxConnections = mostConnections
  const close = () => {
    for (const socket of open) socket.destroy()
    return new Promise<void>((done) => server.close(() => done()))
  }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve({ server, close })
    })
  })
}

/** Takes one message after the other, and none while the client does not take its answers: they are longer than questions. */
function converse(socket: Socket, answer: Answer): void {
  let rest: Buffer = Buffer.alloc(0)
  const goOn = () => {
    while (!socket.writableNeedDrain && rest.length >= lengthBytes) {
      const end = lengthBytes + rest.readUInt16BE(0)
      if (rest.length < end) break
      const said = answer(rest.subarray(lengthBytes, end), true)
      rest = rest.subarray(end)
      if (said !== undefined) socket.write(framed(said))
    }
    if (socket.writableNeedDrain) socket.pause()
    else socket.resume()
  }
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer])
    goOn()
  })
  socket.on('drain', goOn)
}

function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}
