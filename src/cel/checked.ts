/** Trees whose names are resolved and whose types are known: what the planner runs and the estimate prices. */
import type { Overload } from './declarations.ts'
import type { ComprehensionName } from './syntax.ts'
import type { CelType, ObjectType } from './types.ts'
import type { CelValue } from './values.ts'

export type Checked =
  | CheckedConstant
  | CheckedVariable
  | CheckedLocal
  | CheckedSelect
  | CheckedCall
  | CheckedList
  | CheckedMap
  | CheckedMessage
  | CheckedComprehension
  | CheckedBind

interface CheckedNode {
  type: CelType
  readonly offset: number
}

export interface CheckedConstant extends CheckedNode {
  readonly kind: 'constant'
  readonly value: CelValue
  /** Names of types cost as much as variables. */
  readonly named: boolean
}

export interface CheckedVariable extends CheckedNode {
  readonly kind: 'variable'
  readonly name: string
}

/** A variable of a comprehension or a binding; numbered from the outside. */
export interface CheckedLocal extends CheckedNode {
  readonly kind: 'local'
  readonly name: string
  readonly slot: number
}

export interface CheckedSelect extends CheckedNode {
  readonly kind: 'select'
  readonly operand: Checked
  readonly field: string
  readonly mode: 'read' | 'test' | 'optional'
}

export interface CheckedCall extends CheckedNode {
  readonly kind: 'call'
  readonly name: string
  readonly member: boolean
  /** The target first. */
  readonly args: readonly Checked[]
  /** What may be meant; more than one where types are known only at run time. */
  readonly overloads: readonly Overload[]
}

export interface CheckedList extends CheckedNode {
  readonly kind: 'list'
  readonly elements: readonly { readonly value: Checked; readonly optional: boolean }[]
}

export interface CheckedMap extends CheckedNode {
  readonly kind: 'map'
  readonly entries: readonly { readonly key: Checked; readonly value: Checked; readonly optional: boolean }[]
}

export interface CheckedMessage extends CheckedNode {
  readonly kind: 'message'
  readonly message: ObjectType
  readonly fields: readonly { readonly name: string; readonly value: Checked; readonly optional: boolean }[]
}

export interface CheckedComprehension extends CheckedNode {
  readonly kind: 'comprehension'
  readonly name: ComprehensionName
  readonly range: Checked
  /** Slot of the first variable; the second has the next one. */
  readonly slot: number
  readonly variables: readonly string[]
  readonly filter: Checked | undefined
  readonly body: Checked
}

export interface CheckedBind extends CheckedNode {
  readonly kind: 'bind'
  readonly slot: number
  readonly variable: string
  readonly value: Checked
  readonly body: Checked
}
