/**
 * A list whose members are taken out without being looked for. It is for what comes and goes with every request, where a
 * `Set` or a `Map` is dear in an unexpected way: V8 gives them a new table every few removals, and each old table leads to
 * the next and still holds what was in it then. Once one of them has grown old, everything that was ever a member counts as
 * used until the whole heap is collected: it is copied twice and makes the heap grow, as if nothing were garbage.
 */
export class LinkedList<T extends Member> {
  /** Stands before the first member and behind the last. */
  readonly #ends = new Member()

  constructor() {
    this.#ends.previous = this.#ends.next = this.#ends
  }

  get isEmpty(): boolean {
    return this.#ends.next === this.#ends
  }

  /** The one that has been a member for the longest time. */
  get first(): T | undefined {
    return this.isEmpty ? undefined : (this.#ends.next as T)
  }

  /** Adds somebody who is no member of a list at its end. */
  push(member: T): void {
    const last = this.#ends.previous!
    member.previous = last
    member.next = this.#ends
    last.next = this.#ends.previous = member
  }

  toArray(): T[] {
    const members: T[] = []
    for (let at = this.#ends.next!; at !== this.#ends; at = at.next!) members.push(at as T)
    return members
  }
}

/** What can be a member, of one list at a time. */
export class Member {
  previous: Member | undefined = undefined
  next: Member | undefined = undefined

  /** Leaves its list. Once is enough. */
  unlink(): void {
    const { previous, next } = this
    if (previous === undefined || next === undefined) return
    previous.next = next
    next.previous = previous
    // What has left leads to nobody: see above.
    this.previous = this.next = undefined
  }
}
