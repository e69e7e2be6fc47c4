import { connect, createServer, type Socket } from 'node:net'
import { type Address, formatAddress } from './address.ts'

export type { Socket } from 'node:net'

/** Idle connections are asked whether anybody is still there. */
const keepAliveMs = 10_000

export interface Listener {
  readonly address: Address
  close(): Promise<void>
}

/** Takes connections at an address, each without having read anything. Rejects when that is not possible. */
export async function listen({ host, port }: Address, accepted: (socket: Socket) => void): Promise<Listener> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.setKeepAlive(true, keepAliveMs)
    accepted(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host !== '' && { host }) }, resolve)
  })
  // A connection that cannot be taken is no reason to take no others.
  server.on('error', () => {})
  const address = server.address()
  return {
    address: { host, port: address !== null && typeof address === 'object' ? address.port : port },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Connects. Rejects when that fails, or takes too long. */
export function dial({ host, port }: Address, timeoutMs: number): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, keepAlive: true })
  socket.setKeepAlive(true, keepAliveMs)
  return new Promise((resolve, reject) => {
    const tooLate = () =>
      socket.destroy(new Error(`no connection to ${formatAddress({ host, port })} within ${timeoutMs} ms`))
    socket.setTimeout(timeoutMs, tooLate)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.setTimeout(0, tooLate)
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** Two connections that are one for those at their ends. */
export interface Joined {
  /** Resolves when both are closed. */
  readonly ended: Promise<void>
  /** Ends both at once, so that both sides see it. */
  cut(): void
  readonly bytes: { readonly in: number; readonly out: number }
}

/**
 * Passes on what either side sends. When one says that it has said all, the other is told, and has `halfOpenTimeoutMs`
 * since its last word to end as well: nobody is cut off in mid-sentence, and nobody stays for ever. What breaks one
 * breaks the other.
 */
export function join(client: Socket, backend: Socket, halfOpenTimeoutMs: number): Joined {
  const sides = [client, backend] as const
  const closed = sides.map((side) => new Promise<void>((resolve) => side.once('close', () => resolve())))
  for (const [side, other] of [sides, [backend, client] as const]) {
    side.on('error', () => {
      // Who had said all before breaking off has been heard: what it said is delivered.
      if (side.readableEnded) other.destroySoon()
      else hangUp(other)
    })
    side.once('close', () => {
      if (!other.writableEnded) other.destroySoon()
    })
    side.once('end', () => other.setTimeout(halfOpenTimeoutMs, () => hangUp(other)))
    side.pipe(other)
  }
  return {
    ended: Promise.all(closed).then(() => {}),
    cut() {
      for (const side of sides) hangUp(side)
    },
    get bytes() {
      return { in: client.bytesRead, out: client.bytesWritten }
    },
  }
}

/**
 * Ends a connection so that the other side sees at once that something is wrong (RST). One that is ending already, or on
 * which something waits to be sent, is closed instead: a reset would come after that only, or never (and `uv_tcp_close_reset`
 * leaves a socket open that is being shut down).
 */
export function hangUp(socket: Socket): void {
  if (hungUp.has(socket)) return
  hungUp.add(socket)
  if (socket.writableEnded || socket.writableLength > 0) socket.destroy()
  else socket.resetAndDestroy()
}

/** Once is enough: to close what is being reset is what leaves it open. */
const hungUp = new WeakSet<Socket>()
