import type { UserInfo } from './context.ts'
import type { Handler } from './handler.ts'
import type { Sink } from './request.ts'

const never = new AbortController().signal

/**
 * Requests from within this process, answered by the handler like all others, as a user who needs no credential: GETs,
 * and POSTs where there is something to be `posted`.
 */
export function localReader(
  handler: Handler,
): (
  path: string,
  context: { readonly user: UserInfo; readonly userAgent: string },
  more?: { readonly posted?: object; readonly accept?: string },
) => Promise<{ status: number; body: Buffer }> {
  return async (path, { user, userAgent }, { posted, accept = 'application/json' } = {}) => {
    const sent = posted === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(posted))
    const { status, body } = await handler({
      method: posted === undefined ? 'GET' : 'POST',
      url: path,
      headers: {
        accept,
        'user-agent': userAgent,
        ...(posted && { 'content-type': 'application/json' }),
      },
      body: async () => sent,
      signal: never,
      remoteAddress: '127.0.0.1',
      user,
    })
    return { status, body: typeof body === 'function' ? await written(body) : Buffer.from(body) }
  }
}

async function written(write: (sink: Sink) => Promise<void>): Promise<Buffer> {
  const chunks: Buffer[] = []
  await write({
    write: (chunk) => void chunks.push(Buffer.from(chunk)),
    backlog: 0,
    drained: async () => {},
    signal: never,
  })
  return Buffer.concat(chunks)
}
