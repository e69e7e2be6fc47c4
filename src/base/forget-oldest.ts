/**
 * Keeps a memory at `atMost` entries or up to a quarter more, and forgets those first that were put first. It forgets
 * many at a time: to find its first entry, a map passes all the gaps that those before it have left.
 */
export function forgetOldest(memory: Map<unknown, unknown>, atMost: number): void {
  if (memory.size <= atMost * 1.25) return
  for (const key of memory.keys()) {
    memory.delete(key)
    if (memory.size <= atMost) return
  }
}
