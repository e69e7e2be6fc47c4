/**
 * The alarm of etcd that says that there is no space: raised when the store grows beyond the quota, or when a client says
 * so. While it is, etcd's clients can read and delete but not put. It stays until it is disarmed. (A disk that is full is
 * another matter: then the store refuses what it cannot write, and goes on when there is space.)
 */
import { NoSpaceError, type Store } from '../../store/store.ts'

export class Alarms {
  readonly #store: Store
  readonly #quotaBytes: number
  #isRaised = false

  /** `quotaBytes` 0: none. */
  constructor(store: Store, quotaBytes: number) {
    this.#store = store
    this.#quotaBytes = quotaBytes
  }

  get isRaised(): boolean {
    return this.#isRaised
  }

  raise(): void {
    this.#isRaised = true
  }

  disarm(): void {
    this.#isRaised = false
  }

  /** Throws `NoSpaceError` when nothing more may be put. */
  async requireSpace(): Promise<void> {
    if (!this.#isRaised && this.#quotaBytes > 0) {
      const { sizeBytes } = await this.#store.status()
      if (sizeBytes > this.#quotaBytes) this.raise()
    }
    if (this.#isRaised) throw new NoSpaceError()
  }
}
