import type { ApiObject } from '../kind.ts'
import { everything, isSame } from './compare.ts'
import { type FieldSet, isLarge } from './field-set.ts'
import { hasJust } from './recognise.ts'
import { ItemFault, isMembers, type Shape, valueAt } from './shape.ts'

/**
 * Whose fields the fields of a new object become follows from which there are, and from what in it is as in an object
 * with nothing in it; what else they hold does not matter. Objects that are made one after another mostly have the same
 * fields, so the last answers are kept. To see whether one of them is right takes a walk that makes nothing.
 */
export class FieldsOfNew {
  readonly #shape: Shape
  /** The object with nothing in it, and every value in that, with the way there. */
  readonly #zeros: readonly { readonly path: readonly string[]; readonly value: unknown }[]
  /** The one that was right last comes first. */
  #answers: readonly Answer[] = []

  constructor(shape: Shape, zero: ApiObject) {
    this.#shape = shape
    this.#zeros = valuesIn(zero, [])
  }

  /** What `find` gives for this object. The answer depends on `reset` besides, the fields which that passes over. */
  of(object: ApiObject, reset: FieldSet, find: () => FieldSet): FieldSet {
    try {
      return this.#answer(object, reset, find).found
    } catch (error) {
      // An item without a name may lie where `find` does not look.
      if (error instanceof ItemFault) return find()
      throw error
    }
  }

  #answer(object: ApiObject, reset: FieldSet, find: () => FieldSet): Answer {
    const zeros = this.#zerosIn(object)
    const isRight = (answer: Answer) =>
      answer.reset === reset && answer.zeros === zeros && hasJust(this.#shape, object, answer.everything)
    const known = this.#answers.find(isRight)
    if (known !== undefined && known === this.#answers[0]) return known
    const answer = known ?? { reset, zeros, everything: everything(this.#shape, object), found: find() }
    if (isLarge(answer.everything)) return answer
    this.#answers = [answer, ...this.#answers.filter((other) => other !== answer)].slice(0, keptAnswers)
    return answer
  }

  /** A letter for each value. */
  #zerosIn(object: ApiObject): string {
    let text = ''
    for (const { path, value } of this.#zeros) text += isSame(valueAt(object, path), value) ? '0' : '1'
    return text
  }
}

interface Answer {
  readonly reset: FieldSet
  readonly zeros: string
  /** All fields of the object, in its order. */
  readonly everything: FieldSet
  readonly found: FieldSet
}

/** Of events alone there are half a dozen sorts. */
const keptAnswers = 8

function valuesIn(members: object, path: readonly string[]): { path: readonly string[]; value: unknown }[] {
  return Object.entries(members).flatMap(([name, value]) => {
    const here = { path: [...path, name], value: value as unknown }
    return isMembers(value) ? [here, ...valuesIn(value, here.path)] : [here]
  })
}
