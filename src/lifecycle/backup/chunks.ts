/** Pieces of one size, whatever size they come in; the last may be shorter. Whoever sends them may use theirs again. */
export async function* chunksOf(pieces: AsyncIterable<Uint8Array>, chunkBytes: number): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const piece of pieces) {
    let rest = piece
    while (length + rest.length >= chunkBytes) {
      const taken = chunkBytes - length
      yield Buffer.concat([...parts, rest.subarray(0, taken)])
      rest = rest.subarray(taken)
      parts = []
      length = 0
    }
    if (rest.length > 0) parts.push(Uint8Array.from(rest))
    length += rest.length
  }
  if (length > 0) yield Buffer.concat(parts)
}
