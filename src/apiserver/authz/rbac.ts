import type { PolicyRule, RoleRef, Subject } from '../../kinds/rbac/shared.ts'
import type { UserInfo } from '../context.ts'
import type { Attributes, Decision, InstantAuthorizer } from './authz.ts'
import type { ResolvedRules, RuleResolver } from './rules.ts'

/**
 * Role-based access control, as the reference decides it: some binding names the user, one of the user's groups or
 * the user's service account, and some rule of its role covers the request. There is no "no"; what nobody allows is
 * refused. Roles and bindings are indexed by whom they speak of, so a decision looks at the user's own bindings only.
 */
export class RbacAuthorizer implements InstantAuthorizer, RuleResolver {
  /** `namespace/name`, or `/name` for cluster roles. */
  readonly #roles = new Map<string, readonly PolicyRule[]>()
  readonly #bindings = new Map<string, Binding>()
  readonly #bySubject = new Map<string, Set<Binding>>()

  authorize(attributes: Attributes): Decision {
    const missing: Binding[] = []
    for (const { binding, subject, rule } of this.#rulesFor(attributes.user, attributes.namespace, missing)) {
      if (ruleAllows(rule, attributes)) return { allowed: true, reason: reasonOf(binding, subject) }
    }
    return { allowed: false, reason: missing.length === 0 ? '' : `RBAC: ${showMissing(missing)}` }
  }

  /** Every rule that speaks of the user in a namespace; cluster-wide ones only when it is empty. */
  rulesOf(user: UserInfo, namespace: string): PolicyRule[] {
    return [...this.#rulesFor(user, namespace, [])].map(({ rule }) => rule)
  }

  resolveRules(user: UserInfo, namespace: string): ResolvedRules {
    const missing: Binding[] = []
    const rules = [...this.#rulesFor(user, namespace, missing)].map(({ rule }) => rule)
    return { rules, incomplete: false, ...(missing.length > 0 && { error: showMissing(missing) }) }
  }

  /** Bindings whose role is not there are put into `missing`. */
  *#rulesFor(user: UserInfo, namespace: string, missing: Binding[]): Generator<HeldRule> {
    // Cluster-wide bindings come first, as the reference looks at them first: its reasons name the first that fits.
    for (const scope of namespace === '' ? [''] : ['', namespace]) {
      for (const [key, subject] of subjectKeys(user)) {
        for (const binding of this.#bySubject.get(key) ?? []) {
          if (binding.namespace !== scope) continue
          const rules = this.#roles.get(binding.roleKey)
          if (rules === undefined) missing.push(binding)
          else for (const rule of rules) yield { binding, subject, rule }
        }
      }
    }
  }

  setRole(namespace: string, name: string, rules: readonly PolicyRule[]): void {
    this.#roles.set(`${namespace}/${name}`, rules)
  }

  removeRole(namespace: string, name: string): void {
    this.#roles.delete(`${namespace}/${name}`)
  }

  setBinding(namespace: string, name: string, roleRef: RoleRef, subjects: readonly Subject[]): void {
    this.removeBinding(namespace, name)
    const roleNamespace = roleRef.kind === 'Role' ? namespace : ''
    const keys = subjects.map((subject) => subjectKey(subject, namespace))
    const binding: Binding = { namespace, name, roleRef, roleKey: `${roleNamespace}/${roleRef.name}`, keys }
    this.#bindings.set(`${namespace}/${name}`, binding)
    for (const key of keys) {
      const bindings = this.#bySubject.get(key)
      if (bindings) bindings.add(binding)
      else this.#bySubject.set(key, new Set([binding]))
    }
  }

  removeBinding(namespace: string, name: string): void {
    const id = `${namespace}/${name}`
    const binding = this.#bindings.get(id)
    if (!binding) return
    this.#bindings.delete(id)
    for (const key of binding.keys) {
      const bindings = this.#bySubject.get(key)
      bindings?.delete(binding)
      if (bindings?.size === 0) this.#bySubject.delete(key)
    }
  }
}

interface Binding {
  readonly namespace: string
  readonly name: string
  readonly roleRef: RoleRef
  readonly roleKey: string
  readonly keys: readonly string[]
}

interface HeldRule {
  readonly binding: Binding
  readonly subject: string
  readonly rule: PolicyRule
}

/** As the reference lists errors: several in brackets, each once. */
function showMissing(bindings: readonly Binding[]): string {
  const texts = new Set(
    bindings.map(({ roleRef: { kind, name } }) => {
      return `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`
    }),
  )
  return texts.size === 1 ? [...texts][0]! : `[${[...texts].join(', ')}]`
}

const accountPrefix = 'system:serviceaccount:'

function subjectKey(subject: Subject, bindingNamespace: string): string {
  if (subject.kind === 'User') return `u ${subject.name}`
  if (subject.kind === 'Group') return `g ${subject.name}`
  return `u ${accountPrefix}${subject.namespace || bindingNamespace}:${subject.name}`
}

/** The keys under which bindings may speak of a user, each with how the reason calls the subject. */
function* subjectKeys(user: UserInfo): Generator<[key: string, subject: string]> {
  yield [`u ${user.name}`, userSubject(user.name)]
  for (const group of user.groups) yield [`g ${group}`, `Group "${group}"`]
}

function userSubject(name: string): string {
  if (!name.startsWith(accountPrefix)) return `User "${name}"`
  const [namespace, account] = name.slice(accountPrefix.length).split(':')
  return `ServiceAccount "${account}/${namespace}"`
}

function reasonOf(binding: Binding, subject: string): string {
  const role = `of ${binding.roleRef.kind} "${binding.roleRef.name}" to ${subject}`
  return binding.namespace === ''
    ? `RBAC: allowed by ClusterRoleBinding "${binding.name}" ${role}`
    : `RBAC: allowed by RoleBinding "${binding.name}/${binding.namespace}" ${role}`
}

/** Whether one rule covers a request. */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!includes(rule.verbs, attributes.verb)) return false
  if (!attributes.isResource) return rule.nonResourceURLs?.some((url) => pathMatches(url, attributes.path)) ?? false
  return (
    includes(rule.apiGroups, attributes.apiGroup) &&
    resourceMatches(rule.resources, attributes.resource, attributes.subresource) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(attributes.name))
  )
}

const includes = (list: readonly string[] | undefined | null, word: string) =>
  list?.includes(word) || list?.includes('*') || false

/** `pods`, `pods/log`, `*` for everything, and `*\/scale` for a sub-resource of whatever. */
function resourceMatches(list: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (!list) return false
  const asked = subresource === '' ? resource : `${resource}/${subresource}`
  return list.some((entry) => entry === '*' || entry === asked || (subresource !== '' && entry === `*/${subresource}`))
}

const pathMatches = (pattern: string, path: string) =>
  pattern === path || pattern === '*' || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)))
