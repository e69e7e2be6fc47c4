import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tests as conformance } from '@bufbuild/cel-spec/testdata/conformance.js'
import { compile } from './compile.ts'
import { CelCompileError, CelEvaluationError } from './contract.ts'
import { equals } from './equality.ts'
import * as types from './types.ts'
import {
  CelList,
  type CelValue,
  Double,
  EntryMap,
  mapKeyOf,
  optionalNone,
  TypeValue,
  toInt,
  typeNameOf,
  Uint,
} from './values.ts'

// The language's own conformance data (github.com/google/cel-spec, tests/simple), as JSON.

interface Suite {
  readonly name: string
  readonly suites?: readonly Suite[]
  readonly tests?: readonly { readonly original: SimpleTest }[]
}

interface SimpleTest {
  readonly name?: string
  readonly expr: string
  readonly container?: string
  readonly disableCheck?: boolean
  readonly disableMacros?: boolean
  readonly checkOnly?: boolean
  readonly typeEnv?: readonly { readonly name: string; readonly ident?: { readonly type: JsonType } }[]
  readonly bindings?: Readonly<Record<string, { readonly value: JsonValue }>>
  readonly value?: JsonValue
  readonly typedResult?: { readonly result?: JsonValue; readonly deducedType?: JsonType }
  readonly evalError?: unknown
}

type JsonType = Readonly<Record<string, unknown>>
type JsonValue = Readonly<Record<string, unknown>>

/** Files that are about other things than Kubernetes has. */
const otherFiles: Readonly<Record<string, string>> = {
  block_ext: 'what optimisers make of expressions; nobody writes it',
  encoders_ext: 'base64: a library that Kubernetes does not enable',
  enums: 'enumerations of protobuf',
  math_ext: 'a library that Kubernetes does not enable',
  network_ext: 'a library that Kubernetes does not enable; it has its own',
  proto2: 'messages of protobuf',
  proto2_ext: 'messages of protobuf',
  proto3: 'messages of protobuf',
  unknowns: 'evaluation of parts, which needs states that Kubernetes has not',
  wrappers: 'messages of protobuf',
}

const aboutProtobuf =
  /TestAllTypes|google\.protobuf\.(?!Duration|Timestamp\b)|google\.protobuf\.(Duration|Timestamp)\{|objectValue|messageType|GlobalEnum|NestedEnum|cel\.expr/

/** Test → why it does not pass. */
const knownFailures: Readonly<Record<string, string>> = {
  'dynamic/value_null/literal': 'a message of protobuf, named by its container',
  'parse/receiver_function_names/namespace': 'namespace is a function of the authorizer here',
  'namespace/namespace/self_eval_container_lookup': 'containers: Kubernetes has none',
  'namespace/namespace/self_eval_container_lookup_unchecked': 'containers: Kubernetes has none',
  'type_deductions/functions/function_result_type': 'a function that the test declares',
  'type_deductions/type_parameters/multiple_parameters_generality': 'a function that the test declares',
  'type_deductions/type_parameters/multiple_parameters_generality_2': 'a function that the test declares',
  'type_deductions/type_parameters/multiple_parameters_parameterized_ovl': 'a function that the test declares',
  'type_deductions/type_parameters/multiple_parameters_parameterized_ovl_2': 'a function that the test declares',
  'type_deductions/legacy_nullable_types/null_assignable_to_abstract_parameter_candidate':
    'a list of optional values and null has values of any type here',
}

/** How many pass; may only grow. */
const reached = 1414

const outcomes = run()

test('the conformance data of the language', (context) => {
  const { passed, failed } = outcomes
  context.diagnostic(`${passed} of ${passed + failed.length} conformance tests pass`)
  const unexpected = failed.filter(({ name }) => !Object.hasOwn(knownFailures, name))
  assert.deepEqual(
    unexpected.map(({ name, why }) => `${name}: ${why}`),
    [],
  )
  assert.ok(passed >= reached, `${passed} pass, ${reached} did`)
})

test('known failures still fail', () => {
  const failing = new Set(outcomes.failed.map(({ name }) => name))
  assert.deepEqual(
    Object.keys(knownFailures).filter((name) => !failing.has(name)),
    [],
  )
})

function run(): { passed: number; failed: { name: string; why: string }[] } {
  const failed: { name: string; why: string }[] = []
  let passed = 0
  for (const file of (conformance as Suite).suites ?? []) {
    if (Object.hasOwn(otherFiles, file.name)) continue
    for (const [name, simple] of testsOf(file, '')) {
      if (aboutProtobuf.test(JSON.stringify({ ...simple, name: '' }))) continue
      const why = runOne(simple)
      if (why === undefined) passed++
      else failed.push({ name, why })
    }
  }
  return { passed, failed }
}

function* testsOf(suite: Suite, path: string): Generator<[string, SimpleTest]> {
  const here = path === '' ? suite.name : `${path}/${suite.name}`
  for (const { original } of suite.tests ?? []) yield [`${here}/${original.name}`, original]
  for (const inner of suite.suites ?? []) yield* testsOf(inner, here)
}

/** Gives what is wrong; undefined when all is well. */
function runOne(simple: SimpleTest): string | undefined {
  try {
    const variables = Object.fromEntries(
      (simple.typeEnv ?? []).flatMap(({ name, ident }) => (ident ? [[name, toType(ident.type)]] : [])),
    )
    const program = compile(simple.expr, { variables, dialect: 'full', unchecked: simple.disableCheck ?? false })
    if (simple.typedResult?.deducedType) {
      const [wanted, got] = [
        types.formatType(toType(simple.typedResult.deducedType)),
        types.formatType(program.resultType),
      ]
      if (wanted !== got) return `type ${got} instead of ${wanted}`
    }
    if (simple.checkOnly) return undefined
    const bindings = Object.fromEntries(
      Object.entries(simple.bindings ?? {}).map(([name, { value }]) => [name, toValue(value)]),
    )
    const { value } = program.evaluate(bindings)
    if (simple.evalError) return `gives ${typeNameOf(value)} ${describe(value)} instead of an error`
    const expected = toValue(simple.value ?? simple.typedResult?.result ?? { boolValue: true })
    return isExpected(value, expected) ? undefined : `gives ${describe(value)} instead of ${describe(expected)}`
  } catch (error) {
    if (!(error instanceof CelCompileError || error instanceof CelEvaluationError)) throw error
    return simple.evalError ? undefined : error.message.split('\n')[0]
  }
}

function isExpected(value: CelValue, expected: CelValue): boolean {
  if (value instanceof Double && expected instanceof Double && Number.isNaN(expected.value))
    return Number.isNaN(value.value)
  return typeNameOf(value) === typeNameOf(expected) && equals(value, expected)
}

function describe(value: CelValue): string {
  if (value instanceof CelList) return `[${value.toArray().map(describe).join(', ')}]`
  if (value instanceof EntryMap)
    return `{${[...value.entries()].map((entry) => entry.map(describe).join(': ')).join(', ')}}`
  if (value instanceof Double) return `double ${value.value}`
  if (typeof value !== 'object' || value === null) return String(value)
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part))
}

function toType(json: JsonType): types.CelType {
  const [[kind, detail]] = Object.entries(json) as [[string, unknown]]
  switch (kind) {
    case 'primitive':
      return (
        {
          BOOL: types.bool,
          INT64: types.int,
          UINT64: types.uint,
          DOUBLE: types.double,
          STRING: types.string,
          BYTES: types.bytes,
        } as const
      )[detail as 'BOOL']
    case 'wellKnown':
      return ({ TIMESTAMP: types.timestamp, DURATION: types.duration, ANY: types.dyn } as const)[detail as 'ANY']
    case 'listType':
      return types.listOf(toType((detail as { elemType?: JsonType }).elemType ?? { dyn: {} }))
    case 'mapType': {
      const { keyType, valueType } = detail as { keyType: JsonType; valueType: JsonType }
      return types.mapOf(toType(keyType), toType(valueType))
    }
    case 'abstractType': {
      const { name, parameterTypes = [] } = detail as { name: string; parameterTypes?: JsonType[] }
      if (name === 'optional_type') return types.optionalOf(toType(parameterTypes[0]!))
      return types.opaqueType(name, parameterTypes.map(toType))
    }
    case 'type':
      return { kind: 'type', of: toType(detail as JsonType) }
    case 'null':
      return types.nullType
    case 'wrapper':
      return types.nullableOf(toType({ primitive: detail }))
    default:
      return types.dyn
  }
}

function toValue(json: JsonValue): CelValue {
  const [[kind, detail]] = Object.entries(json) as [[string, unknown]]
  switch (kind) {
    case 'boolValue':
    case 'stringValue':
      return detail as boolean | string
    case 'nullValue':
      return null
    case 'int64Value':
      return toInt(BigInt(detail as string))
    case 'uint64Value':
      return new Uint(BigInt(detail as string))
    case 'doubleValue':
      return new Double(Number(String(detail).replace('-Infinity', '-Infinity')))
    case 'bytesValue':
      return new Uint8Array(Buffer.from(detail as string, 'base64'))
    case 'typeValue':
      return new TypeValue(detail as string)
    case 'listValue':
      return new CelList(((detail as { values?: JsonValue[] }).values ?? []).map(toValue))
    case 'mapValue':
      return toMap((detail as { entries?: { key: JsonValue; value: JsonValue }[] }).entries ?? [])
    default:
      return optionalNone
  }
}

function toMap(entries: readonly { readonly key: JsonValue; readonly value: JsonValue }[]): EntryMap {
  const map = new Map<string | boolean | number | bigint, readonly [CelValue, CelValue]>()
  for (const entry of entries) {
    const key = toValue(entry.key)
    map.set(mapKeyOf(key)!, [key, toValue(entry.value)])
  }
  return new EntryMap(map)
}
