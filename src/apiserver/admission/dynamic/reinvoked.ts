import { equalJson } from '../../../schema/freeze.ts'
import type { AdmissionAttributes } from '../../admission.ts'

/**
 * What a plugin of policies or webhooks keeps in mind from the first round for the second: who wants to run again when
 * the object changes after him, and after whom it did.
 */
export class Reinvoked {
  #isSecond = false
  #request = () => {}
  readonly #ready = new Set<string>()
  readonly #due = new Set<string>()
  #output: unknown

  /** The plugin's memory of a request. In the second round everybody is due who saw another object than there is now. */
  static of(plugin: string, { reinvocation, object }: AdmissionAttributes): Reinvoked {
    const known = reinvocation?.memory.get(plugin) as Reinvoked | undefined
    const reinvoked = known ?? new Reinvoked()
    if (reinvocation === undefined) return reinvoked
    reinvocation.memory.set(plugin, reinvoked)
    reinvoked.#isSecond = reinvocation.isSecond
    reinvoked.#request = reinvocation.request
    if (reinvocation.isSecond && reinvoked.#ready.size > 0 && !equalJson(reinvoked.#output, object)) {
      reinvoked.#demand()
    }
    return reinvoked
  }

  get round(): number {
    return this.#isSecond ? 1 : 0
  }

  /** In the second round only those run that ran in the first, and want to again. */
  isDue(key: string): boolean {
    return !this.#isSecond || this.#due.has(key)
  }

  /** Somebody has changed the object. */
  changed(): void {
    this.#demand()
    this.#request()
  }

  /** He has run, and wants to run again when the object changes. */
  remember(key: string): void {
    this.#ready.add(key)
  }

  /** The round is over, and this is the object. */
  end(object: unknown): void {
    // Where nobody wants to run again, nobody will ask.
    if (this.#ready.size > 0) this.#output = structuredClone(object)
  }

  #demand(): void {
    for (const key of this.#ready) this.#due.add(key)
    this.#ready.clear()
  }
}
