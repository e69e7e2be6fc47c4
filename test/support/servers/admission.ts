/**
 * An admission webhook. What it does follows from the path: `/allow`, `/label` (a patch), `/deny`, and from its mood, in
 * which it does it wrong. It remembers what it was asked.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Start } from '../outside.ts'

type Loose = Record<string, unknown>

interface Review extends Loose {
  readonly apiVersion: string
  readonly kind: string
  readonly request: Loose & { readonly uid: string; readonly object: Loose | null }
}

let mood = 'well'
/** Questions that were never answered, and for which nobody waits any more. */
let dropped = 0
const asked: { readonly path: string; readonly review: Review }[] = []

const patchOf = (operations: readonly object[]) => ({
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  patchType: 'JSONPatch',
})

const labelled = ({ request }: Review, name: string): readonly object[] => {
  const { labels } = (request.object as { metadata: { labels?: object } }).metadata
  const whole = labels === undefined ? [{ op: 'add', path: '/metadata/labels', value: {} }] : []
  return [...whole, { op: 'add', path: `/metadata/labels/${name}`, value: 'yes' }]
}

/** What a webhook that does its work answers, by the path. */
function response(path: string, review: Review): Loose {
  const [, verb = '', argument = ''] = path.split('/')
  switch (verb) {
    case 'label':
      return { allowed: true, ...patchOf(labelled(review, argument)) }
    case 'patch':
      return { allowed: true, ...patchOf(JSON.parse(decodeURIComponent(argument))) }
    case 'deny':
      return { allowed: false, status: argument ? JSON.parse(decodeURIComponent(argument)) : undefined }
    case 'warn':
      return { allowed: true, warnings: ['mind the gap'], auditAnnotations: { seen: 'yes' } }
    default:
      return { allowed: true }
  }
}

/** What is done to right answers. */
const spoilers: Record<string, (answer: { apiVersion: string; kind: string; response: Loose }) => unknown> = {
  'another uid': (answer) => ({ ...answer, response: { ...answer.response, uid: 'other' } }),
  'another version': (answer) => ({ ...answer, apiVersion: 'admission.k8s.io/v2' }),
  'another kind': ({ response }) => ({ apiVersion: 'v1', kind: 'List', response }),
  'no response': ({ apiVersion, kind }) => ({ apiVersion, kind }),
  'a list': (answer) => [answer],
  'a patch without a type': ({ response, ...answer }) => ({
    ...answer,
    response: { ...response, patch: patchOf([]).patch, patchType: undefined },
  }),
  'a type without a patch': ({ response, ...answer }) => ({
    ...answer,
    response: { ...response, patchType: 'JSONPatch' },
  }),
  'another type of patch': ({ response, ...answer }) => ({
    ...answer,
    response: { ...response, ...patchOf([{ op: 'test', path: '/kind', value: 'x' }]), patchType: 'Merge' },
  }),
  'a patch that is no JSON': ({ response, ...answer }) => ({
    ...answer,
    response: { ...response, patch: Buffer.from('nonsense').toString('base64'), patchType: 'JSONPatch' },
  }),
}

async function handle(request: IncomingMessage, answer: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const review = JSON.parse(Buffer.concat(chunks).toString()) as Review
  const path = request.url ?? ''
  asked.push({ path, review })
  if (mood === 'silent') return void answer.once('close', () => dropped++)
  if (mood === 'broken') return void answer.writeHead(500).end('out of order')
  if (mood === 'gone') return void answer.writeHead(404).end()
  if (mood === 'elsewhere') return void answer.writeHead(307, { location: '/allow' }).end()
  if (mood === 'garbage') return void answer.end('<html>nobody here</html>')
  if (mood === 'cut') {
    answer.writeHead(200, { 'content-length': '5000' }).write('{"kind"')
    return void setTimeout(() => answer.destroy(), 10)
  }
  const { apiVersion, kind } = review
  const right = { apiVersion, kind, response: { uid: review.request.uid, ...response(path.split('?')[0]!, review) } }
  answer.setHeader('content-type', 'application/json')
  answer.end(JSON.stringify(spoilers[mood]?.(right) ?? right))
}

process.once('message', (start: Start) => {
  const server = createServer({ cert: start.certificate, key: start.key }, (request, answer) => {
    void handle(request, answer)
  })
  server.listen(start.port, start.host, () => process.send!({ port: (server.address() as AddressInfo).port }))
  process.on('message', (message: { readonly mood?: string }) => {
    mood = message.mood ?? mood
    process.send!({ asked: asked.splice(0), dropped })
  })
})
process.once('disconnect', () => process.exit())
