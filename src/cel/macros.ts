/** Calls that are not calls: what the parser turns into nodes of their own. */
import type { CallExpression, ComprehensionName, Expression } from './syntax.ts'

export interface MacroFeatures {
  /** `all(i, v, …)`, `transformList` and its like. */
  readonly twoVariables: boolean
  /** `optMap`, `optFlatMap`. */
  readonly optionals: boolean
  /** `cel.bind`. */
  readonly bindings: boolean
}

type Report = (offset: number, message: string) => void

/** What the reference calls the variable that collects results; a rule cannot have that name. */
const accumulators = new Set(['__result__', '@result'])

const quantifiers: Readonly<Record<string, ComprehensionName>> = {
  all: 'all',
  exists: 'exists',
  exists_one: 'exists_one',
  existsOne: 'exists_one',
}
const transforms: Readonly<Record<string, ComprehensionName>> = {
  transformList: 'transformList',
  transformMap: 'transformMap',
  transformMapEntry: 'transformMapEntry',
}

/** Gives undefined for what is a plain call. */
export function expandMacro(call: CallExpression, features: MacroFeatures, report: Report): Expression | undefined {
  const { name, target, args } = call
  if (!target) return name === 'has' && args.length === 1 ? expandHas(call, report) : undefined
  if (features.bindings && name === 'bind' && args.length === 3 && isName(target, 'cel'))
    return expandBind(call, report)
  if (features.optionals && (name === 'optMap' || name === 'optFlatMap') && args.length === 2)
    return expandOptionalMap(call, target, report)
  return expandComprehension(call, target, features, report)
}

const isName = (expression: Expression, name: string) => expression.kind === 'identifier' && expression.name === name

function expandHas({ args: [argument], offset }: CallExpression, report: Report): Expression {
  if (argument!.kind === 'select' && argument!.mode === 'read') return { ...argument!, mode: 'test', offset }
  report(argument!.offset, 'invalid argument to has() macro')
  return argument!
}

function expandBind({ args: [variable, value, body], offset }: CallExpression, report: Report): Expression {
  const name = simpleName(variable!)
  if (name === undefined) report(variable!.offset, 'cel.bind() variable names must be simple identifiers')
  return { kind: 'bind', offset, variable: name ?? '', value: value!, body: body! }
}

/** `a.optMap(v, e)` is `a.hasValue() ? optional.of(cel.bind(v, a.value(), e)) : optional.none()`. */
function expandOptionalMap(call: CallExpression, target: Expression, report: Report): Expression {
  const { name, offset, args } = call
  const variable = simpleName(args[0]!)
  if (variable === undefined) report(args[0]!.offset, `${name}() variable name must be a simple identifier`)
  const invoke = (method: string, on: Expression | undefined, ...rest: Expression[]): Expression => ({
    kind: 'call',
    name: method,
    offset,
    target: on,
    args: rest,
  })
  const bound: Expression = {
    kind: 'bind',
    offset,
    variable: variable ?? '',
    value: invoke('value', target),
    body: args[1]!,
  }
  const result = name === 'optMap' ? invoke('optional.of', undefined, bound) : bound
  return invoke('_?_:_', undefined, invoke('hasValue', target), result, invoke('optional.none', undefined))
}

function expandComprehension(
  call: CallExpression,
  range: Expression,
  features: MacroFeatures,
  report: Report,
): Expression | undefined {
  const { name, args, offset } = call
  const count = args.length
  const make = (
    comprehension: ComprehensionName,
    variables: readonly Expression[],
    fault: string,
    filter: Expression | undefined,
  ): Expression => ({
    kind: 'comprehension',
    name: comprehension,
    offset,
    range,
    variables: variableNames(variables, fault, report) as [string],
    filter,
    body: args[count - 1]!,
  })
  const quantifier = Object.hasOwn(quantifiers, name) ? quantifiers[name] : undefined
  if (quantifier && count === 2) return make(quantifier, args.slice(0, 1), 'argument must be a simple name', undefined)
  if (quantifier && count === 3 && features.twoVariables)
    return make(quantifier, args.slice(0, 2), 'argument must be a simple name', undefined)
  if (name === 'map' && (count === 2 || count === 3))
    return make('map', args.slice(0, 1), 'argument is not an identifier', count === 3 ? args[1] : undefined)
  if (name === 'filter' && count === 2)
    return make('filter', args.slice(0, 1), 'argument is not an identifier', undefined)
  const transform = Object.hasOwn(transforms, name) ? transforms[name] : undefined
  if (transform && features.twoVariables && (count === 3 || count === 4))
    return make(transform, args.slice(0, 2), 'argument must be a simple name', count === 4 ? args[2] : undefined)
  return undefined
}

function variableNames(variables: readonly Expression[], fault: string, report: Report): string[] {
  const names = variables.map((variable) => {
    const name = simpleName(variable)
    if (name === undefined) report(variable.offset, fault)
    else if (accumulators.has(name)) report(variable.offset, 'iteration variable overwrites accumulator variable')
    return name ?? ''
  })
  if (names.length === 2 && names[0] === names[1] && names[0] !== '')
    report(variables[1]!.offset, `duplicate variable name: ${names[0]}`)
  return names
}

const simpleName = (expression: Expression): string | undefined =>
  expression.kind === 'identifier' && !expression.name.startsWith('.') ? expression.name : undefined
