import { Buffer } from 'node:buffer'
import { badRequest } from '../../schema/status.ts'

/**
 * Where a list goes on. The form is the reference's, so that a list begun at one server can be continued at another:
 * base64url of `{"v":"meta.k8s.io/v1","rv":N,"start":"<key below the list's folder>\u0000"}`.
 */
export interface ContinueToken {
  /** -1: at the newest revision, consistent or not. */
  readonly revision: number
  /** The first key of the next page, below the folder of the list. */
  readonly start: string
}

const version = 'meta.k8s.io/v1'

export function encodeContinue({ revision, start }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: version, rv: revision, start })).toString('base64url')
}

/** Throws BadRequest in the reference's words. */
export function decodeContinue(text: string): ContinueToken {
  const { v, rv, start } = parse(fromBase64(text))
  if (v !== version) throw invalid(`server does not recognize this encoded version ${v}`)
  if (rv === 0) throw invalid(`incorrect encoded start resourceVersion (version ${version})`)
  if (start === '') throw invalid(`encoded start key empty (version ${version})`)
  // A start outside of the folder would show what the client did not ask for.
  if (start.split('/').some((part) => part === '..' || part === '.')) throw invalid(start)
  return { revision: rv, start }
}

const invalid = (why: string) => badRequest(`invalid continue token: continue key is not valid: ${why}`)

function fromBase64(text: string): string {
  const wrong = /[^A-Za-z0-9_-]/.exec(text)?.index ?? (text.length % 4 === 1 ? text.length - 1 : undefined)
  if (wrong !== undefined) throw invalid(`illegal base64 data at input byte ${wrong}`)
  return Buffer.from(text, 'base64url').toString()
}

function parse(text: string): { readonly v: string; readonly rv: number; readonly start: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid((error as Error).message)
  }
  const { v, rv, start } = (value ?? {}) as Readonly<Record<string, unknown>>
  return {
    v: typeof v === 'string' ? v : '',
    rv: typeof rv === 'number' ? rv : 0,
    start: typeof start === 'string' ? start : '',
  }
}
