/** Least and most of something that is not known exactly: sizes and costs. */
export interface Range {
  readonly min: number
  readonly max: number
}

export const unknownSize: Range = { min: 0, max: Number.POSITIVE_INFINITY }
export const nothing: Range = { min: 0, max: 0 }

export const exactly = (value: number): Range => ({ min: value, max: value })

export const plus = (...ranges: readonly Range[]): Range => ({
  min: ranges.reduce((sum, { min }) => sum + min, 0),
  max: ranges.reduce((sum, { max }) => sum + max, 0),
})

/** Nothing times whatever is nothing. */
const product = (left: number, right: number) => (left === 0 || right === 0 ? 0 : left * right)

export const times = (left: Range, right: Range): Range => ({
  min: product(left.min, right.min),
  max: product(left.max, right.max),
})

/** Rounded up, as costs are. */
export const scaled = ({ min, max }: Range, factor: number): Range => ({
  min: Math.ceil(min * factor),
  max: Math.ceil(max * factor),
})

export const union = (left: Range, right: Range): Range => ({
  min: Math.min(left.min, right.min),
  max: Math.max(left.max, right.max),
})
