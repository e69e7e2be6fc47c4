import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { ApiRequest, ApiResponse, Sink } from '../../src/apiserver/request.ts'
import { type Cluster, startCluster } from '../../src/cluster/cluster.ts'
import type { Field, ObjectType, Scalar, Type } from '../../src/schema/types.ts'
import { realWorld } from '../../src/world/real.ts'

/** A server in this process that is told anything at all, and what may come of it. */
export interface Target extends AsyncDisposable {
  readonly cluster: Cluster
  /** Sends a request as the administrator, and holds that the answer is a proper one. */
  call(method: string, url: string, options?: CallOptions): Promise<Answered>
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

export interface Answered {
  readonly status: number
  readonly text: string
}

export async function hostileTarget(): Promise<Target> {
  const faults: string[] = []
  const world = realWorld((level, message, fields) => {
    if (level === 'error') faults.push(`${message} ${JSON.stringify(fields)}`)
  })
  const cluster = await startCluster({ world, apiOnly: true })
  return {
    cluster,
    async call(method, url, { headers = {}, body = '' } = {}) {
      const response = await cluster.handler(toRequest(method, url, headers, Buffer.from(body)))
      const answered = { status: response.status, text: await textOf(response) }
      const where = `${method} ${url.slice(0, 300)}\n${Buffer.from(body).toString().slice(0, 2000)}`
      // The handler logs what it did not see coming.
      assert.deepEqual(faults.splice(0), [], where)
      holdsProper(answered, where)
      return answered
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

function toRequest(method: string, url: string, headers: CallOptions['headers'], body: Buffer): ApiRequest {
  return {
    method,
    url,
    headers: { 'content-type': 'application/json', ...headers },
    body: () => Promise.resolve(body),
    signal: AbortSignal.timeout(10_000),
    remoteAddress: '127.0.0.1',
    certificate: { commonName: 'admin', organizations: ['system:masters'], fingerprint: '00' },
  }
}

async function textOf({ body }: ApiResponse): Promise<string> {
  if (typeof body !== 'function') return Buffer.from(body as Uint8Array).toString()
  const chunks: Buffer[] = []
  const stop = new AbortController()
  const sink: Sink = {
    backlog: 0,
    drained: () => Promise.resolve(),
    signal: stop.signal,
    write: (chunk) => void chunks.push(Buffer.from(chunk)),
  }
  // A watch would go on for ever.
  setImmediate(() => stop.abort())
  await body(sink)
  return Buffer.concat(chunks).toString()
}

/** No answer is one that nobody planned, and none tells how the server is made. */
export function holdsProper({ status, text }: Answered, where: string): void {
  assert.ok(status >= 200 && status < 600, `${status} ${text}\n${where}`)
  // Some faults of a request the reference answers with 500 and a message, without a reason. So it is here.
  if (status === 500) assert.ok(!('reason' in (JSON.parse(text) as object)), `${text}\n${where}`)
  assert.doesNotMatch(
    text,
    /TypeError|RangeError|ReferenceError|at (async )?\S+ \(?(file|node):|node_modules|\/src\//,
    where,
  )
}

const names = [
  'a',
  'A',
  'a.b',
  '',
  '-',
  '__proto__',
  'constructor',
  'x'.repeat(300),
  'ключ',
  '\0',
  '../..',
  '%2e',
  'a/b',
]
/** Not all of them are of a type that any field has. */
const numbers = [0, -1, 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 + 2, 1e308, 0.5, -0]

/** Any JSON value, small ones mostly. */
const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, '', [], {}, [null], { '': null }, ...numbers, ...names),
  fc.jsonValue({ maxDepth: 2 }),
)

const texts: Readonly<Record<Scalar['type'], fc.Arbitrary<unknown>>> = {
  string: fc.oneof(
    fc.constantFrom(...names, '10.0.0.1', '::1', '1.2.3.4/33', '80', 'TCP', 'Always', '*/5 * * * *', '$(X)', '\ud800'),
    fc.string({ maxLength: 20 }),
  ),
  bool: fc.boolean(),
  int32: fc.oneof(fc.constantFrom(0, -1, 1, 80, 65536, 2 ** 31 - 1, -(2 ** 31)), fc.integer()),
  int64: fc.oneof(fc.constantFrom(0, -1, 1, 2 ** 31, 2 ** 53), fc.maxSafeInteger()),
  double: fc.oneof(fc.constantFrom(...numbers), fc.double({ noNaN: true, noDefaultInfinity: true })),
  bytes: fc.oneof(fc.constantFrom('AAAA', ''), fc.base64String({ maxLength: 20 })),
  quantity: fc.oneof(
    {
      weight: 20,
      arbitrary: fc.constantFrom<unknown>('1', '100m', '1Ki', '-1', '0.0000000000000001', '1E', '9'.repeat(40), 1, 1.5),
    },
    { weight: 1, arbitrary: fc.constantFrom('1e99999', 'Mi', '9'.repeat(4000), '', '1e-99999') },
  ),
  time: fc.constantFrom('2026-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '0001-01-01T00:00:00Z', null),
  microTime: fc.constantFrom('2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00Z', null),
  duration: fc.constantFrom('1m', '-1h', '2562047h'),
  intOrString: fc.constantFrom<unknown>(0, 1, -1, 2 ** 31 - 1, '50%', '101%', 'x', ''),
  json: anything,
  rawObject: fc.dictionary(fc.constantFrom(...names), anything, { maxKeys: 3 }),
}

/**
 * Values that are nearly right for a type: of the right shape with senseless content, so that they get as far as
 * validation does; or, where `wrong` says so, with things of other types among them, too.
 */
export function nearly(type: Type, wrong: boolean, depth = 0): fc.Arbitrary<unknown> {
  const right = (): fc.Arbitrary<unknown> => {
    switch (type.type) {
      case 'object':
        return nearlyObject(type, wrong, depth)
      case 'list':
        return fc.array(nearly(type.items, wrong, depth + 1), { maxLength: 3 })
      case 'map':
        return fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), nearly(type.values, wrong, depth + 1), {
          maxKeys: 3,
        })
      default:
        return type.values === undefined
          ? texts[type.type]
          : fc.oneof(
              { weight: 4, arbitrary: fc.constantFrom<unknown>(...type.values) },
              { weight: 1, arbitrary: texts.string },
            )
    }
  }
  if (depth > 12) return fc.constant(null)
  return wrong ? fc.oneof({ weight: 12, arbitrary: right() }, { weight: 1, arbitrary: anything }) : right()
}

function nearlyObject(type: ObjectType, wrong: boolean, depth: number): fc.Arbitrary<unknown> {
  const fields = Object.entries(type.fields as Readonly<Record<string, Field>>)
  if (fields.length === 0) return fc.constant({})
  // Built only when it is needed: schemas are large, and some hold themselves.
  const entryOf = ([name, field]: (typeof fields)[number]) =>
    fc.constant(null).chain(() => nearly(field.type, wrong, depth + 1).map((value) => [name, value] as const))
  const most = depth < 2 ? fields.length : 5
  return fc
    .shuffledSubarray(fields, { minLength: Math.min(1, fields.length), maxLength: Math.min(fields.length, most) })
    .chain((chosen) => fc.tuple(...chosen.map(entryOf)))
    .map((entries) => Object.fromEntries(entries))
}

/** The bytes with some of them changed, left out or put twice. */
export function garbled(bytes: Buffer): fc.Arbitrary<Buffer> {
  const change = fc.record({ at: fc.nat(bytes.length), length: fc.nat(4), put: fc.uint8Array({ maxLength: 4 }) })
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    let result = bytes
    for (const { at, length, put } of changes)
      result = Buffer.concat([result.subarray(0, at), put, result.subarray(at + length)])
    return result
  })
}
