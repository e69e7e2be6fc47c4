import type { Duplex } from 'node:stream'
import type { ApiRequest, ApiResponse } from './request.ts'

/**
 * Answers requests to leave HTTP (`exec`, `attach`, `port-forward`) with what the handler says to them, which is why it
 * does not come to that: clients show the message of the Status in it.
 */
export function answerUpgrades(
  handler: (request: ApiRequest) => Promise<ApiResponse>,
): (request: ApiRequest, socket: Duplex) => void {
  return (request, socket) => {
    void handler(request).then((response) => socket.end(toHttp1(response)))
  }
}

function toHttp1({ status, headers, body }: ApiResponse): Buffer {
  const content = typeof body === 'function' ? Buffer.alloc(0) : Buffer.from(body)
  const lines = Object.entries(headers).flatMap(([name, values]) => [values].flat().map((value) => `${name}: ${value}`))
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
