/**
 * An API server of somebody else's for `fleet.example.com/v1alpha1`: ships, in memory. It believes the front proxy
 * whom it asks for, and says so at `ships/whoami`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Start } from '../outside.ts'

const base = '/apis/fleet.example.com/v1alpha1'
const apiVersion = 'fleet.example.com/v1alpha1'

/** Without OpenAPI documents of version 3, as older servers are. */
let isOld = false
/** What stands in place of its OpenAPI document of version 2. */
let spec: unknown
/** How often somebody has read that. */
let specsRead = 0
/**
 * `well`; `nonsense`: what it answers is no JSON; `broken`: 500; `silent`: it takes questions and never answers;
 * `stubborn`: what is deleted stays.
 */
let mood = 'well'
let revision = 100
const ships = new Map<string, Record<string, unknown>>()
const watchers = new Set<ServerResponse>()

const shipSchema = {
  type: 'object',
  description: 'A ship of the fleet.',
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: {
      type: 'object',
      description: 'What is wished of the ship.',
      properties: { masts: { type: 'integer', format: 'int32', description: 'How many masts it has.' } },
    },
  },
  'x-kubernetes-group-version-kind': [{ group: 'fleet.example.com', version: 'v1alpha1', kind: 'Ship' }],
}

const operation = (reference: string) => ({
  description: 'list ships',
  operationId: 'listShips',
  responses: { 200: { description: 'OK', schema: { $ref: reference } } },
  'x-kubernetes-action': 'list',
  'x-kubernetes-group-version-kind': { group: 'fleet.example.com', version: 'v1alpha1', kind: 'Ship' },
})

const documents: Record<string, unknown> = {
  [base]: {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersion,
    resources: [
      {
        name: 'ships',
        singularName: 'ship',
        namespaced: true,
        kind: 'Ship',
        verbs: ['create', 'delete', 'get', 'list', 'watch'],
        shortNames: ['shp'],
      },
      { name: 'ships/status', singularName: '', namespaced: true, kind: 'Ship', verbs: ['get'] },
    ],
  },
  '/openapi/v2': {
    swagger: '2.0',
    info: { title: 'fleet', version: 'v0' },
    paths: { [`${base}/ships`]: { get: operation('#/definitions/com.example.fleet.v1alpha1.Ship') }, '/healthz': {} },
    definitions: { 'com.example.fleet.v1alpha1.Ship': shipSchema },
  },
  '/openapi/v3': {
    paths: { 'apis/fleet.example.com/v1alpha1': { serverRelativeURL: `/openapi/v3${base}?hash=ABC` } },
  },
  [`/openapi/v3${base}`]: {
    openapi: '3.0.0',
    info: { title: 'fleet', version: 'v0' },
    paths: {
      [`${base}/namespaces/{namespace}/ships`]: {
        get: {
          ...operation(''),
          responses: {
            200: {
              description: 'OK',
              content: {
                'application/json': { schema: { $ref: '#/components/schemas/com.example.fleet.v1alpha1.Ship' } },
              },
            },
          },
        },
      },
    },
    components: { schemas: { 'com.example.fleet.v1alpha1.Ship': shipSchema } },
  },
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-fleet': 'yes' })
  response.end(JSON.stringify(body))
}

const notFound = (response: ServerResponse) =>
  send(response, 404, {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message: 'no such ship',
    reason: 'NotFound',
    code: 404,
  })

function tellWatchers(type: string, object: unknown): void {
  for (const watcher of watchers) watcher.write(`${JSON.stringify({ type, object })}\n`)
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString())
}

/** Only whoever comes with the front proxy's certificate is believed. */
const isTrusted = (request: IncomingMessage) => {
  const socket = request.socket as TLSSocket
  return socket.authorized && socket.getPeerCertificate().subject?.CN === 'front-proxy-client'
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (mood === 'silent') return
  if (mood === 'broken') return send(response, 500, { oh: 'no' })
  if (mood === 'nonsense') return void response.end('<html>welcome</html>')
  if (!isTrusted(request)) return send(response, 401, { kind: 'Status', status: 'Failure', code: 401 })
  const { pathname, searchParams } = new URL(request.url!, 'https://localhost')
  if (isOld && pathname.startsWith('/openapi/v3')) return notFound(response)
  if (pathname === '/openapi/v2') specsRead++
  if (spec !== undefined && pathname === '/openapi/v2') {
    if (spec !== 'deep') return send(response, 200, spec)
    const deep = `${'{"x":'.repeat(50_000)}1${'}'.repeat(50_000)}`
    const ships = `{"${base}/ships":{"get":{"x":{"$ref":"#/definitions/A"}}}}`
    return void response.end(`{"paths":${ships},"definitions":{"A":${deep}}}`)
  }
  if (documents[pathname] !== undefined) return send(response, 200, documents[pathname])
  const [, namespace, name] = new RegExp(`^${base}/(?:namespaces/([^/]+)/)?ships(?:/([^/]+))?$`).exec(pathname) ?? []
  if (name === 'whoami') return send(response, 200, { headers: request.headers, raw: request.rawHeaders })
  if (name === 'cut') {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('{"kind":')
    return void setTimeout(() => response.destroy(), 20)
  }
  if (request.method === 'POST') {
    const ship = await bodyOf(request)
    const metadata = ship['metadata'] as Record<string, unknown>
    ship['metadata'] = {
      ...metadata,
      namespace,
      uid: `uid-${revision}`,
      resourceVersion: String(++revision),
      creationTimestamp: '2026-01-01T00:00:00Z',
    }
    ships.set(`${namespace}/${metadata['name']}`, ship)
    tellWatchers('ADDED', ship)
    return send(response, 201, ship)
  }
  if (name === undefined && searchParams.get('watch') !== null) {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    for (const ship of ships.values()) response.write(`${JSON.stringify({ type: 'ADDED', object: ship })}\n`)
    watchers.add(response)
    return void response.once('close', () => watchers.delete(response))
  }
  if (name === undefined) {
    const items = [...ships.entries()].filter(([key]) => !namespace || key.startsWith(`${namespace}/`))
    const list = { kind: 'ShipList', apiVersion, metadata: { resourceVersion: String(revision) } }
    return send(response, 200, { ...list, items: items.map(([, ship]) => ship) })
  }
  const ship = ships.get(`${namespace}/${name}`)
  if (ship === undefined) return notFound(response)
  if (request.method === 'DELETE' && mood !== 'stubborn') {
    ships.delete(`${namespace}/${name}`)
    tellWatchers('DELETED', ship)
  }
  send(response, 200, ship)
}

process.once('message', (start: Start) => {
  const server = createServer({
    cert: start.certificate,
    key: start.key,
    requestCert: true,
    rejectUnauthorized: false,
    ...(start.clientAuthority !== undefined && { ca: start.clientAuthority }),
  })
  server.on('request', (request, response) => void answer(request, response))
  // A conversation after HTTP: everything comes back in capitals.
  server.on('upgrade', (request, socket, head) => {
    if (!request.url?.endsWith('/ships/echo/speak')) {
      return void socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhush!\n')
    }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${request.headers['upgrade']}\r\nx-user: ${request.headers['x-remote-user']}\r\nx-protocols: ${request.headers['sec-websocket-protocol']}\r\n\r\n`,
    )
    if (head.length > 0) socket.write(head.toString().toUpperCase())
    socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()))
    socket.on('end', () => socket.end())
    socket.on('error', () => {})
  })
  server.listen(start.port, start.host, () => process.send!({ port: (server.address() as AddressInfo).port }))
  process.on('message', (message: { readonly mood?: string; readonly isOld?: boolean; readonly spec?: unknown }) => {
    if (message.spec !== undefined) spec = message.spec ?? undefined
    mood = message.mood ?? mood
    isOld = message.isOld ?? isOld
    process.send!({ watchers: watchers.size, specsRead })
  })
})
process.once('disconnect', () => process.exit())
