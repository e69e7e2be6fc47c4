import type { ApiObject } from '../schema/kind.ts'
import type { Random } from '../world/world.ts'
import type { Gate } from './gate.ts'

/** Writes about different objects may be under way together, so that they share a trip to the disk. */
const count = 16

/** Writes in the background: those about one object go one after the other. */
export class Lanes {
  readonly #tails = Array.from({ length: count }, () => Promise.resolve())
  readonly #gate: Gate | undefined
  #pending = 0

  /** `gate`: where each write waits for its turn. Absent: it has it at once. */
  constructor(gate?: Gate) {
    this.#gate = gate
  }

  get busy(): boolean {
    return this.#pending > 0
  }

  get idle(): Promise<void> {
    return Promise.all(this.#tails).then(() => {})
  }

  /** `work` must not fail. It is left out when the gate is closed before it begins. */
  run(about: ApiObject, work: () => Promise<void>): void {
    this.#pending++
    const lane = laneOf(about)
    const tail = this.#tails[lane]!
    const turn = this.#gate?.enter()
    const before = turn ? turn.then(() => tail) : tail
    const begin = () => (this.#gate?.isClosed ? undefined : work())
    this.#tails[lane] = before.then(begin).finally(() => {
      this.#gate?.leave()
      this.#pending--
    })
  }
}

/** All events of an object take the same lane. Uids end in a random digit. */
const laneOf = ({ metadata }: ApiObject): number => (Number.parseInt(metadata.uid?.at(-1) ?? '0', 16) || 0) % count

/** Names of events: the object's and a time in nanoseconds. Ours only have milliseconds, a running number makes up the rest. */
export class EventNames {
  readonly #random: Random
  /** Begins anywhere, as another recorder may say something of the same object in the same millisecond. */
  #sequence: bigint

  constructor(source: string, random: Random) {
    this.#random = random
    this.#sequence = BigInt(Math.floor(random.fork(`events of ${source}`).next() * 1_000_000))
  }

  next({ metadata }: ApiObject, now: number): string {
    this.#sequence = (this.#sequence + 1n) % 1_000_000n
    const time = (BigInt(Math.floor(now)) * 1_000_000n + this.#sequence).toString(16)
    const name = `${metadata.name ?? ''}.${time}`
    return name.length <= 253 && /^[a-z0-9.-]+$/.test(name) ? name : this.#random.uuid()
  }
}

/** Events about what has no namespace lie in the usual one. */
export const namespaceOfEvent = ({ metadata }: ApiObject): string => metadata.namespace || 'default'
