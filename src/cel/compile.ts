/** Source → program. */
import { converterOf } from './adapt.ts'
import { check } from './checker.ts'
import {
  type Bindings,
  CelEvaluationError,
  type CostEstimate,
  type Environment,
  type Evaluation,
  type EvaluationOptions,
  type Program,
} from './contract.ts'
import { estimateCost } from './estimate.ts'
import { Cancellation, Failure } from './failure.ts'
import { librariesOf } from './library/index.ts'
import { perCallLimit } from './limits.ts'
import { checkLiterals } from './literal-arguments.ts'
import { parse } from './parser.ts'
import { type Evaluate, type Frame, plan } from './planner.ts'
import { compileError, type Fault } from './source.ts'
import { type CelType, dyn } from './types.ts'
import { type CelValue, type Convert, isCelValue } from './values.ts'

/**
 * Makes a program of an expression.
 * @throws CelCompileError
 *
 * ```ts
 * compile('self.size() > 1', { variables: { self: string } }).evaluate({ self: 'ab' }).value   // true
 * ```
 */
export function compile(source: string, environment: Environment): Program {
  const libraries = librariesOf(environment)
  const expression = parse(source, libraries.syntax)
  const faults: Fault[] = []
  const { root, slots, references } = check(
    expression,
    {
      variables: environment.variables,
      functions: libraries.functions,
      types: libraries.types,
      messages: environment.messages,
      homogeneous: libraries.homogeneous,
      unchecked: environment.unchecked ?? false,
    },
    faults,
  )
  if (faults.length === 0 && libraries.checksLiterals) checkLiterals(root, faults)
  if (faults.length > 0) throw compileError(source, faults)
  const variables = [...references]
  return new CompiledProgram(source, root.type, references, plan(root, variables), {
    names: variables,
    converters: variables.map((name) => converterOf(environment.variables[name] ?? dyn)),
    slots,
    estimate: () => estimateCost(root),
  })
}

interface Details {
  readonly names: readonly string[]
  readonly converters: readonly Convert[]
  readonly slots: number
  readonly estimate: () => CostEstimate
}

class CompiledProgram implements Program {
  readonly source: string
  readonly resultType: CelType
  readonly references: ReadonlySet<string>
  readonly #evaluate: Evaluate
  readonly #details: Details
  #estimate: CostEstimate | undefined

  constructor(
    source: string,
    resultType: CelType,
    references: ReadonlySet<string>,
    evaluate: Evaluate,
    details: Details,
  ) {
    this.source = source
    this.resultType = resultType
    this.references = references
    this.#evaluate = evaluate
    this.#details = details
  }

  get estimate(): CostEstimate {
    this.#estimate ??= this.#details.estimate()
    return this.#estimate
  }

  evaluate(bindings: Bindings, options?: EvaluationOptions): Evaluation {
    const { names, converters, slots } = this.#details
    const frame: Frame = {
      cost: 0,
      limit: options?.costLimit ?? perCallLimit,
      globals: names.length === 0 ? noValues : new Array<CelValue | undefined>(names.length),
      locals: slots === 0 ? noValues : new Array<CelValue>(slots),
      load: (index) => {
        const value = readBinding(bindings, names[index]!, converters[index]!)
        frame.globals[index] = value
        return value
      },
    }
    try {
      const value = this.#evaluate(frame)
      if (frame.cost > frame.limit) throw new Cancellation()
      return { value, cost: frame.cost }
    } catch (error) {
      throw toEvaluationError(error, frame)
    }
  }
}

const noValues: CelValue[] = []

function readBinding(bindings: Bindings, name: string, convert: Convert): CelValue {
  const binding = Object.hasOwn(bindings, name) ? bindings[name] : undefined
  const value = typeof binding === 'function' ? (binding as () => unknown)() : binding
  if (value === undefined) throw new Failure(`no such attribute(s): ${name}`)
  return isCelValue(value) ? value : convert(value)
}

function toEvaluationError(error: unknown, frame: Frame): unknown {
  if (frame.cost > frame.limit) return new CelEvaluationError(new Cancellation().message, frame.cost, 'cost')
  if (error instanceof Failure) return new CelEvaluationError(error.message, frame.cost, 'error')
  // Texts that are too long for the engine.
  if (error instanceof RangeError) return new CelEvaluationError(error.message, frame.cost, 'error')
  return error
}
