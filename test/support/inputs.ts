/**
 * Any number of inputs for everything that reads what a client sends: real ones (recorded bodies, valid texts) that were
 * damaged at random, and words of each grammar in random order. A seed gives the same inputs again.
 */
import assert from 'node:assert/strict'
import { parseProtobuf, readProtobuf, toProtobuf } from '../../src/apiserver/protobuf-body.ts'
import { decodeContinue } from '../../src/apiserver/storage/continue-token.ts'
import { DurationError, parseDuration } from '../../src/base/duration.ts'
import { parseQuantity, QuantityError } from '../../src/base/quantity.ts'
import { CelCompileError, CelEvaluationError, celTypes, compile } from '../../src/cel/index.ts'
import { kinds } from '../../src/kinds/index.ts'
import { DecodeError, decode } from '../../src/schema/decode.ts'
import { BodyError, parseJson, parseYaml } from '../../src/schema/json.ts'
import { applyJsonPatch } from '../../src/schema/json-patch.ts'
import { type ApiObject, apiVersionOf, type Kind } from '../../src/schema/kind.ts'
import { apply } from '../../src/schema/managed-fields/apply.ts'
import { Conflicts } from '../../src/schema/managed-fields/conflicts.ts'
import { emptySet } from '../../src/schema/managed-fields/field-set.ts'
import { encodeOwners, type Owners } from '../../src/schema/managed-fields/owners.ts'
import type { Write } from '../../src/schema/managed-fields/tracking.ts'
import { validateApplied } from '../../src/schema/managed-fields/validate-applied.ts'
import { applyMergePatch } from '../../src/schema/merge-patch.ts'
import { decodeMessage, encodeMessage, ProtobufError } from '../../src/schema/protobuf.ts'
import { parseFieldSelector, parseLabelSelector } from '../../src/schema/selectors.ts'
import { ApiError, badRequest } from '../../src/schema/status.ts'
import { applyStrategicMergePatch } from '../../src/schema/strategic-merge.ts'
import { seededRandom } from '../../src/world/virtual.ts'
import type { Random } from '../../src/world/world.ts'
import { recordings } from './recorded.ts'

export interface Subject {
  readonly name: string
  /** One input. */
  readonly make: (random: Random) => unknown
  /** What the server would do with it. Throws one of the errors that are for clients, or none. */
  readonly read: (input: never) => void
}

/** What may be thrown: errors that become an answer. */
const answers = [
  ApiError,
  BodyError,
  CelCompileError,
  CelEvaluationError,
  Conflicts,
  DecodeError,
  DurationError,
  ProtobufError,
  QuantityError,
]

export interface Run {
  readonly inputs: number
  /** Those that were taken. */
  readonly accepted: number
  readonly slowestMs: number
  readonly slowest: unknown
}

/** Feeds a subject. Throws when it fails otherwise than by telling the client. */
export function feed({ name, make, read }: Subject, seed: number, count: number): Run {
  const random = seededRandom(seed).fork(name)
  let accepted = 0
  let slowestMs = 0
  let slowest: unknown
  for (let at = 0; at < count; at++) {
    const input = make(random)
    const began = performance.now()
    try {
      read(input as never)
      accepted++
    } catch (error) {
      if (!answers.some((kind) => error instanceof kind)) {
        throw new Error(`${name}, seed ${seed}, input ${at}: ${shown(input)}`, { cause: error })
      }
    }
    const took = performance.now() - began
    if (took > slowestMs) {
      slowestMs = took
      slowest = input
    }
  }
  return { inputs: count, accepted, slowestMs, slowest }
}

export function shown(input: unknown): string {
  const text = input instanceof Uint8Array ? Buffer.from(input).toString('base64') : JSON.stringify(input)
  return text === undefined ? String(input) : text.slice(0, 4000)
}

interface Sample {
  readonly kind: Kind
  readonly object: ApiObject
}

const samples: readonly Sample[] = recordedObjects()

/** Bodies that clients have sent; where there are no recordings, an empty object of each kind. */
function recordedObjects(): Sample[] {
  const byName = new Map(kinds.map((kind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind]))
  const found = new Map<string, Sample>()
  for (const { steps } of recordings(['defaults', 'validation', 'write', 'apply', 'subresources'])) {
    for (const { body } of steps) {
      const kind = byName.get(`${body?.['apiVersion']} ${body?.['kind']}`)
      if (kind && body) found.set(JSON.stringify(body), { kind, object: body as unknown as ApiObject })
    }
  }
  for (const kind of kinds) {
    const object = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name: 'a' } }
    found.set(JSON.stringify(object), { kind, object: object as unknown as ApiObject })
  }
  return [...found.values()]
}

const pick = <T>(random: Random, items: readonly T[]): T => items[random.int(items.length)]!

const nasty = [
  ...['', ' ', '\0', '\n', '\t', '\u2028', '\ud800', '\ufeff', '𝄞', 'é', '%', '~', '\\', '"', "'", '`', '$', '/', '..'],
  ...[
    'null',
    'true',
    'false',
    '{}',
    '[]',
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '-',
    '- ',
    '? ',
    '&a ',
    '*a',
    '!!',
    '|',
    '>',
    '#',
  ],
  ...['0', '-0', '1e999', '1e-999', '9223372036854775807', '9223372036854775808', '-1', '.5', '0x1f', '1_000', 'NaN'],
  ...['__proto__', 'constructor', 'toString', 'a'.repeat(300), '[[[[[[[[[[', '{"a":{"a":{"a":', '<<: *a', '---\n'],
]

/** Cuts, repeats, moves and fills in. */
function damaged(random: Random, text: string, words: readonly string[] = nasty): string {
  let result = text
  for (let times = 1 + random.int(4); times > 0; times--) {
    const from = random.int(result.length + 1)
    const to = Math.min(result.length, from + random.int(random.next() < 0.8 ? 12 : 400))
    const part = result.slice(from, to)
    const filling = [() => '', () => pick(random, words), () => part + part, () => part.split('').reverse().join('')]
    const at = random.next() < 0.5 ? from : random.int(result.length + 1)
    const without = result.slice(0, from) + result.slice(to)
    result = without.slice(0, at) + pick(random, filling)() + without.slice(at)
  }
  return result
}

/** Words in random order. */
const soup = (random: Random, words: readonly string[], most = 20, between = ''): string =>
  Array.from({ length: random.int(most) }, () => pick(random, words)).join(between)

/** Turns bits over, or cuts short. */
function damagedBytes(random: Random, whole: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(whole)
  for (let times = 1 + random.int(4); times > 0 && bytes.length > 0; times--) {
    const at = random.int(bytes.length)
    bytes[at] = random.next() < 0.5 ? bytes[at]! ^ (1 << random.int(8)) : random.int(256)
  }
  return random.next() < 0.2 ? bytes.subarray(0, random.int(bytes.length + 1)) : bytes
}

/** Replaces or removes members, deep inside. */
function changed(random: Random, value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return random.next() < 0.15 ? anything(random) : value
  if (Array.isArray(value)) {
    const items = value.map((item) => changed(random, item, depth + 1))
    return random.next() < 0.1 ? [...items, ...items] : items
  }
  const members = Object.entries(value).filter(() => random.next() < 0.9)
  const result = Object.fromEntries(members.map(([key, item]) => [key, changed(random, item, depth + 1)]))
  if (random.next() < 0.1) result[pick(random, nasty)] = anything(random)
  return result
}

const anything = (random: Random): unknown =>
  pick<() => unknown>(random, [
    () => null,
    () => random.int(1000) - 500,
    () => random.next() * 1e20,
    () => random.next() < 0.5,
    () => pick(random, nasty),
    () => [],
    () => ({}),
    () => [anything(random)],
    () => ({ [pick(random, nasty)]: anything(random) }),
  ])()

const modes = ['Strict', 'Warn', 'Ignore'] as const

const asKind = ({ schema }: Kind, value: unknown, mode: (typeof modes)[number] = 'Strict') =>
  decode(schema, value, { mode }).object as unknown as ApiObject

interface Typed {
  readonly sample: Sample
  readonly text: string
}

interface Bytes {
  readonly kind: Kind
  readonly bytes: Uint8Array
}

interface Patched {
  readonly sample: Sample
  readonly patch: unknown
}

const yamlOf = (value: unknown, indent = ''): string =>
  Object.entries(value as object)
    .map(([key, item]) => {
      const isMap = typeof item === 'object' && item !== null && !Array.isArray(item) && Object.keys(item).length > 0
      return `${indent}${key}:${isMap ? `\n${yamlOf(item, `${indent}  `)}` : ` ${JSON.stringify(item)}\n`}`
    })
    .join('')

const selectorWords = [
  ...['a', 'b', 'a.b/c', 'x_y', '=', '==', '!=', '!', ',', '(', ')', 'in', 'notin', ' ', '>', '<', '1', '-1'],
  ...['\\', 'metadata.name', 'status.phase', 'spec.nodeName', 'é', 'a'.repeat(64)],
]

const celWords = (
  `self . n s l m d x ( ) [ ] { } , : ? + - * / % < > <= == != && || ! in 0 1 -1 9223372036854775807 1u 1.5 'a' b'a' true ` +
  `null has all exists exists_one map filter size matches contains replace split join format dyn int string uint double ` +
  `type optional.of orValue [1] {'a':1} 'a{1000}' '(a+)+$' '%s' duration('1s') quantity('1') cidr('::/0') sum max`
).split(' ')

const celSelf = celTypes.objectType('object', {
  n: celTypes.field(celTypes.int),
  s: celTypes.field(celTypes.string),
  l: celTypes.field(celTypes.listOf(celTypes.int)),
  m: celTypes.field(celTypes.mapOf(celTypes.string, celTypes.string)),
  d: celTypes.field(celTypes.dyn),
})
const celValue = { n: 7, s: 'text', l: [1, 2, 3], m: { a: 'b' }, d: { x: [1, 'a', null, true, 1.5] } }

const celSamples = [
  'self.l.all(x, x > 0) && self.s.matches("^[a-z]+$")',
  'has(self.d.x) ? self.d.x.size() : self.n + 1',
  'self.m.exists(k, self.m[k] == "b") || self.l.map(x, x * 2).filter(y, y % 3 == 0).size() < 5',
  '"%s-%d".format([self.s, self.n]) != "" && self.s.split("e").join(",").contains(",")',
  'quantity("1Gi").isGreaterThan(quantity("500Mi")) && duration("1h") > duration("30m")',
]

const quantityWords = [...'0123456789.+-eEinumkKMGTP ', 'Ki', 'Mi', '1000000000000000000000', 'e99', 'e-99']
const durationWords = [...'0123456789.+- ', 'h', 'm', 's', 'ms', 'us', 'µs', 'ns', '9999999999']

const identity = ({ kind, object }: Sample) => ({
  apiVersion: apiVersionOf(kind),
  kind: kind.kind,
  metadata: { name: object.metadata?.name ?? 'a' },
})

const writeBy = ({ kind }: Sample, manager: string): Write => ({
  schema: kind.schema,
  apiVersion: apiVersionOf(kind),
  subresource: '',
  reset: emptySet,
  manager,
  now: '2026-01-01T00:00:00Z',
  inVersion: () => undefined,
})

/**
 * Applied twice is applied once. Of what is empty nobody owns anything, here as in the reference, and so it may go with
 * the next apply: it is left out.
 */
function applyTwice({ sample, patch }: Patched): void {
  const configuration = { ...(withoutEmpty(patch) as object), ...identity(sample) } as unknown as ApiObject
  const fault = validateApplied(sample.kind.schema, configuration)
  if (fault !== undefined) throw badRequest(fault)
  asKind(sample.kind, configuration)
  const first = applied(sample, 'one', undefined, withoutEmpty(asApplied(sample.object)) as ApiObject, new Map())
  const second = applied(sample, 'two', first.live, configuration, first.owners)
  const again = applied(sample, 'two', second.live, configuration, second.owners)
  assert.deepEqual(again.live, second.live)
  // An object that nobody owns anything of counts as one from before there were owners.
  if (second.owners.size === 0) return
  assert.deepEqual(encodeOwners(again.owners), encodeOwners(second.owners))
}

/**
 * What is applied beside what somebody else has applied, and then no longer stated, goes, and all else stays: but for the
 * order of lists, which whoever applies last decides.
 */
function applyAndRemove({ sample, patch }: Patched): void {
  const configuration = { ...(withoutEmpty(patch) as object), ...identity(sample) } as unknown as ApiObject
  const fault = validateApplied(sample.kind.schema, configuration)
  if (fault !== undefined) throw badRequest(fault)
  asKind(sample.kind, configuration)
  const named = { metadata: { ...sample.object.metadata, ...identity(sample).metadata } }
  const present = withoutEmpty(asApplied({ ...sample.object, ...named })) as ApiObject
  const before = applied(sample, 'one', undefined, present, new Map())
  const beside = applied(sample, 'two', before.live, configuration, before.owners, false)
  const after = applied(sample, 'two', beside.live, identity(sample), beside.owners, false)
  // Read once more, for what every object of the kind says even where nobody has stated it.
  const shown = (live: ApiObject | undefined) => unordered(asKind(sample.kind, live, 'Ignore'))
  assert.deepEqual(shown(after.live), shown(before.live))
}

function unordered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => JSON.stringify(unordered(item))).sort()
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, unordered(item)] as const)
      .sort(),
  )
}

/** Some of what `other` says and `base` does not, and some of what both say. */
function additions(random: Random, base: unknown, other: unknown): unknown {
  if (Array.isArray(base) && Array.isArray(other)) return [...base, ...other].filter(() => random.next() < 0.5)
  if (!isMap(base) || !isMap(other)) return base
  const members = Object.entries(other)
    .filter(() => random.next() < 0.7)
    .map(([key, item]) => [key, Object.hasOwn(base, key) ? additions(random, base[key], item) : item])
  return Object.fromEntries(members)
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value ?? undefined
  if (Array.isArray(value)) {
    const items = value.map(withoutEmpty).filter((item) => item !== undefined)
    return items.length > 0 ? items : undefined
  }
  const members = Object.entries(value).map(([key, item]) => [key, withoutEmpty(item)] as const)
  const full = members.filter(([, item]) => item !== undefined)
  return full.length > 0 ? Object.fromEntries(full) : undefined
}

const asApplied = (object: ApiObject): ApiObject => {
  const { managedFields: _, ...metadata } = (object.metadata ?? {}) as Record<string, unknown>
  return { ...object, metadata } as unknown as ApiObject
}

function applied(
  sample: Sample,
  manager: string,
  live: ApiObject | undefined,
  patch: ApiObject,
  owners: Owners,
  force = true,
) {
  const done = apply(writeBy(sample, manager), live, patch, owners, force)
  return { live: done.object ?? live, owners: done.owners }
}

export const subjects: readonly Subject[] = [
  {
    name: 'JSON bodies',
    make: (random): Typed => {
      const sample = pick(random, samples)
      return { sample, text: damaged(random, JSON.stringify(sample.object)) }
    },
    read: ({ sample, text }: Typed) => {
      const { value } = parseJson(Buffer.from(text))
      for (const mode of modes) asKind(sample.kind, value, mode)
    },
  },
  {
    name: 'JSON of other forms',
    make: (random): Patched => {
      const sample = pick(random, samples)
      return { sample, patch: changed(random, sample.object) }
    },
    read: ({ sample, patch }: Patched) => void asKind(sample.kind, patch, 'Warn'),
  },
  {
    name: 'YAML bodies',
    make: (random): Typed => {
      const sample = pick(random, samples)
      return { sample, text: damaged(random, yamlOf(sample.object)) }
    },
    read: ({ sample, text }: Typed) => void asKind(sample.kind, parseYaml(Buffer.from(text)).value),
  },
  {
    name: 'protobuf messages',
    make: (random): Bytes => {
      const { kind, object } = pick(random, samples)
      return { kind, bytes: damagedBytes(random, encoded(kind, object)) }
    },
    read: ({ kind, bytes }: Bytes) => {
      const value = decodeMessage(kind.schema, bytes)
      decodeMessage(kind.schema, encodeMessage(kind.schema, value))
    },
  },
  {
    name: 'protobuf bodies',
    make: (random): Bytes => {
      const { kind, object } = pick(random, samples)
      const message = decodeMessage(kind.schema, encoded(kind, object)) as object
      const body = toProtobuf({ ...message, apiVersion: apiVersionOf(kind), kind: kind.kind }, kind.schema)
      return { kind, bytes: damagedBytes(random, body) }
    },
    read: ({ kind, bytes }: Bytes) => {
      parseProtobuf(Buffer.from(bytes), kind.schema)
      readProtobuf(Buffer.from(bytes), () => kind.schema)
    },
  },
  {
    name: 'label selectors',
    make: (random) => soup(random, selectorWords),
    read: (text: string) => void parseLabelSelector(text).matches({ a: '1', b: 'x' }),
  },
  {
    name: 'field selectors',
    make: (random) => soup(random, selectorWords),
    read: (text: string) => void parseFieldSelector(text),
  },
  {
    name: 'JSON patches',
    make: (random): Patched => ({ sample: pick(random, samples), patch: jsonPatch(random) }),
    read: ({ sample, patch }: Patched) => void applyJsonPatch(sample.object, patch),
  },
  {
    name: 'merge patches',
    make: (random): Patched => patchOf(random),
    read: ({ sample, patch }: Patched) => {
      asKind(sample.kind, applyMergePatch(sample.object, patch), 'Ignore')
    },
  },
  {
    name: 'strategic merge patches',
    make: (random): Patched => {
      const made = patchOf(random)
      return random.next() < 0.3 ? { ...made, patch: withDirectives(random, made.patch) } : made
    },
    read: ({ sample, patch }: Patched) => {
      asKind(sample.kind, applyStrategicMergePatch(sample.object, patch, sample.kind.schema), 'Ignore')
    },
  },
  { name: 'server-side apply', make: (random): Patched => patchOf(random), read: applyTwice },
  {
    name: 'server-side apply and removal',
    make: (random): Patched => {
      const sample = pick(random, samples)
      const { object } = pick(random, samplesOf(sample.kind))
      const other = random.next() < 0.5 ? object : changed(random, object)
      return { sample, patch: additions(random, asApplied(sample.object), other) }
    },
    read: applyAndRemove,
  },
  {
    name: 'CEL',
    make: (random) =>
      random.next() < 0.5 ? soup(random, celWords, 25, ' ') : damaged(random, pick(random, celSamples), celWords),
    read: (source: string) => {
      const program = compile(source, { variables: { self: celSelf } })
      program.evaluate({ self: celValue }, { costLimit: 100_000 })
    },
  },
  {
    name: 'quantities',
    make: (random) => soup(random, quantityWords, 12),
    read: (text: string) => {
      const first = parseQuantity(text).toString()
      assert.equal(parseQuantity(first).toString(), first)
    },
  },
  {
    name: 'durations',
    make: (random) => soup(random, durationWords, 10),
    read: (text: string) => void parseDuration(text),
  },
  {
    name: 'continue tokens',
    make: (random) => {
      const token = damaged(random, '{"v":"meta.k8s.io/v1","rv":12,"start":"ns/name\\u0000"}')
      return random.next() < 0.8 ? Buffer.from(token).toString('base64url') : damaged(random, token)
    },
    read: (text: string) => void decodeContinue(text),
  },
]

const nothing = new Uint8Array()
const encodedSamples = new Map<ApiObject, Buffer | undefined>()

/** The sample's own message, or an empty one where the sample is none of its kind. */
function encoded(kind: Kind, object: ApiObject): Uint8Array {
  if (!encodedSamples.has(object)) encodedSamples.set(object, tryEncode(kind, object))
  return encodedSamples.get(object) ?? nothing
}

function tryEncode(kind: Kind, object: ApiObject): Buffer | undefined {
  try {
    return encodeMessage(kind.schema, asKind(kind, object, 'Ignore') as never)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** Part of one object, laid over another of its kind. */
function patchOf(random: Random): Patched {
  const sample = pick(random, samples)
  const others = samplesOf(sample.kind)
  return { sample, patch: changed(random, pick(random, others).object) }
}

const byKind = Map.groupBy(samples, ({ kind }) => kind)
const samplesOf = (kind: Kind) => byKind.get(kind)!

const pathWords = [
  ...['metadata', 'spec', 'containers', 'template', 'labels', 'data', 'a', 'name'],
  ...['0', '1', '-', '~0', '~1'],
]

const jsonPatch = (random: Random): unknown =>
  random.next() < 0.05
    ? anything(random)
    : Array.from({ length: random.int(5) }, () => ({
        op:
          random.next() < 0.95 ? pick(random, ['add', 'remove', 'replace', 'move', 'copy', 'test']) : anything(random),
        path: random.next() < 0.95 ? pathIn(random) : anything(random),
        from: pathIn(random),
        value: anything(random),
      }))

const pathIn = (random: Random): string =>
  Array.from({ length: random.int(5) }, () => `/${pick(random, random.next() < 0.9 ? pathWords : nasty)}`).join('')

const directives = ['$patch', '$retainKeys', '$setElementOrder/containers', '$deleteFromPrimitiveList/finalizers']

function withDirectives(random: Random, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => withDirectives(random, item))
  const members = Object.entries(value).map(([key, item]) => [key, withDirectives(random, item)])
  if (random.next() < 0.3) {
    const directive = pick(random, directives)
    members.push([
      directive,
      pick<unknown>(random, ['delete', 'replace', 'merge', ['a'], [{ name: 'a' }], anything(random)]),
    ])
  }
  return Object.fromEntries(members)
}
