import type { Check } from './configuration.ts'

/** Whether a backend serves, from the checks so far. One that was not checked yet is used when there is no better. */
export class Health {
  readonly #check: Pick<Check, 'rise' | 'fall'>
  #state: 'unknown' | 'up' | 'down' = 'unknown'
  /** Checks in a row that say something else than the state. */
  #against = 0

  constructor(check: Pick<Check, 'rise' | 'fall'>) {
    this.#check = check
  }

  get state(): 'unknown' | 'up' | 'down' {
    return this.#state
  }

  /** Whether the last check said something else than the state: the next one is to come soon. */
  get isInDoubt(): boolean {
    return this.#against > 0
  }

  /** Tells of a check. Gives whether the state is another now: the first check decides alone. */
  checked(isGood: boolean): boolean {
    const says = isGood ? 'up' : 'down'
    if (says === this.#state) {
      this.#against = 0
      return false
    }
    const needed = this.#state === 'unknown' ? 1 : isGood ? this.#check.rise : this.#check.fall
    if (++this.#against < needed) return false
    this.#state = says
    this.#against = 0
    return true
  }
}
