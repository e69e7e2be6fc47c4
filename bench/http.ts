import { readFileSync } from 'node:fs'
import * as http2 from 'node:http2'

/**
 * Load for a running API server over HTTP/2, one connection, so many requests in flight:
 * `bench/http.ts https://127.0.0.1:6443 TOKEN [seconds] [in flight] [pid]`. Prints requests per second, latencies,
 * and with the server's process id the processor time that a request cost it (steadier on a machine with other work).
 */
const [server = '', token = '', seconds = '5', inFlight = '32', pid = ''] = process.argv.slice(2)
const session = http2.connect(server, { rejectUnauthorized: false, settings: { initialWindowSize: 1024 * 1024 } })
const base = { authorization: `Bearer ${token}`, accept: 'application/json', 'user-agent': 'bench/1' }
const namespace = `bench-${process.pid}`
let serial = 0

await call('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
await call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
await measure('create pods', () => call('POST', `/api/v1/namespaces/${namespace}/pods`, pod(serial++)))
const made = serial
await measure('get pod', () => call('GET', `/api/v1/namespaces/${namespace}/pods/pod-${serial++ % made}`))
await measure('patch pod labels', () =>
  call('PATCH', `/api/v1/namespaces/${namespace}/pods/pod-${serial++ % made}`, {
    metadata: { labels: { n: `${serial}` } },
  }),
)
await measure('list 500 pods', () => call('GET', `/api/v1/namespaces/${namespace}/pods?limit=500`))
session.close()

function pod(at: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${at}`, labels: { app: 'bench', at: String(at) } },
    spec: {
      containers: [
        {
          name: 'main',
          image: 'registry.example/app:1',
          resources: { requests: { cpu: '100m', memory: '64Mi' } },
          env: [{ name: 'A', value: 'b' }],
        },
      ],
    },
  }
}

async function measure(name: string, run: () => Promise<void>): Promise<void> {
  const until = performance.now() + Number(seconds) * 1000
  const latencies: number[] = []
  const started = performance.now()
  const processorBefore = processorMs()
  const worker = async () => {
    while (performance.now() < until) {
      const from = performance.now()
      await run()
      latencies.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: Number(inFlight) }, worker))
  const elapsed = (performance.now() - started) / 1000
  latencies.sort((left, right) => left - right)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]?.toFixed(2)
  const rate = Math.round(latencies.length / elapsed)
  const cost =
    pid === '' ? '' : `  ${Math.round(((processorMs() - processorBefore) * 1000) / latencies.length)} us of processor`
  process.stdout.write(
    `${name.padEnd(18)} ${String(rate).padStart(7)}/s  p50 ${at(0.5)} ms  p99 ${at(0.99)} ms${cost}\n`,
  )
}

/** What the server's process has used, all its threads together. */
function processorMs(): number {
  if (pid === '') return 0
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function call(method: string, path: string, body?: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const stream = session.request(
      { ...base, ':method': method, ':path': path, ...(body && { 'content-type': type }) },
      { endStream: body === undefined },
    )
    let status = 0
    let text = ''
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0
    })
    stream.on('data', (chunk: Buffer) => {
      if (status >= 400) text += chunk.toString()
    })
    stream.on('end', () => (status < 400 ? resolve() : reject(new Error(`${method} ${path}: ${status} ${text}`))))
    stream.on('error', reject)
    if (body !== undefined) stream.end(JSON.stringify(body))
  })
}
