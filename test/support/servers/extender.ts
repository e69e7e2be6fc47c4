/**
 * An extender of the scheduler. It refuses and prefers nodes as it is told, may lie and break in several ways, and
 * remembers what it was asked. It speaks TLS, and plain HTTP on a port that it tells.
 */
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Start } from '../outside.ts'

/** What the process can be told. */
export interface Orders {
  readonly mood?: 'well' | 'silent' | 'broken' | 'garbage' | 'error' | 'liar'
  /** Node → why not. */
  readonly refuse?: Readonly<Record<string, string>>
  readonly refuseForGood?: Readonly<Record<string, string>>
  /** Node → score. */
  readonly prefer?: Readonly<Record<string, number>>
  /** Nodes on which nobody may be driven away. */
  readonly keep?: readonly string[]
}

/** What it was asked, in short. */
export interface Asked {
  readonly verb: string
  readonly pod: string
  readonly nodes: readonly string[]
  /** Whether it got nodes whole, and not only their names. */
  readonly whole: boolean
}

interface Question {
  readonly Pod?: { readonly metadata: { readonly name: string } }
  readonly Nodes?: { readonly items: readonly { readonly metadata: { readonly name: string } }[] }
  readonly NodeNames?: readonly string[]
  readonly NodeNameToVictims?: Readonly<Record<string, { readonly Pods: readonly { metadata: { uid: string } }[] }>>
  readonly NodeNameToMetaVictims?: Readonly<Record<string, { readonly Pods: readonly { UID: string }[] }>>
  readonly PodName?: string
  readonly Node?: string
}

let orders: Orders = {}
const asked: Asked[] = []

function answerTo(verb: string, question: Question): object {
  const { refuse = {}, refuseForGood = {}, prefer = {}, keep = [], mood } = orders
  const names = question.NodeNames ?? question.Nodes?.items.map(({ metadata }) => metadata.name) ?? []
  if (mood === 'error') return verb === 'prioritize' ? [] : { Error: 'out of order' }
  if (verb === 'filter') {
    const left = names.filter((name) => !(name in refuse) && !(name in refuseForGood))
    const nodes = mood === 'liar' ? ['no-such-node'] : left
    const items = question.Nodes?.items.filter(({ metadata }) => nodes.includes(metadata.name)) ?? []
    const liesWhole = mood === 'liar' ? [{ metadata: { name: 'no-such-node' } }] : items
    return {
      ...(question.NodeNames ? { NodeNames: nodes } : { Nodes: { items: liesWhole } }),
      FailedNodes: refuse,
      FailedAndUnresolvableNodes: refuseForGood,
    }
  }
  if (verb === 'prioritize') return names.map((Host) => ({ Host, Score: prefer[Host] ?? 0 }))
  if (verb === 'preempt') {
    const meta = question.NodeNameToMetaVictims ?? {}
    const whole = Object.entries(question.NodeNameToVictims ?? {}).map(([node, { Pods }]) => [
      node,
      { Pods: Pods.map(({ metadata }) => ({ UID: metadata.uid })) },
    ])
    const all = Object.entries({ ...meta, ...Object.fromEntries(whole) })
    return { NodeNameToMetaVictims: Object.fromEntries(all.filter(([node]) => !keep.includes(node))) }
  }
  return {}
}

async function handle(request: IncomingMessage, answer: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const question = JSON.parse(Buffer.concat(chunks).toString()) as Question
  const verb = request.url!.split('/').at(-1)!
  const offered = question.NodeNameToVictims ?? question.NodeNameToMetaVictims
  const nodes =
    question.NodeNames ?? question.Nodes?.items.map(({ metadata }) => metadata.name) ?? Object.keys(offered ?? {})
  asked.push({
    verb,
    pod: question.Pod?.metadata.name ?? question.PodName ?? '',
    nodes: question.Node ? [question.Node] : nodes,
    whole: question.Nodes !== undefined || question.NodeNameToVictims !== undefined,
  })
  const { mood } = orders
  if (mood === 'silent') return
  if (mood === 'broken') return void answer.writeHead(500).end('out of order')
  if (mood === 'garbage') return void answer.end('<html>nobody here</html>')
  answer.setHeader('content-type', 'application/json')
  answer.end(JSON.stringify(answerTo(verb, question)))
}

process.once('message', (start: Start) => {
  const listener = (request: IncomingMessage, answer: ServerResponse) => void handle(request, answer)
  const server = createServer({ cert: start.certificate, key: start.key }, listener)
  const plain = createPlainServer(listener)
  plain.listen(0, start.host, () =>
    server.listen(start.port, start.host, () => process.send!({ port: (server.address() as AddressInfo).port })),
  )
  process.on('message', (message: Orders) => {
    orders = message
    process.send!({ asked: asked.splice(0), plainPort: (plain.address() as AddressInfo).port })
  })
})
process.once('disconnect', () => process.exit())
