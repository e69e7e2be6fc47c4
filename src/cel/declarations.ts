/** What functions look like to the checker and to the planner. */
import type { CelType } from './types.ts'
import type { CelValue } from './values.ts'

export interface Overload {
  readonly id: string
  /** Called on its first argument: `a.f(b)`. */
  readonly member: boolean
  readonly args: readonly CelType[]
  readonly result: CelType
  readonly invoke: Invoke
}

/** Takes the arguments, the target first. @throws Failure */
export type Invoke = (...args: CelValue[]) => CelValue

/** Functions by name. Those of a namespace have dotted names: `optional.of`. */
export type Functions = ReadonlyMap<string, readonly Overload[]>

/** What comes and goes with a version: functions and names of types. */
export interface Library {
  readonly functions: Readonly<Record<string, readonly Overload[]>>
  readonly types?: Readonly<Record<string, CelType>>
}

/**
 * Implementations get their arguments by the declared types; what the types cannot promise (`dyn`) is looked at before.
 */
type Implementation = (...args: never[]) => CelValue

export const overload = (id: string, args: readonly CelType[], result: CelType, invoke: Implementation): Overload => ({
  id,
  member: false,
  args,
  result,
  invoke: invoke as Invoke,
})

export const member = (id: string, args: readonly CelType[], result: CelType, invoke: Implementation): Overload => ({
  id,
  member: true,
  args,
  result,
  invoke: invoke as Invoke,
})
