/** How good a utilization in percent is, from 0 to 10. */
export interface ShapePoint {
  readonly utilization: number
  readonly score: number
}

/** A score from 0 to 100 for every utilization, of points that give scores from 0 to 10 for some. */
export function brokenLine(shape: readonly ShapePoint[]): (utilization: number) => number {
  const points = shape.map(({ utilization, score }) => ({ at: utilization, score: score * 10 }))
  return (utilization: number): number => {
    for (const [index, { at, score }] of points.entries()) {
      if (utilization > at) continue
      const before = points[index - 1]
      if (!before) return score
      return before.score + Math.trunc(((score - before.score) * (utilization - before.at)) / (at - before.at))
    }
    return points.at(-1)?.score ?? 0
  }
}
