/** Which types fit where. Type variables are bound while a call is looked at; a failed attempt leaves no trace. */
import { type CelType, dyn, formatType } from './types.ts'

export class Substitutions {
  #bound = new Map<string, CelType>()

  /** Tries something; bindings stay only when it gives true. */
  attempt(action: () => boolean): boolean {
    const before = this.#bound
    this.#bound = new Map(before)
    if (action()) return true
    this.#bound = before
    return false
  }

  isAssignable(from: CelType, to: CelType): boolean {
    return this.attempt(() => this.#assign(from, to))
  }

  areAssignable(from: readonly CelType[], to: readonly CelType[]): boolean {
    return this.attempt(() => this.#assignAll(from, to))
  }

  bind(name: string, type: CelType): void {
    this.#bound.set(name, type)
  }

  /** The type with bound variables replaced; free ones become `dyn` when `closed`. */
  apply(type: CelType, closed: boolean): CelType {
    switch (type.kind) {
      case 'parameter': {
        const bound = this.#bound.get(type.name)
        if (bound) return this.apply(bound, closed)
        return closed ? dyn : type
      }
      case 'list': {
        const element = this.apply(type.element, closed)
        return element === type.element ? type : { ...type, element }
      }
      case 'map': {
        const key = this.apply(type.key, closed)
        const value = this.apply(type.value, closed)
        return key === type.key && value === type.value ? type : { ...type, key, value }
      }
      case 'optional':
      case 'nullable': {
        const value = this.apply(type.value, closed)
        return value === type.value ? type : { ...type, value }
      }
      case 'opaque':
        return type.parameters
          ? { ...type, parameters: type.parameters.map((parameter) => this.apply(parameter, closed)) }
          : type
      case 'type':
        return type.of ? { kind: 'type', of: this.apply(type.of, closed) } : type
      default:
        return type
    }
  }

  #assignAll(from: readonly CelType[], to: readonly CelType[]): boolean {
    return from.length === to.length && from.every((type, index) => this.#assign(type, to[index]!))
  }

  #assign(from: CelType, to: CelType): boolean {
    if (to.kind === 'parameter') {
      const { valid, bound } = this.#substitute(from, to.name)
      if (valid) return true
      if (bound) return false
    }
    if (from.kind === 'parameter') return this.#substitute(to, from.name).valid
    if (isOpen(from) || isOpen(to)) return true
    if (from.kind === 'null') return isNullable(to)
    if (from.kind === 'nullable') return to.kind === 'null' || this.#assign(from.value, to)
    if (to.kind === 'nullable') return this.#assign(from, to.value)
    return this.#assignSame(from, to)
  }

  #assignSame(from: CelType, to: CelType): boolean {
    switch (from.kind) {
      case 'list':
        return to.kind === 'list' && this.#assign(from.element, to.element)
      case 'map':
        return to.kind === 'map' && this.#assign(from.key, to.key) && this.#assign(from.value, to.value)
      case 'optional':
        return to.kind === 'optional' && this.#assign(from.value, to.value)
      case 'opaque':
        return (
          to.kind === 'opaque' && from.name === to.name && this.#assignAll(from.parameters ?? [], to.parameters ?? [])
        )
      case 'object':
        return to.kind === 'object' && (from === to || from.name === to.name)
      default:
        return from.kind === to.kind
    }
  }

  #substitute(type: CelType, name: string): { valid: boolean; bound: boolean } {
    const bound = this.#bound.get(name)
    if (!bound) {
      if (type.kind === 'parameter' && type.name === name) return { valid: true, bound: false }
      if (this.#mentions(type, name)) return { valid: false, bound: false }
      this.#bound.set(name, type)
      return { valid: true, bound: false }
    }
    if (isSame(type, bound)) return { valid: true, bound: true }
    if (!this.#assign(type, bound)) return { valid: false, bound: true }
    this.#bound.set(name, mostGeneral(type, bound))
    return { valid: true, bound: true }
  }

  #mentions(type: CelType, name: string): boolean {
    switch (type.kind) {
      case 'parameter': {
        if (type.name === name) return true
        const bound = this.#bound.get(type.name)
        return bound !== undefined && this.#mentions(bound, name)
      }
      case 'list':
        return this.#mentions(type.element, name)
      case 'map':
        return this.#mentions(type.key, name) || this.#mentions(type.value, name)
      case 'optional':
      case 'nullable':
        return this.#mentions(type.value, name)
      case 'opaque':
        return type.parameters?.some((parameter) => this.#mentions(parameter, name)) ?? false
      case 'type':
        return type.of !== undefined && this.#mentions(type.of, name)
      default:
        return false
    }
  }
}

export const isOpen = (type: CelType): boolean => type.kind === 'dyn' || type.kind === 'error'

const isNullable = ({ kind }: CelType): boolean =>
  kind === 'null' ||
  kind === 'nullable' ||
  kind === 'object' ||
  kind === 'opaque' ||
  kind === 'optional' ||
  kind === 'duration' ||
  kind === 'timestamp'

export const isSame = (left: CelType, right: CelType): boolean =>
  left === right || (left.kind === right.kind && formatType(left) === formatType(right))

/** Of two types of which one fits the other, the wider one. */
export function mostGeneral(left: CelType, right: CelType): CelType {
  return isWider(left, right) ? left : right
}

function isWider(left: CelType, right: CelType): boolean {
  if (left.kind === 'dyn' || left.kind === 'parameter') return true
  if (right.kind === 'dyn' || right.kind === 'parameter') return false
  if (left.kind === 'nullable' && right.kind !== 'nullable') return right.kind === 'null' || isWider(left.value, right)
  if (left.kind !== right.kind) return false
  if (left.kind === 'list' && right.kind === 'list') return isWider(left.element, right.element)
  if (left.kind === 'map' && right.kind === 'map')
    return isWider(left.key, right.key) && isWider(left.value, right.value)
  if (left.kind === 'optional' && right.kind === 'optional') return isWider(left.value, right.value)
  return left.kind === 'type' || isSame(left, right)
}
