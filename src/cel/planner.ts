/**
 * Checked trees → functions. Every node becomes one closure that takes the frame of an evaluation, gives a value and
 * adds what it has cost; what is known before (constants, kinds of operands, single overloads) is decided here.
 */

import { converterOf } from './adapt.ts'
import type {
  Checked,
  CheckedBind,
  CheckedCall,
  CheckedComprehension,
  CheckedList,
  CheckedMap,
  CheckedMessage,
  CheckedSelect,
} from './checked.ts'
import type { Invoke, Overload } from './declarations.ts'
import { equals } from './equality.ts'
import { Cancellation, Failure, noSuchKey, noSuchOverload } from './failure.ts'
import * as operators from './operators.ts'
import { comprehensionCosts, equalityCost, listCost, mapCost, messageCost, runtimeCostOf } from './runtime-cost.ts'
import { acceptorOf } from './runtime-types.ts'
import { CelList, CelMap, CelObject, type CelValue, Double, EntryMap, mapKeyOf, Optional } from './values.ts'

/** One evaluation. */
export interface Frame {
  cost: number
  readonly limit: number
  /** By number of the variable; undefined until it is read. */
  readonly globals: (CelValue | undefined)[]
  readonly locals: CelValue[]
  /** Gives a variable's value when it is first read. */
  readonly load: (index: number) => CelValue
}

export type Evaluate = (frame: Frame) => CelValue

/** @param variables the names that frames number */
export function plan(root: Checked, variables: readonly string[]): Evaluate {
  return new Planner(variables).plan(root)
}

class Planner {
  readonly #variables: readonly string[]

  constructor(variables: readonly string[]) {
    this.#variables = variables
  }

  plan(node: Checked): Evaluate {
    switch (node.kind) {
      case 'constant': {
        const { value, named } = node
        return named ? charged(1, value) : () => value
      }
      case 'variable':
        return planVariable(this.#variables.indexOf(node.name))
      case 'local':
        return planLocal(node.slot)
      case 'select':
        return this.#select(node)
      case 'call':
        return this.#call(node)
      case 'list':
        return this.#list(node)
      case 'map':
        return this.#map(node)
      case 'message':
        return this.#message(node)
      case 'comprehension':
        return this.#comprehension(node)
      case 'bind':
        return this.#bind(node)
    }
  }

  #select({ operand: operandNode, field, mode }: CheckedSelect): Evaluate {
    const operand = this.plan(operandNode)
    switch (mode) {
      case 'read':
        return (frame) => {
          const holder = operand(frame)
          frame.cost++
          if (!(holder instanceof CelObject)) return operators.select(holder, field)
          const value = holder.get(field)
          if (value === undefined) throw noSuchKey(field)
          return value
        }
      case 'test':
        return (frame) => operators.test(operand(frame), field)
      case 'optional':
        return (frame) => {
          const holder = operand(frame)
          frame.cost++
          return operators.optionalSelect(holder, field)
        }
    }
  }

  #call(node: CheckedCall): Evaluate {
    const { name } = node
    const args = node.args.map((arg) => this.plan(arg))
    const [first, second, third] = args
    switch (name) {
      case '_&&_':
        return planLogical(first!, second!, false)
      case '_||_':
        return planLogical(first!, second!, true)
      case '_?_:_':
        return planConditional(first!, second!, third!)
      case '!_':
        return planNot(first!)
      case '_==_':
        return planEquals(first!, second!, true)
      case '_!=_':
        return planEquals(first!, second!, false)
      case '_<_':
      case '_<=_':
      case '_>_':
      case '_>=_':
        if (costsOne(node)) return planComparison(name, first!, second!)
        break
      case '_+_':
        if (isInts(node)) return planInts(first!, second!, operators.addInts)
        break
      case '_-_':
        if (isInts(node)) return planInts(first!, second!, operators.subtractInts)
    }
    return planInvocation(node, args)
  }

  #list({ elements }: CheckedList): Evaluate {
    const parts = elements.map(({ value, optional }) => ({ evaluate: this.plan(value), optional }))
    if (elements.every(({ value, optional }) => value.kind === 'constant' && !value.named && !optional)) {
      return charged(listCost, new CelList(elements.map(({ value }) => (value as { value: CelValue }).value)))
    }
    return (frame) => {
      const items: CelValue[] = []
      for (const { evaluate, optional } of parts) {
        const value = evaluate(frame)
        if (!optional) items.push(value)
        else if (optionalValue(value) !== undefined) items.push(optionalValue(value)!)
      }
      frame.cost += listCost
      return new CelList(items)
    }
  }

  #map({ entries }: CheckedMap): Evaluate {
    const parts = entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }))
    return (frame) => {
      const map = new Map<string | boolean | number | bigint, readonly [CelValue, CelValue]>()
      for (const { key: evaluateKey, value: evaluateValue, optional } of parts) {
        const key = evaluateKey(frame)
        const given = evaluateValue(frame)
        const value = optional ? optionalValue(given) : given
        if (value !== undefined) insert(map, key, value)
      }
      frame.cost += mapCost
      return new EntryMap(map)
    }
  }

  #message({ message, fields }: CheckedMessage): Evaluate {
    const convert = converterOf(message)
    const parts = fields.map(({ name, value, optional }) => ({
      json: message.fields[name]?.json ?? name,
      evaluate: this.plan(value),
      optional,
    }))
    return (frame) => {
      const json: Record<string, CelValue> = {}
      for (const { json: name, evaluate, optional } of parts) {
        const given = evaluate(frame)
        const value = optional ? optionalValue(given) : given
        if (value !== undefined) Object.defineProperty(json, name, { value, enumerable: true })
      }
      frame.cost += messageCost
      return convert(json)
    }
  }

  #bind({ slot, value: valueNode, body: bodyNode }: CheckedBind): Evaluate {
    const value = this.plan(valueNode)
    const body = this.plan(bodyNode)
    return (frame) => {
      // The reference makes a binding of a loop over an empty list.
      frame.cost += listCost
      frame.locals[slot] = value(frame)
      return body(frame)
    }
  }

  #comprehension(node: CheckedComprehension): Evaluate {
    const range = this.plan(node.range)
    const loop: Loop = {
      range,
      slot: node.slot,
      two: node.variables.length === 2,
      filter: node.filter && this.plan(node.filter),
      body: this.plan(node.body),
    }
    switch (node.name) {
      case 'all':
        return planQuantifier(loop, false)
      case 'exists':
        return planQuantifier(loop, true)
      case 'exists_one':
        return planExistsOne(loop)
      case 'filter':
        return planFilter(loop)
      case 'map':
      case 'transformList':
        return planMap(loop)
      case 'transformMap':
        return planTransformMap(loop)
      case 'transformMapEntry':
        return planTransformMapEntry(loop)
    }
  }
}

const charged =
  (cost: number, value: CelValue): Evaluate =>
  (frame) => {
    frame.cost += cost
    return value
  }

const planVariable =
  (index: number): Evaluate =>
  (frame) => {
    frame.cost++
    const value = frame.globals[index]
    return value === undefined ? frame.load(index) : value
  }

const planLocal =
  (slot: number): Evaluate =>
  (frame) => {
    frame.cost++
    return frame.locals[slot]!
  }

/** `&&` is decided by false, `||` by true: then the other side may fail. */
function planLogical(left: Evaluate, right: Evaluate, decisive: boolean): Evaluate {
  const afterFailure = (frame: Frame, failure: Failure): boolean => {
    if (right(frame) === decisive) return decisive
    throw failure
  }
  return (frame) => {
    let value: CelValue
    try {
      value = left(frame)
    } catch (error) {
      if (error instanceof Failure) return afterFailure(frame, error)
      throw error
    }
    if (value === decisive) return decisive
    if (typeof value !== 'boolean') return afterFailure(frame, noSuchOverload())
    const other = right(frame)
    if (typeof other !== 'boolean') throw noSuchOverload()
    return other
  }
}

const planConditional =
  (condition: Evaluate, whenTrue: Evaluate, whenFalse: Evaluate): Evaluate =>
  (frame) => {
    const value = condition(frame)
    if (value === true) return whenTrue(frame)
    if (value === false) return whenFalse(frame)
    throw noSuchOverload()
  }

const planNot =
  (operand: Evaluate): Evaluate =>
  (frame) => {
    const value = operand(frame)
    frame.cost++
    if (typeof value !== 'boolean') throw noSuchOverload()
    return !value
  }

const planEquals =
  (left: Evaluate, right: Evaluate, wanted: boolean): Evaluate =>
  (frame) => {
    const first = left(frame)
    const second = right(frame)
    frame.cost += equalityCost(first, second)
    return equals(first, second) === wanted
  }

/** Whether an operator has one meaning that costs one unit. */
const costsOne = ({ args, overloads }: CheckedCall): boolean =>
  overloads.length !== 1 || args.every(({ type }) => type.kind !== 'string' && type.kind !== 'bytes')

const isInts = ({ args }: CheckedCall): boolean => args.every(({ type }) => type.kind === 'int')

function planComparison(name: string, left: Evaluate, right: Evaluate): Evaluate {
  switch (name) {
    case '_<_':
      return comparison(left, right, (first, second) => operators.compare(first, second) < 0)
    case '_<=_':
      return comparison(left, right, (first, second) => operators.compare(first, second) <= 0)
    case '_>_':
      return comparison(left, right, (first, second) => operators.compare(first, second) > 0)
    default:
      return comparison(left, right, (first, second) => operators.compare(first, second) >= 0)
  }
}

const comparison =
  (left: Evaluate, right: Evaluate, holds: (left: CelValue, right: CelValue) => boolean): Evaluate =>
  (frame) => {
    const first = left(frame)
    const second = right(frame)
    frame.cost++
    return holds(first, second)
  }

function planInts(
  left: Evaluate,
  right: Evaluate,
  calculate: (left: number | bigint, right: number | bigint) => number | bigint,
): Evaluate {
  return (frame) => {
    const first = left(frame)
    const second = right(frame)
    frame.cost++
    if (
      (typeof first !== 'number' && typeof first !== 'bigint') ||
      (typeof second !== 'number' && typeof second !== 'bigint')
    )
      throw noSuchOverload()
    return calculate(first, second)
  }
}

/** Operators look at their operands themselves. */
const looksItself = (name: string) => /^[_@-]/.test(name)

function planInvocation(node: CheckedCall, args: readonly Evaluate[]): Evaluate {
  const { name, overloads } = node
  if (overloads.length === 0) return planUnknown(args)
  const cost = runtimeCostOf(name, overloads)
  const invoke = looksItself(name) ? overloads[0]!.invoke : dispatcher(overloads)
  const [first, second] = args
  const charge = (frame: Frame, values: readonly CelValue[]): void => {
    frame.cost += cost ? cost(values) : 1
    if (frame.cost > frame.limit) throw new Cancellation()
  }
  if (args.length === 1)
    return (frame) => {
      const value = first!(frame)
      charge(frame, [value])
      return invoke(value)
    }
  if (args.length === 2)
    return (frame) => {
      const left = first!(frame)
      const right = second!(frame)
      charge(frame, [left, right])
      return invoke(left, right)
    }
  return (frame) => {
    const values = args.map((arg) => arg(frame))
    charge(frame, values)
    return invoke(...values)
  }
}

/** What nobody has declared fails when it runs, after its arguments. */
const planUnknown =
  (args: readonly Evaluate[]): Evaluate =>
  (frame) => {
    for (const arg of args) arg(frame)
    throw noSuchOverload()
  }

/** Calls the overload that the values fit. */
function dispatcher(overloads: readonly Overload[]): Invoke {
  const candidates = overloads.map(({ args, invoke }) => ({ accepts: args.map(acceptorOf), invoke }))
  const [only] = candidates
  if (candidates.length === 1) return checkedInvoke(only!.accepts, only!.invoke)
  return (...values) => {
    for (const { accepts, invoke } of candidates)
      if (accepts.every((accept, index) => accept(values[index]!))) return invoke(...values)
    throw noSuchOverload()
  }
}

function checkedInvoke(accepts: readonly ((value: CelValue) => boolean)[], invoke: Invoke): Invoke {
  const [first, second] = accepts
  switch (accepts.length) {
    case 1:
      return (value) => {
        if (!first!(value!)) throw noSuchOverload()
        return invoke(value!)
      }
    case 2:
      return (left, right) => {
        if (!first!(left!) || !second!(right!)) throw noSuchOverload()
        return invoke(left!, right!)
      }
    default:
      return (...values) => {
        if (!accepts.every((accept, index) => accept(values[index]!))) throw noSuchOverload()
        return invoke(...values)
      }
  }
}

function optionalValue(value: CelValue): CelValue | undefined {
  if (!(value instanceof Optional)) throw noSuchOverload()
  return value.value
}

type EntryTarget = Map<string | boolean | number | bigint, readonly [CelValue, CelValue]>

function insert(map: EntryTarget, key: CelValue, value: CelValue): void {
  const normalized = key instanceof Double ? undefined : mapKeyOf(key)
  if (normalized === undefined) throw new Failure(`unsupported key type`)
  if (map.has(normalized)) throw new Failure(`Failed with repeated key`)
  map.set(normalized, [key, value])
}

interface Loop {
  readonly range: Evaluate
  readonly slot: number
  /** Whether the body sees index or key and the value. */
  readonly two: boolean
  readonly filter: Evaluate | undefined
  readonly body: Evaluate
}

/** Calls `step` for every element, with the variables set, until it gives false. */
function iterate(loop: Loop, frame: Frame, step: () => boolean): void {
  const { slot, two } = loop
  const range = loop.range(frame)
  const { locals } = frame
  if (range instanceof CelList) {
    for (let index = 0; index < range.size; index++) {
      if (two) locals[slot] = index
      locals[two ? slot + 1 : slot] = range.at(index)
      if (!step()) return
      if (frame.cost > frame.limit) throw new Cancellation()
    }
  } else if (range instanceof CelMap) {
    for (const key of range.keys()) {
      locals[slot] = key
      if (two) locals[slot + 1] = range.get(key)!
      if (!step()) return
      if (frame.cost > frame.limit) throw new Cancellation()
    }
  } else throw noSuchOverload()
}

/** `all` ends at the first false, `exists` at the first true; a failure counts only when nothing decides. */
function planQuantifier(loop: Loop, decisive: boolean): Evaluate {
  const costs = decisive ? comprehensionCosts.exists : comprehensionCosts.all
  return (frame) => {
    let failure: Failure | undefined
    let decided = false
    iterate(loop, frame, () => {
      // That it is decided is seen before the next element.
      if (decided) {
        frame.cost += costs.condition
        return false
      }
      frame.cost += costs.step
      try {
        const value = loop.body(frame)
        if (value === decisive) decided = true
        else if (typeof value !== 'boolean') failure ??= noSuchOverload()
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        failure ??= error
      }
      return true
    })
    frame.cost += costs.result
    if (decided) return decisive
    if (failure) throw failure
    return !decisive
  }
}

function planExistsOne(loop: Loop): Evaluate {
  const costs = comprehensionCosts.exists_one
  return (frame) => {
    let count = 0
    iterate(loop, frame, () => {
      const found = isTrue(loop.body(frame))
      frame.cost += found ? costs.step : costs.skip
      if (found) count++
      return true
    })
    frame.cost += costs.result
    return count === 1
  }
}

function isTrue(value: CelValue): boolean {
  if (typeof value !== 'boolean') throw noSuchOverload()
  return value
}

function planFilter(loop: Loop): Evaluate {
  const costs = comprehensionCosts.filter
  return (frame) => {
    const items: CelValue[] = []
    frame.cost += costs.init
    iterate(loop, frame, () => {
      const kept = isTrue(loop.body(frame))
      frame.cost += kept ? costs.step : costs.skip
      if (kept) items.push(frame.locals[loop.slot]!)
      return true
    })
    frame.cost += costs.result
    return new CelList(items)
  }
}

function planMap(loop: Loop): Evaluate {
  const costs = comprehensionCosts.map
  const { filter, body } = loop
  return (frame) => {
    const items: CelValue[] = []
    frame.cost += costs.init
    iterate(loop, frame, () => {
      if (filter && !isTrue(filter(frame))) frame.cost += costs.skip
      else {
        items.push(body(frame))
        frame.cost += costs.step
      }
      return true
    })
    frame.cost += costs.result
    return new CelList(items)
  }
}

function planTransformMap(loop: Loop): Evaluate {
  const costs = comprehensionCosts.transformMap
  const { filter, body, slot } = loop
  return (frame) => {
    const map: EntryTarget = new Map()
    frame.cost += costs.init
    iterate(loop, frame, () => {
      if (filter && !isTrue(filter(frame))) frame.cost += costs.skip
      else {
        insert(map, frame.locals[slot]!, body(frame))
        frame.cost += costs.step
      }
      return true
    })
    frame.cost += costs.result
    return new EntryMap(map)
  }
}

function planTransformMapEntry(loop: Loop): Evaluate {
  const costs = comprehensionCosts.transformMapEntry
  const { filter, body } = loop
  return (frame) => {
    const map: EntryTarget = new Map()
    frame.cost += costs.init
    iterate(loop, frame, () => {
      if (filter && !isTrue(filter(frame))) frame.cost += costs.skip
      else {
        insertAll(map, body(frame))
        frame.cost += costs.step
      }
      return true
    })
    frame.cost += costs.result
    return new EntryMap(map)
  }
}

function insertAll(map: EntryTarget, entry: CelValue): void {
  if (!(entry instanceof CelMap)) throw noSuchOverload()
  for (const key of entry.keys()) {
    const normalized = mapKeyOf(key)
    if (normalized !== undefined && map.has(normalized))
      throw new Failure(`insert failed: key ${String(normalized)} already exists`)
    insert(map, key, entry.get(key)!)
  }
}
