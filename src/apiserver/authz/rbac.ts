import type { PolicyRule, RoleRef, Subject } from '../../kinds/rbac/shared.ts'
import type { UserInfo } from '../context.ts'
import { type Attributes, type Decision, type InstantAuthorizer, noOpinion } from './authz.ts'
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
  readonly #ofUser: BySubject = new Map()
  readonly #ofGroup: BySubject = new Map()

  authorize(attributes: Attributes): Decision {
    const { user, namespace } = attributes
    const missing: Binding[] = []
    const found = this.#find(user, namespace, missing, (rule) => ruleAllows(rule, attributes))
    if (found) return new Allowed(found.binding, user, found.group)
    return missing.length === 0 ? noOpinion() : noOpinion(`RBAC: ${showMissing(missing)}`)
  }

  /** Every rule that speaks of the user in a namespace; cluster-wide ones only when it is empty. */
  rulesOf(user: UserInfo, namespace: string): readonly PolicyRule[] {
    return this.resolveRules(user, namespace).rules
  }

  resolveRules(user: UserInfo, namespace: string): ResolvedRules {
    const missing: Binding[] = []
    const rules: PolicyRule[] = []
    this.#find(user, namespace, missing, (rule) => {
      rules.push(rule)
      return false
    })
    return { rules, incomplete: false, ...(missing.length > 0 && { error: showMissing(missing) }) }
  }

  /**
   * The first rule that speaks of the user and is what is wanted; with the group that it came by, if it did. Bindings
   * whose role is not there are put into `missing`. Cluster-wide bindings come first, as the reference looks at them
   * first: its reasons name the first that fits.
   */
  #find(
    { name, groups }: UserInfo,
    namespace: string,
    missing: Binding[],
    isWanted: (rule: PolicyRule) => boolean,
  ): { readonly binding: Binding; readonly group: string | undefined } | undefined {
    for (let scope = ''; ; scope = namespace) {
      const binding = this.#search(this.#ofUser.get(name)?.get(scope), missing, isWanted)
      if (binding) return { binding, group: undefined }
      for (const group of groups) {
        const binding = this.#search(this.#ofGroup.get(group)?.get(scope), missing, isWanted)
        if (binding) return { binding, group }
      }
      if (scope === namespace) return undefined
    }
  }

  #search(
    bindings: ReadonlySet<Binding> | undefined,
    missing: Binding[],
    isWanted: (rule: PolicyRule) => boolean,
  ): Binding | undefined {
    if (bindings === undefined) return undefined
    for (const binding of bindings) {
      const rules = this.#roles.get(binding.roleKey)
      if (rules === undefined) missing.push(binding)
      else for (const rule of rules) if (isWanted(rule)) return binding
    }
    return undefined
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
    const binding: Binding = { namespace, name, roleRef, roleKey: `${roleNamespace}/${roleRef.name}`, subjects }
    this.#bindings.set(`${namespace}/${name}`, binding)
    for (const subject of subjects) {
      const ofAll = this.#indexOf(subject)
      const key = nameOf(subject, namespace)
      const scopes = ofAll.get(key) ?? new Map<string, Set<Binding>>()
      ofAll.set(key, scopes)
      const bindings = scopes.get(namespace)
      if (bindings) bindings.add(binding)
      else scopes.set(namespace, new Set([binding]))
    }
  }

  removeBinding(namespace: string, name: string): void {
    const id = `${namespace}/${name}`
    const binding = this.#bindings.get(id)
    if (!binding) return
    this.#bindings.delete(id)
    for (const subject of binding.subjects) {
      const ofAll = this.#indexOf(subject)
      const key = nameOf(subject, namespace)
      const scopes = ofAll.get(key)
      const bindings = scopes?.get(namespace)
      bindings?.delete(binding)
      if (bindings?.size === 0) scopes?.delete(namespace)
      if (scopes?.size === 0) ofAll.delete(key)
    }
  }

  #indexOf({ kind }: Subject): BySubject {
    return kind === 'Group' ? this.#ofGroup : this.#ofUser
  }
}

/** Why, is put into words when somebody wants to know: an audit log, a review. */
class Allowed implements Decision {
  readonly allowed = true
  readonly #binding: Binding
  readonly #user: UserInfo
  readonly #group: string | undefined

  constructor(binding: Binding, user: UserInfo, group: string | undefined) {
    this.#binding = binding
    this.#user = user
    this.#group = group
  }

  get reason(): string {
    return reasonOf(this.#binding, subjectOf(this.#user, this.#group))
  }
}

/** Bindings by the name of a subject and by namespace; those of the whole cluster under the empty one. */
type BySubject = Map<string, Map<string, Set<Binding>>>

interface Binding {
  readonly namespace: string
  readonly name: string
  readonly roleRef: RoleRef
  readonly roleKey: string
  readonly subjects: readonly Subject[]
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

/** Service accounts are users with a name of their own form. */
function nameOf({ kind, namespace, name }: Subject, bindingNamespace: string): string {
  return kind === 'ServiceAccount' ? `${accountPrefix}${namespace || bindingNamespace}:${name}` : name
}

/** How the reason calls whom a binding speaks of. */
const subjectOf = ({ name }: UserInfo, group: string | undefined): string =>
  group === undefined ? userSubject(name) : `Group "${group}"`

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
