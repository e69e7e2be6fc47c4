import { own } from '../base/own.ts'
import type { Node } from '../kinds/core/node.ts'
import type { NodeState } from './cluster-state.ts'

/** The number of no place. */
export const nowhere = -1

/**
 * In which zone, rack or machine each node is: places by the value of a label, as small numbers. Whoever counts something
 * by place keeps a column with one figure for each number, so that asking for it costs no look-up by text.
 */
export class Places {
  readonly topologyKey: string
  /** By the index of the node: the number of its place, or `nowhere`. */
  #numbers = new Int32Array(0)
  readonly #byName = new Map<string, Place>()
  /** Numbers of places that are no more. */
  readonly #free: number[] = []
  #count = 0

  constructor(topologyKey: string) {
    this.topologyKey = topologyKey
  }

  /** The number of the node's place, or `nowhere`. */
  of({ index }: NodeState): number {
    return index < this.#numbers.length ? this.#numbers[index]! : nowhere
  }

  /** Numbers are below this. */
  get size(): number {
    return this.#count
  }

  came({ index, node }: NodeState): void {
    const name = this.#nameOf(node)
    if (index >= this.#numbers.length) this.#grow(index)
    if (name === undefined) return
    let place = this.#byName.get(name)
    if (!place) {
      place = { number: this.#free.pop() ?? this.#count++, nodes: 0 }
      this.#byName.set(name, place)
    }
    place.nodes++
    this.#numbers[index] = place.number
  }

  /** Nothing may be counted there any more once the last node of a place goes: its number is given to another. */
  went({ index, node }: NodeState): void {
    const name = this.#nameOf(node)
    if (name === undefined) return
    const place = this.#byName.get(name)!
    this.#numbers[index] = nowhere
    if (--place.nodes > 0) return
    this.#byName.delete(name)
    this.#free.push(place.number)
  }

  #nameOf(node: Node | undefined): string | undefined {
    return own(node?.metadata.labels, this.topologyKey)
  }

  #grow(index: number): void {
    const numbers = new Int32Array(2 * (index + 1)).fill(nowhere)
    numbers.set(this.#numbers)
    this.#numbers = numbers
  }
}

interface Place {
  readonly number: number
  nodes: number
}

/** A figure for each place, 0 to begin with. */
export class ByPlace {
  readonly places: Places
  #figures = new Int32Array(0)

  constructor(places: Places) {
    this.places = places
  }

  /** Of the place where the node is. */
  at(node: NodeState): number {
    return this.of(this.places.of(node))
  }

  /** Of the place with this number. */
  of(place: number): number {
    return place >= 0 && place < this.#figures.length ? this.#figures[place]! : 0
  }

  add(place: number, amount: number): void {
    if (place >= this.#figures.length) {
      const figures = new Int32Array(2 * this.places.size)
      figures.set(this.#figures)
      this.#figures = figures
    }
    this.#figures[place]! += amount
  }
}
