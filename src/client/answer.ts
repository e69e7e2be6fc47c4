import { ApiError, type Reason, reasons, type Status } from '../schema/status.ts'

/** What a server sent back, whole. */
export interface RawAnswer {
  readonly status: number
  readonly body: Uint8Array
}

/** Reads an answer. Throws the ApiError that it is, or that follows from it. */
export function readAnswer(answer: RawAnswer): unknown {
  if (answer.status >= 400) throw errorOf(answer)
  return parseJson(answer.body)
}

/** Throws an ApiError for what is no JSON. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(body))
  } catch (error) {
    throw new ApiError('InternalError', `the server's answer is not JSON: ${excerpt(body)}`, { cause: error })
  }
}

/** The Status that a failed request is answered with; or what stands between us and the server has said something else. */
export function errorOf({ status, body }: RawAnswer): ApiError {
  try {
    const answer = JSON.parse(textOf(body)) as Status
    if (answer.kind === 'Status') return ApiError.from({ code: status, ...answer })
  } catch {
    // It is no JSON, which the next line says.
  }
  return new ApiError(reasonOf(status), `the server answered ${status}: ${excerpt(body)}`, { code: status })
}

const reasonOf = (status: number): Reason | '' =>
  (Object.keys(reasons) as Reason[]).find((reason) => reasons[reason] === status) ?? ''

const textOf = (body: Uint8Array): string => Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')

const excerpt = (body: Uint8Array): string => textOf(body).slice(0, 200).trim() || '(nothing)'
