/** Expressions as trees. Macros are nodes of their own, so that they can be checked, priced and run for what they are. */
import type { CelValue } from './values.ts'

export type Expression =
  | ConstantExpression
  | IdentifierExpression
  | SelectExpression
  | CallExpression
  | ListExpression
  | MapExpression
  | MessageExpression
  | ComprehensionExpression
  | BindExpression

interface Node {
  /** Where messages point at, in units of the source text. */
  readonly offset: number
}

export interface ConstantExpression extends Node {
  readonly kind: 'constant'
  readonly value: CelValue
}

export interface IdentifierExpression extends Node {
  readonly kind: 'identifier'
  /** With a leading dot when it was written so: a name of the outermost scope. */
  readonly name: string
}

export interface SelectExpression extends Node {
  readonly kind: 'select'
  readonly operand: Expression
  readonly field: string
  /** `read` is `a.b`, `test` is `has(a.b)`, `optional` is `a.?b`. */
  readonly mode: 'read' | 'test' | 'optional'
}

export interface CallExpression extends Node {
  readonly kind: 'call'
  /** Operators have the names that messages show: `_+_`, `!_`, `_?_:_`, `@in`, `_[_]`. */
  readonly name: string
  readonly target: Expression | undefined
  readonly args: readonly Expression[]
}

export interface ListExpression extends Node {
  readonly kind: 'list'
  readonly elements: readonly { readonly value: Expression; readonly optional: boolean }[]
}

export interface MapExpression extends Node {
  readonly kind: 'map'
  readonly entries: readonly {
    readonly key: Expression
    readonly value: Expression
    readonly optional: boolean
    readonly offset: number
  }[]
}

export interface MessageExpression extends Node {
  readonly kind: 'message'
  readonly name: string
  readonly fields: readonly {
    readonly name: string
    readonly value: Expression
    readonly optional: boolean
    readonly offset: number
  }[]
}

export type ComprehensionName =
  | 'all'
  | 'exists'
  | 'exists_one'
  | 'map'
  | 'filter'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry'

/** `range.all(x, …)` and its like; with two variables the first is the index or key. */
export interface ComprehensionExpression extends Node {
  readonly kind: 'comprehension'
  readonly name: ComprehensionName
  readonly range: Expression
  readonly variables: readonly [string] | readonly [string, string]
  /** Of `map` and the transforms: which elements count. */
  readonly filter: Expression | undefined
  readonly body: Expression
}

/** A name for a value (`cel.bind`, and what `optMap` needs). */
export interface BindExpression extends Node {
  readonly kind: 'bind'
  readonly variable: string
  readonly value: Expression
  readonly body: Expression
}
