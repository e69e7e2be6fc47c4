/** How expressions of policies and webhooks are evaluated for a request, and what that may cost. */

import {
  type Bindings,
  CelEvaluationError,
  type CelValue,
  createAuthorizer,
  Failure,
  type Program,
} from '../../../cel/index.ts'
import type { Namespace } from '../../../kinds/core/namespace.ts'
import type { ApiObject, Kind } from '../../../schema/kind.ts'
import type { RequestAuthorizer } from './authorizer.ts'
import { requestOf, type Subject } from './subject.ts'

/** An expression that gave no value. */
export class ExpressionError extends Error {}

/** Everything together has cost too much; nothing further is evaluated. */
export class BudgetError extends Error {
  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run')
  }
}

/** What may still be spent on a group of expressions. */
export class Budget {
  #left: number

  constructor(limit: number) {
    this.#left = limit
  }

  /** @throws BudgetError */
  spend(cost: number): void {
    if (cost > this.#left) throw new BudgetError()
    this.#left -= cost
  }
}

/** A variable of a policy. */
export interface CompiledVariable {
  readonly name: string
  /** An error where the expression does not compile any more. */
  readonly program: Program | Error
}

/** What expressions may read. */
export interface Inputs {
  readonly subject: Subject
  /** The version of the resource as which the request is seen. */
  readonly version: Kind
  /** Null: there are none. Absent: the expression may not read them. */
  readonly params?: ApiObject | null
  readonly namespace?: Namespace | undefined
  readonly authorizer?: RequestAuthorizer
}

/**
 * Evaluates a group of expressions that share their variables: each of these is evaluated when it is first read, and
 * then kept. What variables cost is charged to the expression that has read them.
 */
export class Evaluator {
  readonly #bindings: Record<string, unknown>
  #variablesCost = 0

  constructor(inputs: Inputs, variables: readonly CompiledVariable[] = []) {
    this.#bindings = bindingsOf(inputs)
    this.#bindings['variables'] = () => this.#bind(variables)
  }

  /** @throws ExpressionError, BudgetError, Pending */
  evaluate(program: Program, budget: Budget): CelValue {
    let cost = 0
    try {
      const result = program.evaluate(this.#bindings)
      cost = result.cost
      return result.value
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) throw error
      cost = error.cost
      throw new ExpressionError(`expression '${program.source}' resulted in error: ${error.message}`)
    } finally {
      const variablesCost = this.#variablesCost
      this.#variablesCost = 0
      budget.spend(variablesCost)
      budget.spend(cost)
    }
  }

  #bind(variables: readonly CompiledVariable[]): object {
    const values = {}
    for (const variable of variables) {
      let known: (() => CelValue) | undefined
      const get = () => {
        known ??= this.#keep(variable)
        return known()
      }
      Object.defineProperty(values, variable.name, { get, enumerable: true })
    }
    return values
  }

  /** Gives the variable's value, or throws why it has none, each time the same. */
  #keep({ name, program }: CompiledVariable): () => CelValue {
    const failing = (why: string) => () => {
      throw new Failure(`composited variable ${JSON.stringify(name)} fails to ${why}`)
    }
    if (program instanceof Error) return failing(`compile: ${program.message}`)
    try {
      const { value, cost } = program.evaluate(this.#bindings)
      this.#variablesCost += cost
      return () => value
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) throw error
      this.#variablesCost += error.cost
      return failing(`evaluate: ${error.message}`)
    }
  }
}

function bindingsOf({ subject, version, params, namespace, authorizer }: Inputs): Record<string, unknown> {
  const { object, oldObject } = subject.view(version)
  return {
    object,
    oldObject,
    request: () => requestOf(subject, version),
    namespaceObject: namespace === undefined ? null : () => shownNamespace(namespace),
    ...(params !== undefined && { params }),
    ...(authorizer && {
      authorizer: () => createAuthorizer(authorizer),
      'authorizer.requestResource': () => createAuthorizer(authorizer, resourceOf(subject)),
    }),
  } satisfies Bindings
}

function resourceOf({ attributes }: Subject) {
  const { kind, subresource, namespace, name } = attributes
  return {
    group: kind.group,
    resource: kind.plural,
    ...(subresource !== '' && { subresource }),
    ...(namespace !== '' && { namespace }),
    ...(name !== '' && { name }),
  }
}

/** Who owns and manages a namespace is not shown. */
function shownNamespace({ metadata, spec, status }: Namespace): object {
  const { managedFields: _, ownerReferences: __, ...shown } = metadata
  return { metadata: shown, spec, status }
}
