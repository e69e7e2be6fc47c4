/** Which requests a policy or webhook is for, as far as its rules say so without looking at the object. */

import type { NamedRuleWithOperations, RuleWithOperations } from '../../../kinds/admissionregistration/shared.ts'
import type { Kind } from '../../../schema/kind.ts'
import { folderOf } from '../../storage/keys.ts'

/** What all requests of a sort have in common. */
export interface Situation {
  readonly operation: string
  readonly kind: Kind
  readonly subresource: string
  /** The other versions of the resource, in whatever group. */
  readonly equivalents: readonly Kind[]
}

/** A rule that fits: the version of the resource for which it was written, and the names to which it is limited. */
export interface RuleMatch {
  readonly version: Kind
  /** Empty: all. */
  readonly names: readonly string[]
}

/** The rules that fit a situation, in the order in which they count. */
export function matchRules(
  rules: readonly (RuleWithOperations | NamedRuleWithOperations)[],
  isExact: boolean,
  situation: Situation,
): readonly RuleMatch[] {
  const exact = rules.filter((rule) => fits(rule, situation.kind, situation)).map((rule) => found(rule, situation.kind))
  if (isExact) return exact
  const others = rules.flatMap((rule) =>
    situation.equivalents.filter((version) => fits(rule, version, situation)).map((version) => found(rule, version)),
  )
  return [...exact, ...others]
}

const found = (rule: RuleWithOperations | NamedRuleWithOperations, version: Kind): RuleMatch => ({
  version,
  names: ('resourceNames' in rule ? rule.resourceNames : undefined) ?? [],
})

function fits(rule: RuleWithOperations, version: Kind, { operation, subresource }: Situation): boolean {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope = '*' } = rule
  return (
    (scope === '*' || (scope === 'Namespaced') === version.namespaced) &&
    holds(operations, operation) &&
    holds(apiGroups, version.group) &&
    holds(apiVersions, version.version) &&
    resources.some((resource) => names(resource, version.plural, subresource))
  )
}

const holds = (words: readonly string[], word: string) => words.includes('*') || words.includes(word)

/** `pods` is no sub-resource, `pods/*` is `pods` and all of them, `*` is every resource and no sub-resource. */
function names(text: string, plural: string, subresource: string): boolean {
  const slash = text.indexOf('/')
  const resource = slash < 0 ? text : text.slice(0, slash)
  const part = slash < 0 ? '' : text.slice(slash + 1)
  return (resource === '*' || resource === plural) && (part === '*' || part === subresource)
}

/** The other kinds as which the objects of a kind can be read: what lies in the same place is the same. */
export function equivalentsOf(kind: Kind, kinds: readonly Kind[]): readonly Kind[] {
  const folder = folderOf(kind)
  return kinds.filter((other) => other !== kind && folderOf(other) === folder)
}

const exemptResources: ReadonlySet<string> = new Set([
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'validatingwebhookconfigurations',
])

/** What configures admission is not subject to it, so that nobody can lock himself out. */
export const isExempt = ({ group, plural }: Kind): boolean =>
  group === 'admissionregistration.k8s.io' && exemptResources.has(plural)
