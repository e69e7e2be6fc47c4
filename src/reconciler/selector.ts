import type { LabelSelector } from '../kinds/meta/label-selector.ts'
import { type Labels, toLabelSelector } from '../schema/selectors.ts'

export type { Labels }
export type Matcher = (labels: Labels | undefined) => boolean

const matchers = new WeakMap<object, Matcher>()
const nothing: Matcher = () => false

/**
 * A selector as a function, made once per (frozen) selector. An absent one selects nothing, an empty one everything;
 * one that is not valid, which only an older server can have let in, nothing.
 */
export function matcherOf(selector: LabelSelector | undefined): Matcher {
  return selector === undefined ? nothing : remembered(selector, () => toLabelSelector(selector).matches)
}

/** The older form: a map of labels. An absent or empty one selects nothing. */
export function mapMatcherOf(selector: Labels | undefined): Matcher {
  if (selector === undefined || Object.keys(selector).length === 0) return nothing
  return remembered(selector, () => toLabelSelector({ matchLabels: selector }).matches)
}

/** Whether a selector selects every object. */
export function selectsAll({ matchLabels, matchExpressions }: LabelSelector): boolean {
  return Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions ?? []).length === 0
}

function remembered(selector: object, compile: () => Matcher): Matcher {
  const present = matchers.get(selector)
  if (present !== undefined) return present
  const matcher = compileOrNothing(compile)
  matchers.set(selector, matcher)
  return matcher
}

function compileOrNothing(compile: () => Matcher): Matcher {
  try {
    return compile()
  } catch {
    return nothing
  }
}
