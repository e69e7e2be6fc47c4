/** Gives what `make` gives when it is asked for the first time, and the same from then on. Until then nothing is made. */
export function once<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
