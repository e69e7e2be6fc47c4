/** Puts together what comes in pieces. A long message is copied once, not with each piece of it. */
const headerLength = 5

export class FrameBuffer {
  #pieces: Buffer[] = []
  #length = 0
  /** With less than this there is nothing to be had. */
  #needed = headerLength

  /** All that is there when that may be a whole message; otherwise nothing. Whoever gets it gives back the rest to `keep`. */
  take(piece: Buffer): Buffer {
    this.#pieces.push(piece)
    this.#length += piece.length
    if (this.#length < this.#needed) return nothing
    const data = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces, this.#length)
    this.#pieces = []
    this.#length = 0
    return data
  }

  keep(rest: Buffer): void {
    if (rest.length === 0) {
      if (this.#pieces.length === 0) this.#needed = headerLength
      return
    }
    this.#pieces = [rest]
    this.#length = rest.length
    this.#needed = rest.length < headerLength ? headerLength : headerLength + rest.readUInt32BE(1)
  }
}

const nothing = Buffer.alloc(0)
