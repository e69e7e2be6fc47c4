import type * as http2 from 'node:http2'

/** Requests of a session of which nothing is heard for so long may be those of a client that is gone. */
const silentMs = 1000

/**
 * Ends a session whose client has reset the connection. Node.js 24 does not hear of that when a write was the first to fail
 * and another one came before it read on: TLS waits for the first to end, and HTTP/2 reads nothing until the second has.
 * Such a session stays for ever, its requests keep their seats for a minute, and those behind them wait in vain. So whenever
 * a session has become silent, the system is asked whether the connection still stands, which costs nobody anything.
 */
export function endWhenLost(session: http2.ServerHttp2Session): void {
  session.setTimeout(silentMs, () => {
    if (isLost(session)) session.destroy()
  })
}

/** A connection that still stands has another end. Where this Node.js does not tell, it is taken to stand. */
function isLost(session: http2.ServerHttp2Session): boolean {
  if (session.destroyed) return false
  const { _handle: handle } = session.socket as unknown as { readonly _handle?: Handle | null }
  return handle?.getpeername !== undefined && handle.getpeername({}) !== 0
}

/** What Node.js asks the system for `remoteAddress` with. It gives 0, or the number of an error. */
interface Handle {
  getpeername?(address: object): number
}
