/**
 * What an expression may cost at most, before it runs: the sizes that types declare, put through the same prices as at
 * run time. Whether a CustomResourceDefinition is accepted depends on these figures.
 */
import type {
  Checked,
  CheckedBind,
  CheckedCall,
  CheckedComprehension,
  CheckedList,
  CheckedMap,
  CheckedSelect,
} from './checked.ts'
import type { CostEstimate } from './contract.ts'
import { estimateCall } from './estimate-calls.ts'
import { exactly, nothing, plus, type Range, times, union, unknownSize } from './ranges.ts'
import { comprehensionCosts, listCost, mapCost, messageCost } from './runtime-cost.ts'
import type { CelType } from './types.ts'
import { type CelValue, textSize } from './values.ts'

/** What is known of a part of an expression. */
export interface Priced {
  readonly node: Checked
  readonly cost: Range
  /** How large the value is; undefined when nobody knows. */
  readonly size: Range | undefined
  /** Of lists and maps that the expression makes: how large their parts are. */
  readonly entry: Entry | undefined
  /** The type that was declared for just this value, when it is a part of a variable. */
  readonly declared: CelType | undefined
}

export interface Entry {
  readonly key: Range
  readonly value: Range
}

export const sizeOrUnknown = ({ size }: Priced): Range => size ?? unknownSize

export function estimateCost(root: Checked): CostEstimate {
  return new Estimator().price(root).cost
}

interface Local {
  readonly declared: CelType | undefined
  readonly size: Range | undefined
  readonly entry: Entry | undefined
}

class Estimator {
  readonly #locals = new Map<number, Local>()

  price(node: Checked): Priced {
    switch (node.kind) {
      case 'constant':
        return priced(node, exactly(node.named ? 1 : 0), { size: node.named ? undefined : constantSize(node.value) })
      case 'variable':
        return priced(node, exactly(1), { declared: node.type })
      case 'local': {
        const local = this.#locals.get(node.slot)
        const known = priced(node, exactly(1), { declared: local?.declared, entry: local?.entry })
        return known.size || !local ? known : { ...known, size: local.size }
      }
      case 'select':
        return this.#select(node)
      case 'call':
        return this.#call(node)
      case 'list':
        return this.#list(node)
      case 'map':
        return this.#map(node)
      case 'message':
        return priced(node, plus(exactly(messageCost), ...node.fields.map(({ value }) => this.price(value).cost)), {})
      case 'comprehension':
        return this.#comprehension(node)
      case 'bind':
        return this.#bind(node)
    }
  }

  #select(node: CheckedSelect): Priced {
    const operand = this.price(node.operand)
    if (node.mode === 'test') return priced(node, operand.cost, {})
    if (node.mode === 'optional') return priced(node, plus(operand.cost, exactly(1)), {})
    const { kind } = node.operand.type
    const cost =
      kind === 'map' || kind === 'object' || kind === 'parameter' ? plus(operand.cost, exactly(1)) : operand.cost
    return priced(node, cost, { declared: fieldType(operand.declared, node.field) })
  }

  #call(node: CheckedCall): Priced {
    const args = node.args.map((arg) => this.price(arg))
    const [first, second, third] = args
    switch (node.name) {
      case '_&&_':
      case '_||_':
        // The second side may not run.
        return priced(node, { min: first!.cost.min, max: plus(first!.cost, second!.cost).max }, {})
      case '_?_:_':
        return priced(node, plus(first!.cost, union(second!.cost, third!.cost)), {
          size: union(sizeOrUnknown(second!), sizeOrUnknown(third!)),
          entry: unionOfEntries(second!.entry, third!.entry),
        })
      case 'dyn':
        return { ...first!, node, cost: plus(first!.cost, exactly(1)) }
      case '_[_]':
        return this.#index(node, first!, plus(...args.map(({ cost }) => cost)))
      default: {
        const estimates = node.overloads.map((overload) => estimateCall(node, overload, args))
        const cost = estimates.map((estimate) => estimate.cost).reduce(union, { min: Number.POSITIVE_INFINITY, max: 0 })
        const sizes = estimates.flatMap(({ size }) => (size ? [size] : []))
        const own = estimates.length === 0 ? exactly(1) : cost
        return priced(node, plus(own, ...args.map((arg) => arg.cost)), {
          size: sizes.length > 0 ? sizes.reduce(union) : undefined,
          entry: node.name === '_+_' ? unionOfEntries(first!.entry, second!.entry) : undefined,
        })
      }
    }
  }

  #index(node: CheckedCall, container: Priced, argumentCost: Range): Priced {
    const declared = container.declared
    return priced(node, plus(argumentCost, exactly(1)), {
      size: container.entry?.value,
      declared: declared?.kind === 'list' ? declared.element : declared?.kind === 'map' ? declared.value : undefined,
    })
  }

  #list(node: CheckedList): Priced {
    const elements = node.elements.map(({ value }) => this.price(value))
    return priced(node, plus(exactly(listCost), ...elements.map(({ cost }) => cost)), {
      size: exactly(elements.length),
      entry: { key: exactly(1), value: unionOfSizes(elements) },
    })
  }

  #map(node: CheckedMap): Priced {
    const keys = node.entries.map(({ key }) => this.price(key))
    const values = node.entries.map(({ value }) => this.price(value))
    return priced(node, plus(exactly(mapCost), ...[...keys, ...values].map(({ cost }) => cost)), {
      size: exactly(keys.length),
      entry: { key: unionOfSizes(keys), value: unionOfSizes(values) },
    })
  }

  #bind(node: CheckedBind): Priced {
    const value = this.price(node.value)
    this.#locals.set(node.slot, { declared: value.declared, size: value.size, entry: value.entry })
    const body = this.price(node.body)
    return { ...body, node, cost: plus(exactly(listCost), value.cost, body.cost) }
  }

  #comprehension(node: CheckedComprehension): Priced {
    const range = this.price(node.range)
    this.#declareVariables(node, range)
    const filter = node.filter && this.price(node.filter).cost
    const body = this.price(node.body)
    const { init, result } = comprehensionCosts[node.name === 'transformList' ? 'map' : node.name]
    const count = sizeOrUnknown(range)
    const cost = plus(range.cost, exactly(init), exactly(result), times(count, stepCost(node, body.cost, filter)))
    switch (node.name) {
      case 'all':
      case 'exists':
      case 'exists_one':
        return priced(node, cost, {})
      case 'filter':
        return priced(node, cost, {
          size: count,
          entry: { key: exactly(1), value: { min: 0, max: this.#elementSize(node.slot).max } },
        })
      case 'map':
      case 'transformList':
        return priced(node, cost, {
          size: count,
          entry: { key: exactly(1), value: { min: 0, max: sizeOrUnknown(body).max } },
        })
      default:
        return priced(node, cost, { size: count })
    }
  }

  #elementSize(slot: number): Range {
    const local = this.#locals.get(slot)
    return declaredSize(local?.declared) ?? local?.size ?? unknownSize
  }

  #declareVariables({ slot, variables }: CheckedComprehension, { node, declared, entry }: Priced): void {
    const isList = node.type.kind === 'list'
    const key: Local = {
      declared: declared?.kind === 'map' ? declared.key : undefined,
      size: entry?.key,
      entry: undefined,
    }
    const value: Local = {
      declared: declared?.kind === 'list' ? declared.element : declared?.kind === 'map' ? declared.value : undefined,
      size: entry?.value,
      entry: undefined,
    }
    if (variables.length === 2) {
      this.#locals.set(slot, key)
      this.#locals.set(slot + 1, value)
    } else this.#locals.set(slot, isList ? value : key)
  }
}

/** What one element costs, with what the macro adds. */
function stepCost({ name }: CheckedComprehension, body: Range, filter: Range | undefined): Range {
  const { step, skip } = comprehensionCosts[name === 'transformList' ? 'map' : name]
  switch (name) {
    case 'all':
    case 'exists':
      // The body runs only while nothing is decided.
      return { min: step, max: step + body.max }
    case 'exists_one':
    case 'filter':
      return plus(body, { min: skip, max: step })
    default: {
      const full = plus(body, exactly(step))
      return filter ? plus(filter, union(full, exactly(skip))) : full
    }
  }
}

interface Known {
  readonly size?: Range | undefined
  readonly entry?: Entry | undefined
  readonly declared?: CelType | undefined
}

function priced(node: Checked, cost: Range, { size, entry, declared }: Known): Priced {
  return { node, cost, size: size ?? declaredSize(declared) ?? scalarSize(node.type), entry, declared }
}

/** From the declaration: what has no size counts as nothing there. */
function declaredSize(type: CelType | undefined): Range | undefined {
  switch (type?.kind) {
    case undefined:
      return undefined
    case 'list':
    case 'map':
    case 'string':
    case 'bytes':
    case 'dyn':
      return { min: 0, max: type.maxElements ?? Number.POSITIVE_INFINITY }
    case 'duration':
    case 'timestamp':
      return { min: 0, max: type.maxElements ?? 0 }
    default:
      return nothing
  }
}

const scalarKinds = new Set<CelType['kind']>(['bool', 'double', 'duration', 'int', 'timestamp', 'uint'])

function scalarSize(type: CelType): Range | undefined {
  const inner = type.kind === 'optional' ? type.value : type
  return scalarKinds.has(inner.kind) ? exactly(1) : undefined
}

function constantSize(value: CelValue): Range {
  if (typeof value === 'string') return exactly(textSize(value))
  return exactly(value instanceof Uint8Array ? value.length : 1)
}

function fieldType(holder: CelType | undefined, field: string): CelType | undefined {
  return holder?.kind === 'object' && Object.hasOwn(holder.fields, field) ? holder.fields[field]!.type : undefined
}

const unionOfSizes = (parts: readonly Priced[]): Range =>
  parts.length === 0 ? nothing : parts.map(sizeOrUnknown).reduce(union)

function unionOfEntries(left: Entry | undefined, right: Entry | undefined): Entry | undefined {
  return left && right && { key: union(left.key, right.key), value: union(left.value, right.value) }
}
