import { createHash } from 'node:crypto'
import type { ApiObject } from '../src/schema/kind.ts'
import type { KeyValue, Store, StoreEvent } from '../src/store/store.ts'

/** One change of one object. */
export interface Change {
  readonly revision: number
  /** `/registry/pods/default/web-0`. */
  readonly key: string
  readonly object: ApiObject | undefined
  readonly old: ApiObject | undefined
}

/** Looks at every change in order, and says what must not be. */
export interface Checker {
  readonly name: string
  see(change: Change, state: State): readonly string[]
}

/** All objects, as of the change that is being looked at. */
export class State {
  readonly #objects = new Map<string, ApiObject>()

  get(key: string): ApiObject | undefined {
    return this.#objects.get(key)
  }

  /** Objects whose key begins so. */
  *below(prefix: string): Iterable<ApiObject> {
    for (const [key, object] of this.#objects) if (key.startsWith(prefix)) yield object
  }

  all(): Iterable<ApiObject> {
    return this.#objects.values()
  }

  set(key: string, object: ApiObject | undefined): void {
    if (object) this.#objects.set(key, object)
    else this.#objects.delete(key)
  }
}

/** Everything that a store goes through, across restarts: the state, a digest of every byte, and what checkers say. */
export class History {
  readonly state = new State()
  readonly violations: string[] = []
  readonly #checkers: readonly Checker[]
  readonly #digest = createHash('sha256')
  #stop = new AbortController()
  #revision = 0

  constructor(checkers: readonly Checker[]) {
    this.#checkers = checkers
  }

  /** Sees nothing until it follows a store again. */
  pause(): void {
    this.#stop.abort()
  }

  /** Goes on with this store from where the last one was left. */
  follow(store: Store): void {
    this.pause()
    this.#stop = new AbortController()
    store.watch(
      { from: '\0', to: '\0', fromRevision: this.#revision + 1, signal: this.#stop.signal },
      {
        onEvents: (events) => events.forEach((event) => void this.#see(event)),
        onError: (error) => void this.violations.push(`the history was lost: ${error.message}`),
      },
    )
  }

  get digest(): string {
    return this.#digest.copy().digest('hex')
  }

  get revision(): number {
    return this.#revision
  }

  #see({ key, kv, revision }: StoreEvent): void {
    this.#revision = revision
    this.#digest.update(`${revision} ${key} `)
    if (kv) this.#digest.update(kv.value)
    const change = { key, revision, object: kv && parse(kv), old: this.state.get(key) }
    this.state.set(key, change.object)
    for (const { name, see } of this.#checkers) {
      for (const fault of see(change, this.state)) this.violations.push(`revision ${revision}: ${name}: ${fault}`)
    }
  }
}

const parse = ({ value }: KeyValue): ApiObject => JSON.parse(Buffer.from(value).toString()) as ApiObject
