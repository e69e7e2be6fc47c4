import type { FlowSchema, FlowSchemaSpec } from '../../kinds/flowcontrol/flow-schema.ts'
import type { UserInfo } from '../context.ts'
import type { RequestInfo } from '../request-info.ts'

/** Whether a request is one of a flow schema. */
export type Matches = (info: RequestInfo, user: UserInfo) => boolean

type Rules = NonNullable<FlowSchemaSpec['rules']>[number]
type Subject = Rules['subjects'][number]
type ResourceRule = NonNullable<Rules['resourceRules']>[number]
type PathRule = NonNullable<Rules['nonResourceRules']>[number]

/** The schemas in the order in which they are tried. */
export function inOrder(schemas: Iterable<FlowSchema>): readonly FlowSchema[] {
  return [...schemas].sort(
    (left, right) =>
      left.spec.matchingPrecedence! - right.spec.matchingPrecedence! ||
      (left.metadata.name! < right.metadata.name! ? -1 : 1),
  )
}

/** Makes of a schema's rules what can be asked about every request. */
export function compile({ rules = [] }: FlowSchemaSpec): Matches {
  const compiled = rules.map(compileRules)
  return (info, user) => {
    for (const matches of compiled) if (matches(info, user)) return true
    return false
  }
}

function compileRules({ subjects, resourceRules = [], nonResourceRules = [] }: Rules): Matches {
  const senders = new Senders(subjects)
  const resources = resourceRules.map(compileResources)
  const paths = nonResourceRules.map(compilePaths)
  return (info, user) => {
    // Schemas differ in whom they are for more than in what they are for.
    if (!senders.include(user)) return false
    for (const matches of info.isResource ? resources : paths) if (matches(info)) return true
    return false
  }
}

/** Everybody of a list of subjects. */
class Senders {
  readonly #users = new Set<string>()
  readonly #groups = new Set<string>()
  /** Beginnings of the names of all service accounts of a namespace. */
  readonly #accounts: string[] = []

  constructor(subjects: readonly Subject[]) {
    for (const subject of subjects) this.#add(subject)
  }

  include({ name, groups }: UserInfo): boolean {
    if (this.#users.size > 0 && (this.#users.has(name) || this.#users.has('*'))) return true
    if (this.#groups.size > 0) {
      if (this.#groups.has('*')) return true
      for (const group of groups) if (this.#groups.has(group)) return true
    }
    for (const beginning of this.#accounts) if (name.startsWith(beginning)) return true
    return false
  }

  #add({ kind, user, group, serviceAccount }: Subject): void {
    if (kind === 'User' && user) this.#users.add(user.name)
    if (kind === 'Group' && group) this.#groups.add(group.name)
    if (kind !== 'ServiceAccount' || !serviceAccount) return
    const beginning = `system:serviceaccount:${serviceAccount.namespace}:`
    if (serviceAccount.name === '*') this.#accounts.push(beginning)
    else this.#users.add(beginning + serviceAccount.name)
  }
}

/** What holds for one of a list of words, or for everything where the list says so. */
function among(words: readonly string[]): (word: string) => boolean {
  if (words.includes('*')) return () => true
  const set = new Set(words)
  return (word) => set.has(word)
}

function compileResources(rule: ResourceRule): (info: RequestInfo) => boolean {
  const verb = among(rule.verbs)
  const group = among(rule.apiGroups)
  const resource = among(rule.resources)
  const namespace = among(rule.namespaces ?? [])
  const isClusterWide = rule.clusterScope ?? false
  return (info) =>
    verb(info.verb) &&
    group(info.group) &&
    resource(info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`) &&
    (info.namespace === '' ? isClusterWide : namespace(info.namespace))
}

function compilePaths(rule: PathRule): (info: RequestInfo) => boolean {
  const verb = among(rule.verbs)
  const exact = among(rule.nonResourceURLs)
  const beginnings = rule.nonResourceURLs.filter((path) => path.endsWith('*')).map((path) => path.replace(/\*+$/, ''))
  return ({ verb: asked, path }) =>
    verb(asked) && (exact(path) || beginnings.some((beginning) => path.startsWith(beginning)))
}
