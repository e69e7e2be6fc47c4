/**
 * Everything that an API server asks about identities, in one process: an OpenID issuer, and the webhooks that judge
 * tokens, requests and images. It has moods in which it does its work badly, and counts how often it is asked.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Start } from '../outside.ts'

type Loose = Record<string, unknown>

/** `well`; `silent`: never answers; `broken`: 500; `nonsense`: no JSON; `lying`: answers that say two things at once. */
let mood = 'well'
let keys: readonly object[] = []
let issuer = ''
/** A token of whatever form that the webhook knows. */
let known = ''
/** What `/groups` answers to those who show the right token: claims that stand not in the issuer's tokens. */
let groupsToken = ''
let counts: Record<string, number> = {}
let lastQuestion: Loose = {}

interface Question extends Loose {
  readonly apiVersion: string
  readonly kind: string
  readonly spec: {
    readonly token?: string
    readonly user?: string
    readonly resourceAttributes?: { readonly resource?: string; readonly verb?: string }
    readonly containers?: readonly { readonly image: string }[]
  }
}

const answers: Readonly<Record<string, (question: Question) => unknown>> = {
  '/.well-known/openid-configuration': () => ({ issuer, jwks_uri: `${issuer}/keys` }),
  '/keys': () => ({ keys }),
  '/authenticate': ({ spec }) => {
    const [, username = spec.token === known ? 'known' : undefined] = /^user-(.*)$/.exec(spec.token ?? '') ?? []
    if (username === undefined) return { authenticated: mood === 'lying' ? 'yes' : false }
    if (mood === 'lying') return { authenticated: true, user: { groups: ['system:masters'] } }
    return { authenticated: true, user: { username, uid: '7', groups: ['crew'], extra: { boat: ['coracle'] } } }
  },
  '/authorize': ({ spec }) => {
    if (mood === 'lying') return { allowed: true, denied: true, reason: 'both' }
    const { resource } = spec.resourceAttributes ?? {}
    if (resource === 'secrets') return { allowed: false, denied: true, reason: 'secrets are closed' }
    return resource === 'configmaps'
      ? { allowed: true, reason: 'maps are open' }
      : { allowed: false, reason: 'not my business' }
  },
  '/images': ({ spec }) => {
    const bad = spec.containers?.find(({ image }) => image.startsWith('evil'))
    return bad ? { allowed: false, reason: `${bad.image} is evil` } : { allowed: true }
  },
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('?')[0]!
  counts[path] = (counts[path] ?? 0) + 1
  if (mood === 'silent') return
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  const question = (text === '' ? {} : JSON.parse(text)) as Question
  if (text !== '') lastQuestion = { ...question, authorization: request.headers.authorization }
  if (path === '/groups') {
    const isKnown = request.headers.authorization === 'Bearer groups-please'
    return void response.writeHead(isKnown ? 200 : 403).end(groupsToken)
  }
  const answer = answers[path]?.(question)
  if (mood === 'broken' || answer === undefined) response.writeHead(mood === 'broken' ? 500 : 404).end('trouble')
  else if (mood === 'nonsense') response.end('<html>')
  else if (text === '') response.end(JSON.stringify(answer))
  else response.end(JSON.stringify({ apiVersion: question.apiVersion, kind: question.kind, status: answer }))
}

process.once('message', ({ host, port, certificate, key }: Start) => {
  const server = createServer({ cert: certificate, key }, (request, response) => void handle(request, response))
  server.listen(port, host, () => {
    process.on(
      'message',
      (told: {
        mood?: string
        keys?: object[]
        issuer?: string
        known?: string
        groupsToken?: string
        reset?: boolean
      }) => {
        mood = told.mood ?? mood
        keys = told.keys ?? keys
        issuer = told.issuer ?? issuer
        known = told.known ?? known
        groupsToken = told.groupsToken ?? groupsToken
        process.send?.({ counts, lastQuestion })
        if (told.reset) counts = {}
      },
    )
    process.send?.({ port: (server.address() as AddressInfo).port })
  })
})
