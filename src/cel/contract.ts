import type { CelType, ObjectType } from './types.ts'
import type { CelValue } from './values.ts'

/**
 * The border of the expression engine: the Common Expression Language with the libraries of Kubernetes.
 *
 * ```ts
 * const program = compile('self.min <= self.max', { variables: { self: typeOfSchema(schema)! } })
 * program.evaluate({ self: object.spec }, { costLimit: perCallLimit })   // { value: true, cost: 5 }
 * ```
 *
 * An expression is compiled once, with the types of its variables, and then evaluated often; programs are immutable
 * and may be shared. Values go in as plain JSON and are read through their declared types, no part of them before an
 * expression touches it.
 */
export interface Environment {
  /** Name → type. Dotted names (`a.b`) are variables as well. */
  readonly variables: Readonly<Record<string, CelType>>
  /** The minor version of Kubernetes whose libraries are there; the newest when not given. */
  readonly version?: number
  /** Objects that expressions may make: `Object.spec{replicas: 1}`. None when not given. */
  readonly messages?: (name: string) => ObjectType | undefined
  /**
   * `kubernetes` is what the API server accepts. `full` is the whole language: lists of mixed types, `cel.bind`, quoted
   * field names, all of the string library.
   */
  readonly dialect?: 'kubernetes' | 'full'
  /** Leaves all types to the run time, undeclared variables as well. */
  readonly unchecked?: boolean
}

/** What `compile` gives. */
export interface Program {
  readonly source: string
  /** What the expression gives: rules must give `bool`. */
  readonly resultType: CelType
  /** The variables that the expression reads: rules with `oldSelf` are transition rules. */
  readonly references: ReadonlySet<string>
  /** Least and most that one evaluation costs, from the sizes in the types; `max` is Infinity where nothing bounds it. */
  readonly estimate: CostEstimate
  /**
   * Evaluates the expression.
   * @param bindings name → JSON value, or a value of the engine (`createAuthorizer`, `optionalNone`, another result).
   *   A function is called the first time that the variable is read, once per evaluation.
   * @throws CelEvaluationError
   */
  evaluate(bindings: Bindings, options?: EvaluationOptions): Evaluation
}

export type Bindings = Readonly<Record<string, unknown>>

export interface EvaluationOptions {
  /** Evaluation ends with an error once it has cost more than this; `perCallLimit` when not given. */
  readonly costLimit?: number
}

export interface Evaluation {
  readonly value: CelValue
  /** What it has cost. */
  readonly cost: number
}

export interface CostEstimate {
  readonly min: number
  readonly max: number
}

/** One fault in a source text. */
export interface CelIssue {
  /** From 1. */
  readonly line: number
  /** In characters from 0, as the reference counts inside; messages show it from 1. */
  readonly column: number
  readonly message: string
}

/**
 * An expression that does not compile. The message is the reference's, with the faulty lines:
 * `ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo == 1\n | ^`.
 */
export class CelCompileError extends Error {
  readonly issues: readonly CelIssue[]

  constructor(message: string, issues: readonly CelIssue[]) {
    super(message)
    this.name = 'CelCompileError'
    this.issues = issues
  }
}

/** An evaluation that gives no value: `no such key: a`, `division by zero`, `no such overload`. */
export class CelEvaluationError extends Error {
  /** What the evaluation had cost until then. */
  readonly cost: number
  /** `cost` when the limit was reached (`operation cancelled: actual cost limit exceeded`). */
  readonly reason: 'error' | 'cost'

  constructor(message: string, cost: number, reason: 'error' | 'cost') {
    super(message)
    this.name = 'CelEvaluationError'
    this.cost = cost
    this.reason = reason
  }
}
