import {
  CelCompileError,
  type JsonSchema as CelSchema,
  type CelType,
  celTypes,
  compile,
  leastBytesOf,
  maxRequestBytes,
  type Program,
  typeOfSchema,
} from '../../../cel/index.ts'
import { isEmbedded, type JsonSchema, type SchemaRule } from './json-schema.ts'

/** A rule of a schema, compiled for the type of the values it is about. */
export interface CompiledRule {
  readonly rule: SchemaRule
  readonly program: Program | undefined
  /** Why there is no program. */
  readonly fault?: string
  readonly message?: Program
  readonly messageFault?: string
  /** It is about a change: it reads the old value. */
  readonly usesOldSelf: boolean
}

const compiled = new WeakMap<JsonSchema, readonly CompiledRule[]>()

/** The rules of one schema. `isRoot`: of a whole resource. Compiled when they are first needed, and kept with the schema. */
export function rulesOf(schema: JsonSchema, isRoot: boolean): readonly CompiledRule[] {
  let rules = compiled.get(schema)
  if (rules === undefined) {
    rules = compileRules(schema, isRoot || isEmbedded(schema))
    compiled.set(schema, rules)
  }
  return rules
}

function compileRules(schema: JsonSchema, root: boolean): readonly CompiledRule[] {
  const type = typeOfSchema(schema as CelSchema, { root })
  return (schema['x-kubernetes-validations'] ?? []).map((rule) => compileRule(rule, type))
}

function compileRule(rule: SchemaRule, type: CelType | undefined): CompiledRule {
  if (type === undefined) return { rule, program: undefined, fault: 'the values have no type', usesOldSelf: false }
  const oldSelf = rule.optionalOldSelf === true ? celTypes.optionalOf(type) : type
  const variables = { self: type, oldSelf }
  const { program, fault } = attempt(rule.rule, variables, 'bool', 'cel expression must evaluate to a bool', '')
  const usesOldSelf = program?.references.has('oldSelf') ?? false
  if (!rule.messageExpression) return { rule, program, ...(fault !== undefined && { fault }), usesOldSelf }
  const noText = 'messageExpression must evaluate to a string'
  const message = attempt(rule.messageExpression, variables, 'string', noText, 'messageExpression ')
  return {
    rule,
    program,
    ...(fault !== undefined && { fault }),
    ...(message.program !== undefined && { message: message.program }),
    ...(message.fault !== undefined && { messageFault: message.fault }),
    usesOldSelf,
  }
}

function attempt(
  source: string,
  variables: Readonly<Record<string, CelType>>,
  wanted: 'bool' | 'string',
  wrongType: string,
  what: string,
): { readonly program?: Program; readonly fault?: string } {
  try {
    const program = compile(source, { variables })
    return program.resultType.kind === wanted ? { program } : { fault: wrongType }
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error
    return { fault: `${what}compilation failed: ${error.message}` }
  }
}

/** How often values of a schema can occur in one request, where nothing else bounds it. */
export function mostOccurrences(schema: JsonSchema): number {
  return Math.floor(maxRequestBytes / (leastBytesOf(schema as CelSchema, { root: isEmbedded(schema) }) + 1))
}
