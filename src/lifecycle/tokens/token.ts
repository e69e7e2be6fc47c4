import type { Random } from '../../world/world.ts'
import { LifecycleError } from '../failure.ts'

/** A bootstrap token: `ID.SECRET`. Whoever knows it may ask for a node's certificate; its secret is secret. */
export interface Token {
  readonly id: string
  readonly secret: string
}

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
const idPattern = /^[a-z0-9]{6}$/
const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/

export function newToken(random: Random): Token {
  return { id: characters(random, 6), secret: characters(random, 16) }
}

export const tokenText = ({ id, secret }: Token): string => `${id}.${secret}`

/** @throws LifecycleError when it has not the form of a token */
export function parseToken(text: string): Token {
  const [, id, secret] = tokenPattern.exec(text) ?? []
  if (id !== undefined && secret !== undefined) return { id, secret }
  throw new LifecycleError(
    `the bootstrap token ${JSON.stringify(text)} was not of the form "\\A([a-z0-9]{6})\\.([a-z0-9]{16})\\z"`,
    { hint: 'make one on a control plane: coracle token create --print-join-command' },
  )
}

/** The ID of a token that is given whole or by its ID. */
export function tokenIdOf(text: string): string {
  if (idPattern.test(text)) return text
  const [, id] = tokenPattern.exec(text) ?? []
  if (id !== undefined) return id
  throw new LifecycleError(
    `given token ${JSON.stringify(text)} didn't match pattern "\\A([a-z0-9]{6})\\z" or "\\A([a-z0-9]{6})\\.([a-z0-9]{16})\\z"`,
    { hint: 'see those that there are: coracle token list' },
  )
}

/** Each as probable as any other: bytes beyond the last whole round of the alphabet are drawn again. */
function characters(random: Random, length: number): string {
  const limit = 256 - (256 % letters.length)
  let text = ''
  while (text.length < length) {
    for (const byte of random.bytes(length)) {
      if (byte < limit && text.length < length) text += letters[byte % letters.length]
    }
  }
  return text
}
