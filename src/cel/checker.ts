/** Resolves names and types: trees → checked trees, with the reference's words for what does not fit. */
import type { Checked, CheckedCall } from './checked.ts'
import type { Functions, Overload } from './declarations.ts'
import { messageName } from './parser.ts'
import type { Fault } from './source.ts'
import type {
  CallExpression,
  ComprehensionExpression,
  Expression,
  ListExpression,
  MapExpression,
  MessageExpression,
  SelectExpression,
} from './syntax.ts'
import {
  bool,
  type CelType,
  dyn,
  errorType,
  formatType,
  int,
  listOf,
  mapOf,
  nullType,
  type ObjectType,
  optionalOf,
  parameter,
  string,
} from './types.ts'
import { isOpen, isSame, mostGeneral, Substitutions } from './unify.ts'
import { type CelValue, TypeValue, typeNameOf } from './values.ts'

/** What names mean. */
export interface Scope {
  readonly variables: Readonly<Record<string, CelType>>
  readonly functions: Functions
  /** Names of types: `int`, `net.IP`. */
  readonly types: Readonly<Record<string, CelType>>
  /** Objects that expressions may make: `Object.spec{…}`. */
  readonly messages?: (name: string) => ObjectType | undefined
  /** Whether lists and maps must hold values of one type, as Kubernetes demands. */
  readonly homogeneous: boolean
  /** Leaves all types to the run time. */
  readonly unchecked: boolean
}

export interface CheckResult {
  readonly root: Checked
  /** How many slots comprehensions and bindings need. */
  readonly slots: number
  readonly references: ReadonlySet<string>
}

export function check(expression: Expression, scope: Scope, faults: Fault[]): CheckResult {
  return new Checker(scope, faults).run(expression)
}

interface Local {
  readonly name: string
  readonly type: CelType
  readonly slot: number
}

const constantTypes: Readonly<Record<string, CelType>> = {
  string,
  bool,
  int,
  null_type: nullType,
  uint: { kind: 'uint' },
  double: { kind: 'double' },
  bytes: { kind: 'bytes' },
}

class Checker {
  readonly #scope: Scope
  readonly #faults: Fault[]
  readonly #substitutions = new Substitutions()
  readonly #nodes: Checked[] = []
  readonly #references = new Set<string>()
  readonly #locals: Local[] = []
  #slots = 0
  #variables = 0

  constructor(scope: Scope, faults: Fault[]) {
    this.#scope = scope
    this.#faults = faults
  }

  run(expression: Expression): CheckResult {
    const root = this.#check(expression)
    for (const node of this.#nodes) node.type = this.#substitutions.apply(node.type, true)
    return { root, slots: this.#slots, references: this.#references }
  }

  #check(expression: Expression): Checked {
    switch (expression.kind) {
      case 'constant':
        return this.#constant(expression.value, expression.offset)
      case 'identifier':
        return (
          this.#identifier(expression.name, expression.offset) ?? this.#undeclared(expression.name, expression.offset)
        )
      case 'select':
        return this.#select(expression)
      case 'call':
        return this.#call(expression)
      case 'list':
        return this.#list(expression)
      case 'map':
        return this.#map(expression)
      case 'message':
        return this.#message(expression)
      case 'comprehension':
        return this.#comprehension(expression)
      case 'bind': {
        const value = this.#check(expression.value)
        const local = this.#push(expression.variable, value.type)
        const body = this.#check(expression.body)
        this.#locals.pop()
        const { offset, variable } = expression
        return this.#node({ kind: 'bind', offset, slot: local.slot, variable, value, body, type: body.type })
      }
    }
  }

  #node<Node extends Checked>(node: Node): Node {
    if (this.#scope.unchecked && !isOpen(node.type)) node.type = dyn
    this.#nodes.push(node)
    return node
  }

  #fault(offset: number, message: string): void {
    this.#faults.push({ offset, message })
  }

  #undeclared(name: string, offset: number): Checked {
    if (this.#scope.unchecked) return this.#variable(name, dyn, offset)
    this.#fault(offset, `undeclared reference to '${name.replace(/^\./, '')}' (in container '')`)
    return this.#node({ kind: 'constant', value: null, named: false, type: errorType, offset })
  }

  #constant(value: CelValue, offset: number): Checked {
    const type = constantTypes[typeNameOf(value)] ?? dyn
    return this.#node({ kind: 'constant', value, named: false, type, offset })
  }

  #variable(name: string, type: CelType, offset: number): Checked {
    this.#references.add(name)
    return this.#node({ kind: 'variable', name, type, offset })
  }

  #push(name: string, type: CelType): Local {
    const local = { name, type, slot: this.#slots++ }
    this.#locals.push(local)
    return local
  }

  #fresh(): CelType {
    return parameter(`_var${this.#variables++}`)
  }

  /** What a plain or dotted name means; undefined when it means nothing. */
  #identifier(written: string, offset: number): Checked | undefined {
    const absolute = written.startsWith('.')
    const name = absolute ? written.slice(1) : written
    const local = absolute ? undefined : this.#locals.findLast((candidate) => candidate.name === name)
    if (local) return this.#node({ kind: 'local', name, slot: local.slot, type: local.type, offset })
    if (Object.hasOwn(this.#scope.variables, name)) return this.#variable(name, this.#scope.variables[name]!, offset)
    if (!Object.hasOwn(this.#scope.types, name)) return undefined
    const type: CelType = { kind: 'type', of: this.#scope.types[name]! }
    return this.#node({ kind: 'constant', value: new TypeValue(name), named: true, type, offset })
  }

  #select(expression: SelectExpression): Checked {
    const { operand: operandExpression, field, mode, offset } = expression
    if (mode === 'read') {
      const qualified = this.#qualifiedName(expression)
      const resolved = qualified === undefined ? undefined : this.#identifier(qualified, offset)
      if (resolved) return resolved
    }
    const operand = this.#check(operandExpression)
    const type = this.#fieldType(operand.type, field, mode === 'optional', offset)
    return this.#node({ kind: 'select', operand, field, mode, type: mode === 'test' ? bool : type, offset })
  }

  /** `a.b.c` as a name, unless `a` is a variable of a comprehension. */
  #qualifiedName(expression: Expression): string | undefined {
    const name = messageName(expression)
    const root = name?.split('.', 1)[0]
    return this.#locals.some((local) => local.name === root) ? undefined : name
  }

  #fieldType(operand: CelType, field: string, optional: boolean, offset: number): CelType {
    const substituted = this.#substitutions.apply(operand, false)
    const holder = substituted.kind === 'optional' ? substituted.value : substituted
    const type = this.#plainFieldType(holder, field, offset)
    if (type.kind === 'error' || !(optional || substituted.kind === 'optional')) return type
    return type.kind === 'optional' ? type : optionalOf(type)
  }

  #plainFieldType(holder: CelType, field: string, offset: number): CelType {
    switch (holder.kind) {
      case 'dyn':
      case 'error':
        return dyn
      case 'map':
        return holder.value
      case 'nullable':
        if (holder.value.kind === 'object' || holder.value.kind === 'map')
          return this.#plainFieldType(holder.value, field, offset)
        break
      case 'object': {
        if (Object.hasOwn(holder.fields, field)) return holder.fields[field]!.type
        if (holder.others) return holder.others
        this.#fault(offset, `undefined field '${field}'`)
        return errorType
      }
      case 'parameter':
        if (holder.name.startsWith('_var') && this.#substitutions.isAssignable(holder, dyn)) return dyn
    }
    this.#fault(offset, `type '${formatType(holder)}' does not support field selection`)
    return errorType
  }

  #call(expression: CallExpression): Checked {
    const { name, target, args: argExpressions, offset } = expression
    if (target) return this.#memberCall(expression, target)
    const args = argExpressions.map((arg) => this.#check(arg))
    if (name === '_&&_' || name === '_||_') return this.#logical(name, args, offset)
    const overloads = this.#scope.functions.get(name.replace(/^\./, ''))
    return overloads
      ? this.#resolve(name.replace(/^\./, ''), overloads, false, args, offset)
      : this.#unknownCall(name, args, false, offset)
  }

  #memberCall({ name, args: argExpressions, offset }: CallExpression, target: Expression): Checked {
    const qualifier = this.#qualifiedName(target)
    const qualified = qualifier === undefined ? undefined : `${qualifier.replace(/^\./, '')}.${name}`
    const namespaced = qualified === undefined ? undefined : this.#scope.functions.get(qualified)
    if (namespaced) {
      const args = argExpressions.map((arg) => this.#check(arg))
      return this.#resolve(qualified!, namespaced, false, args, offset)
    }
    const args = [target, ...argExpressions].map((arg) => this.#check(arg))
    const overloads = this.#scope.functions.get(name)
    return overloads ? this.#resolve(name, overloads, true, args, offset) : this.#unknownCall(name, args, true, offset)
  }

  #unknownCall(name: string, args: readonly Checked[], member: boolean, offset: number): Checked {
    if (this.#scope.unchecked) return this.#node({ kind: 'call', name, member, args, overloads: [], type: dyn, offset })
    return this.#undeclared(name, offset)
  }

  #logical(name: string, args: readonly Checked[], offset: number): Checked {
    for (const arg of args) this.#expect(arg, bool)
    return this.#node({ kind: 'call', name, member: false, args, overloads: [], type: bool, offset })
  }

  #expect(node: Checked, type: CelType): void {
    if (this.#substitutions.isAssignable(node.type, type)) return
    const actual = formatType(this.#substitutions.apply(node.type, false))
    this.#fault(node.offset, `expected type '${formatType(type)}' but found '${actual}'`)
  }

  #resolve(
    name: string,
    overloads: readonly Overload[],
    member: boolean,
    args: readonly Checked[],
    offset: number,
  ): Checked {
    const argTypes = args.map((arg) => arg.type)
    const fitting: Overload[] = []
    let result: CelType | undefined
    for (const overload of overloads) {
      if (overload.member !== member || overload.args.length !== args.length) continue
      const instance = this.#instantiate(overload)
      if (!this.#substitutions.areAssignable(argTypes, instance.args)) continue
      fitting.push(overload)
      const type = this.#substitutions.apply(instance.result, false)
      if (!result) result = type
      else if (!isSame(result, type)) result = dyn
    }
    if (!result) this.#noOverload(name, argTypes, member, offset)
    const call: CheckedCall = {
      kind: 'call',
      name,
      member,
      args,
      overloads: fitting,
      type: result ?? errorType,
      offset,
    }
    return this.#node(call)
  }

  #instantiate({ args, result }: Overload): { args: readonly CelType[]; result: CelType } {
    const fresh = new Map<string, CelType>()
    const replace = (type: CelType): CelType => {
      switch (type.kind) {
        case 'parameter': {
          const known = fresh.get(type.name) ?? this.#fresh()
          fresh.set(type.name, known)
          return known
        }
        case 'list':
          return listOf(replace(type.element))
        case 'map':
          return mapOf(replace(type.key), replace(type.value))
        case 'optional':
          return optionalOf(replace(type.value))
        case 'type':
          return type.of ? { kind: 'type', of: replace(type.of) } : type
        default:
          return type
      }
    }
    return { args: args.map(replace), result: replace(result) }
  }

  #noOverload(name: string, argTypes: readonly CelType[], member: boolean, offset: number): void {
    const names = argTypes.map((type) => formatType(this.#substitutions.apply(type, true)))
    const signature = member ? `${names[0]}.(${names.slice(1).join(', ')})` : `(${names.join(', ')})`
    this.#fault(offset, `found no matching overload for '${name}' applied to '${signature}'`)
  }

  #list({ elements: expressions, offset }: ListExpression): Checked {
    let elementType: CelType | undefined
    const elements = expressions.map(({ value: expression, optional }) => {
      const value = this.#check(expression)
      elementType = this.#join(elementType, this.#elementType(value, optional), value.offset)
      return { value, optional }
    })
    return this.#node({ kind: 'list', elements, type: listOf(elementType ?? this.#fresh()), offset })
  }

  /** What an element adds to its list: optional ones their value. */
  #elementType(value: Checked, optional: boolean): CelType {
    if (!optional) return value.type
    const type = this.#substitutions.apply(value.type, false)
    if (type.kind === 'optional') return type.value
    if (isOpen(type)) return dyn
    this.#fault(value.offset, `expected type 'optional_type(${formatType(type)})' but found '${formatType(type)}'`)
    return errorType
  }

  #map({ entries: expressions, offset }: MapExpression): Checked {
    let keyType: CelType | undefined
    let valueType: CelType | undefined
    const entries = expressions.map((entry) => {
      const key = this.#check(entry.key)
      keyType = this.#join(keyType, key.type, key.offset)
      const value = this.#check(entry.value)
      valueType = this.#join(valueType, this.#elementType(value, entry.optional), value.offset)
      return { key, value, optional: entry.optional }
    })
    return this.#node({
      kind: 'map',
      entries,
      type: mapOf(keyType ?? this.#fresh(), valueType ?? this.#fresh()),
      offset,
    })
  }

  #join(previous: CelType | undefined, current: CelType, offset: number): CelType {
    if (!previous) return current
    if (this.#substitutions.isAssignable(previous, current)) return mostGeneral(previous, current)
    if (!this.#scope.homogeneous) return dyn
    const [expected, found] = [previous, current].map((type) => formatType(this.#substitutions.apply(type, false)))
    this.#fault(offset, `expected type '${expected}' but found '${found}'`)
    return previous
  }

  #message({ name: written, fields: expressions, offset }: MessageExpression): Checked {
    const name = written.replace(/^\./, '')
    const message = this.#scope.messages?.(name)
    if (!message) {
      if (Object.hasOwn(this.#scope.types, name)) this.#fault(offset, `'${name}' is not a message type`)
      else this.#fault(offset, `undeclared reference to '${name}' (in container '')`)
      return this.#node({ kind: 'constant', value: null, named: false, type: errorType, offset })
    }
    const fields = expressions.map((field) => {
      const value = this.#check(field.value)
      this.#checkField(message, field.name, this.#elementType(value, field.optional), field.offset)
      return { name: field.name, value, optional: field.optional }
    })
    return this.#node({ kind: 'message', message, fields, type: message, offset })
  }

  #checkField(message: ObjectType, name: string, provided: CelType, offset: number): void {
    const declared = Object.hasOwn(message.fields, name) ? message.fields[name]!.type : message.others
    if (!declared) return this.#fault(offset, `undefined field '${name}'`)
    if (this.#substitutions.isAssignable(provided, declared)) return
    const found = formatType(this.#substitutions.apply(provided, false))
    this.#fault(offset, `expected type of field '${name}' is '${formatType(declared)}' but provided type is '${found}'`)
  }

  #comprehension(expression: ComprehensionExpression): Checked {
    const { name, variables, offset } = expression
    const range = this.#check(expression.range)
    const types = this.#rangeTypes(range, variables.length)
    const [first] = variables.map((variable, index) => this.#push(variable, types[index]!))
    const filter = expression.filter && this.#check(expression.filter)
    const body = this.#check(expression.body)
    for (const _ of variables) this.#locals.pop()
    const type = this.#comprehensionType(expression, types, filter, body)
    return this.#node({ kind: 'comprehension', name, range, slot: first!.slot, variables, filter, body, type, offset })
  }

  /** The types of a comprehension's variables. */
  #rangeTypes(range: Checked, count: number): readonly CelType[] {
    const type = this.#substitutions.apply(range.type, false)
    switch (type.kind) {
      case 'list':
        return count === 2 ? [int, type.element] : [type.element]
      case 'map':
        return count === 2 ? [type.key, type.value] : [type.key]
      case 'parameter':
        this.#substitutions.isAssignable(type, dyn)
        return [dyn, dyn]
      case 'dyn':
      case 'error':
        return [dyn, dyn]
      default:
        this.#fault(
          range.offset,
          `expression of type '${formatType(type)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        )
        return [errorType, errorType]
    }
  }

  #comprehensionType(
    { name, offset }: ComprehensionExpression,
    variables: readonly CelType[],
    filter: Checked | undefined,
    body: Checked,
  ): CelType {
    switch (name) {
      case 'all':
      case 'exists':
        this.#expect(body, bool)
        return bool
      case 'exists_one':
        this.#expectCondition(body, int, offset)
        return bool
      case 'filter': {
        const result = listOf(variables[0]!)
        this.#expectCondition(body, result, offset)
        return result
      }
      case 'map':
      case 'transformList': {
        const result = listOf(body.type)
        if (filter) this.#expectCondition(filter, result, offset)
        return result
      }
      case 'transformMap': {
        const result = mapOf(variables[0]!, body.type)
        if (filter) this.#expectCondition(filter, result, offset)
        return result
      }
      case 'transformMapEntry':
        return this.#entryType(body, filter, offset)
    }
  }

  #entryType(body: Checked, filter: Checked | undefined, offset: number): CelType {
    const result = mapOf(this.#fresh(), this.#fresh())
    if (!this.#substitutions.isAssignable(body.type, result)) {
      const found = formatType(this.#substitutions.apply(body.type, true))
      this.#fault(offset, `found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), ${found})'`)
      return errorType
    }
    if (filter) this.#expectCondition(filter, result, offset)
    return result
  }

  /** The macro's condition is the first argument of a `?:` in the reference, and so is its message. */
  #expectCondition(condition: Checked, result: CelType, offset: number): void {
    if (this.#substitutions.isAssignable(condition.type, bool)) return
    this.#noOverload('_?_:_', [condition.type, result, result], false, offset)
  }
}
