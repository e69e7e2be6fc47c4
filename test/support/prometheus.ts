/**
 * A small Prometheus: series that a test sets, and as much of the query language as rules files need
 * (`sum(rate(NAME{MATCHERS}[2m])) by (LABELS)`). As a function, and by `node test/support/prometheus.ts` as a server.
 */
import { createServer } from 'node:http'

export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What `/api/v1/…` answers. */
export function answerPrometheus(
  url: string,
  series: readonly Series[],
): { readonly status: number; readonly body: string } {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const say = (status: number, answer: object) => ({ status, body: JSON.stringify(answer) })
  try {
    if (pathname.endsWith('/api/v1/series'))
      return say(200, {
        status: 'success',
        data: select(searchParams.get('match[]') ?? '', series).map(({ labels }) => labels),
      })
    if (pathname.endsWith('/api/v1/query')) {
      const time = Number(searchParams.get('time'))
      return say(200, { status: 'success', data: evaluate(searchParams.get('query') ?? '', series, time) })
    }
    return say(404, { status: 'error', errorType: 'not_found', error: 'no such path' })
  } catch (error) {
    return say(400, { status: 'error', errorType: 'bad_data', error: (error as Error).message })
  }
}

const call = /^(?:sum|avg)\((?:rate\()?([^[\]]*?)(?:\[\w+\]\))?\)\s*(?:by\s*\(([^)]*)\))?$/

function evaluate(query: string, series: readonly Series[], time: number): object {
  const [, selector, by = ''] = call.exec(query.trim()) ?? []
  if (selector === undefined) throw new Error(`parse error: ${query}`)
  const labels = by
    .split(',')
    .map((label) => label.trim())
    .filter(Boolean)
  const groups = new Map<string, { readonly metric: Record<string, string>; sum: number }>()
  for (const each of select(selector, series)) {
    const metric = Object.fromEntries(
      labels.flatMap((label) => (each.labels[label] ? [[label, each.labels[label]!]] : [])),
    )
    const key = JSON.stringify(metric)
    const group = groups.get(key) ?? { metric, sum: 0 }
    group.sum += each.value
    groups.set(key, group)
  }
  const result = [...groups.values()].map(({ metric, sum }) => ({ metric, value: [time, String(sum)] }))
  return { resultType: 'vector', result }
}

const matcher = /(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g

function select(selector: string, series: readonly Series[]): readonly Series[] {
  const [, name = '', inner = ''] = /^(\w*)\s*(?:\{(.*)\})?$/.exec(selector.trim()) ?? []
  const tests = [...inner.matchAll(matcher)].map(([, label = '', operator, text = '']) => {
    const whole = new RegExp(`^(?:${text})$`)
    return ({ labels }: Series) => {
      const value = labels[label] ?? ''
      if (operator === '=') return value === text
      if (operator === '!=') return value !== text
      return whole.test(value) === (operator === '=~')
    }
  })
  if (name !== '') tests.push(({ labels }) => labels['__name__'] === name)
  return series.filter((each) => tests.every((test) => test(each)))
}

/** Listens on a free port, which it prints, and takes other series by PUT. */
if (process.argv[1] === import.meta.filename) {
  let series: readonly Series[] = []
  const server = createServer(async (request, response) => {
    if (request.method === 'PUT') {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      series = JSON.parse(Buffer.concat(chunks).toString()) as readonly Series[]
      response.end()
      return
    }
    const { status, body } = answerPrometheus(request.url ?? '/', series)
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  server.listen(0, '127.0.0.1', () => console.log((server.address() as { readonly port: number }).port))
}
