/** Sets of indexes as jobs write them: `1,3-5,7`. */

/** How many indexes the text names, or what is wrong with it; `completions` is the number of indexes there are. */
export function intervalsFault(text: string, completions: number): number | string {
  if (text === '') return 0
  let total = 0
  let last = -1
  for (const interval of text.split(',')) {
    const limits = interval.split('-')
    if (limits.length > 2)
      return `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`
    const indexes = limits.map(Number)
    for (const [number, limit] of limits.entries()) {
      if (!/^\d+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`
      if ((indexes[number] as number) >= completions) return `too large index: ${JSON.stringify(limit)}`
    }
    const [first = 0, end = first] = indexes
    if (last >= first) return `non-increasing order, previous: ${last}, current: ${first}`
    if (limits.length === 2 && first >= end) return `non-increasing order, previous: ${first}, current: ${end}`
    total += end - first + 1
    last = end
  }
  return total
}
