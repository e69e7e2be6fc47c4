import type { Duplex } from 'node:stream'
import type { ApiRequest, ApiResponse } from './request.ts'

/**
 * Answers requests to leave HTTP (`exec`, `attach`, `port-forward`) with what the handler says to them, which is why it
 * does not come to that: clients show the message of the Status in it.
 */
export function answerUpgrades(
  handler: (request: ApiRequest) => Promise<ApiResponse>,
): (request: ApiRequest, socket: Duplex, head: Buffer) => void {
  return (request, socket, head) => {
    void handler(request).then((response) => {
      if (response.takeOver === undefined) return socket.end(toHttp1(response))
      socket.write(`${['HTTP/1.1 101 Switching Protocols', ...linesOf(response)].join('\r\n')}\r\n\r\n`)
      response.takeOver(socket, head)
    })
  }
}

const linesOf = ({ headers }: ApiResponse) =>
  Object.entries(headers).flatMap(([name, values]) => [values].flat().map((value) => `${name}: ${value}`))

function toHttp1(response: ApiResponse): Buffer {
  const { status, body } = response
  const content = typeof body === 'function' ? Buffer.alloc(0) : Buffer.from(body)
  const lines = linesOf(response)
  const head = [
    `HTTP/1.1 ${status} ${status}`,
    ...lines,
    `content-length: ${content.length}`,
    'connection: close',
    '',
    '',
  ]
  return Buffer.concat([Buffer.from(head.join('\r\n')), content])
}
