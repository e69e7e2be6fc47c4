/** A KMS plugin (v2) behind a unix socket. It has moods in which it does its work badly, and counts what it is asked. */
import { createServer, type ServerHttp2Stream } from 'node:http2'
import { decodeMessage, encodeMessage } from '../../../src/schema/protobuf.ts'
import * as messages from '../../../src/store/encryption/kms-messages.ts'

/** `well`; `silent`: never answers; `ill`: says so; `lying`: gives back other bytes than it was given. */
let mood = 'well'
let keyId = 'key-1'
let counts: Record<string, number> = {}

const flipped = (bytes: Uint8Array = Buffer.alloc(0)) => Buffer.from(bytes.map((byte) => byte ^ 0x5a))

function answer(name: string, question: Buffer): Buffer {
  if (name === 'Status') {
    const healthz = mood === 'ill' ? 'the safe is locked' : 'ok'
    return encodeMessage(messages.StatusResponse, { version: 'v2', healthz, keyId })
  }
  if (name === 'Encrypt') {
    const { plaintext } = decodeMessage(messages.EncryptRequest, question)
    const annotations = { 'version.example.com': Buffer.from('1') }
    return encodeMessage(messages.EncryptResponse, { ciphertext: flipped(plaintext), keyId, annotations })
  }
  const { ciphertext } = decodeMessage(messages.DecryptRequest, question)
  const plaintext = mood === 'lying' ? Buffer.alloc(32) : flipped(ciphertext)
  return encodeMessage(messages.DecryptResponse, { plaintext })
}

async function handle(stream: ServerHttp2Stream, name: string): Promise<void> {
  stream.on('error', () => {})
  counts[name] = (counts[name] ?? 0) + 1
  if (mood === 'silent') return
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  const message = answer(name, Buffer.concat(chunks).subarray(5))
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(Buffer.concat([head, message]))
}

process.once('message', ({ path }: { readonly path: string }) => {
  const server = createServer()
  server.on('stream', (stream, headers) => void handle(stream, String(headers[':path']).split('/').at(-1)!))
  server.listen(path, () => {
    process.on('message', (told: { mood?: string; keyId?: string }) => {
      mood = told.mood ?? mood
      keyId = told.keyId ?? keyId
      process.send?.(counts)
      counts = {}
    })
    process.send?.({})
  })
})
