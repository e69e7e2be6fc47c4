/**
 * A conversion webhook for `lamps`: v1 has `spec.address: "host:port"`, v2 `spec.host` and `spec.port`. It counts how
 * often it is asked and for how many objects, and has moods in which it does it wrong.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Start } from '../outside.ts'

type Loose = Record<string, unknown>

interface Lamp extends Loose {
  apiVersion: string
  kind: string
  metadata: Loose
  spec: { address?: string; host?: string; port?: number; color?: string }
}

let mood = 'well'
const asked: number[] = []
let lastReview: Loose = {}
/** Held back while the mood is `slow`. */
const held: (() => void)[] = []

function convert(lamp: Lamp, apiVersion: string): Lamp {
  const { address = ':0', host = '', port = 0, ...rest } = lamp.spec
  if (apiVersion.endsWith('/v2')) {
    const [toHost, toPort] = address.split(':')
    return { ...lamp, apiVersion, spec: { ...rest, host: toHost!, port: Number(toPort) } }
  }
  return { ...lamp, apiVersion, spec: { ...rest, address: `${host}:${port}` } }
}

/** What is done to right answers. */
const spoilers: Record<string, (objects: Lamp[]) => unknown[]> = {
  'one too few': (objects) => objects.slice(1),
  'another name': (objects) => objects.map((lamp) => ({ ...lamp, metadata: { ...lamp.metadata, name: 'other' } })),
  'another uid': (objects) => objects.map((lamp) => ({ ...lamp, metadata: { ...lamp.metadata, uid: 'stolen' } })),
  'another kind': (objects) => objects.map((lamp) => ({ ...lamp, kind: 'Torch' })),
  'another version': (objects) => objects.map((lamp) => ({ ...lamp, apiVersion: 'lights.example.com/v3' })),
  'no metadata': (objects) => objects.map(({ metadata: _, ...lamp }) => lamp),
  'bad labels': (objects) =>
    objects.map((lamp) => ({ ...lamp, metadata: { ...lamp.metadata, labels: { 'a b': 'c' } } })),
  'labels that are no text': (objects) =>
    objects.map((lamp) => ({ ...lamp, metadata: { ...lamp.metadata, labels: { a: 1 } } })),
  // Only labels and annotations may change; the rest is put back.
  meddling: (objects) =>
    objects.map((lamp) => ({
      ...lamp,
      metadata: {
        ...lamp.metadata,
        labels: { converted: 'yes' },
        annotations: { note: 'hello' },
        finalizers: ['evil.example.com/stay'],
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'y' }],
        creationTimestamp: '1999-01-01T00:00:00Z',
      },
    })),
}

function answer(review: Loose): Loose {
  const { uid, desiredAPIVersion, objects } = review['request'] as {
    uid: string
    desiredAPIVersion: string
    objects: Lamp[]
  }
  asked.push(objects.length)
  const { apiVersion, kind } = review
  const respond = (response: Loose) => ({ apiVersion, kind, response: { uid, ...response } })
  if (mood === 'refusing') return respond({ result: { status: 'Failure', message: 'the bulb is broken' } })
  if (mood === 'refusing without a word') return respond({ result: { status: 'Failure' } })
  if (mood === 'no response') return { apiVersion, kind }
  if (mood === 'another question') return respond({ uid: 'other', result: { status: 'Success' }, convertedObjects: [] })
  if (mood === 'another review') return { apiVersion: 'v1', kind: 'List', items: [] }
  const converted = objects.map((lamp) => convert(lamp, desiredAPIVersion))
  return respond({ result: { status: 'Success' }, convertedObjects: spoilers[mood]?.(converted) ?? converted })
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  lastReview = JSON.parse(Buffer.concat(chunks).toString())
  if (mood === 'silent') return
  if (mood === 'slow') await new Promise<void>((resolve) => held.push(resolve))
  if (mood === 'broken') return void response.writeHead(500).end('out of oil')
  if (mood === 'garbage') return void response.end('<html>no lamps here</html>')
  if (mood === 'deep') {
    const deep = `${'{"x":'.repeat(50_000)}1${'}'.repeat(50_000)}`
    return void response.end(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","response":${deep}}`)
  }
  if (mood === 'cut') {
    response.writeHead(200, { 'content-length': '5000' }).write('{"kind"')
    return void setTimeout(() => response.destroy(), 10)
  }
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(answer(lastReview)))
}

process.once('message', (start: Start) => {
  const server = createServer({ cert: start.certificate, key: start.key }, (request, response) => {
    void handle(request, response)
  })
  server.listen(start.port, start.host, () => process.send!({ port: (server.address() as AddressInfo).port }))
  process.on('message', (message: { readonly mood?: string; readonly release?: boolean }) => {
    mood = message.mood ?? mood
    if (message.release) for (const go of held.splice(0)) go()
    process.send!({ asked: asked.splice(0), lastReview, held: held.length })
  })
})
process.once('disconnect', () => process.exit())
