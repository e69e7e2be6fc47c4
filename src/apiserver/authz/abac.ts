import type { UserInfo } from '../context.ts'
import { type Attributes, type Decision, type InstantAuthorizer, noOpinion } from './authz.ts'
import type { ResolvedRules, RuleResolver } from './rules.ts'

/** A policy file that cannot be used. */
export class PolicyFileError extends Error {}

/** What a line of the policy file allows. Empty says nothing, `*` anything. */
export interface Policy {
  readonly user: string
  readonly group: string
  readonly namespace: string
  readonly resource: string
  readonly apiGroup: string
  readonly nonResourcePath: string
  readonly readonly: boolean
}

/**
 * Reads `--authorization-policy-file`: an object of JSON a line, of `abac.authorization.kubernetes.io/v1beta1`, or of the
 * time before there were versions. Throws `PolicyFileError`.
 */
export function readPolicies(text: string, path: string): readonly Policy[] {
  return text.split('\n').flatMap((line, index) => {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) return []
    try {
      return [policyOf(JSON.parse(line))]
    } catch (error) {
      const why = (error as Error).message
      throw new PolicyFileError(`error reading policy file ${path}, line ${index + 1}: ${line}: ${why}`)
    }
  })
}

type Json = Readonly<Record<string, unknown>>

const group = 'abac.authorization.kubernetes.io'
const authenticated = 'system:authenticated'

function policyOf(value: Json): Policy {
  const { apiVersion, kind, spec, ...fields } = value
  if (apiVersion === undefined || kind === undefined || apiVersion === `${group}/v0`) return unversioned(fields)
  if (apiVersion !== `${group}/v1beta1` || kind !== 'Policy')
    throw new Error(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`)
  return ofEverybody(readSpec((spec ?? {}) as Json))
}

function readSpec(spec: Json): Policy {
  const text = (name: keyof Policy): string => {
    const value = spec[name] ?? ''
    if (typeof value !== 'string')
      throw new Error(`json: cannot unmarshal ${typeof value} into field ${name} of type string`)
    return value
  }
  return {
    user: text('user'),
    group: text('group'),
    namespace: text('namespace'),
    resource: text('resource'),
    apiGroup: text('apiGroup'),
    nonResourcePath: text('nonResourcePath'),
    readonly: spec['readonly'] === true,
  }
}

/** Before there were versions, what was left out was allowed. */
function unversioned(fields: Json): Policy {
  const policy = ofEverybody(readSpec(fields))
  const { user, namespace, resource } = policy
  return {
    ...policy,
    group: user === '' && policy.group === '' ? authenticated : policy.group,
    namespace: namespace || '*',
    resource: resource || '*',
    apiGroup: '*',
    nonResourcePath: namespace === '' && resource === '' ? '*' : '',
  }
}

/** Everybody is everybody whom the server knows. */
const ofEverybody = (policy: Policy): Policy =>
  policy.user === '*' || policy.group === '*' ? { ...policy, user: '', group: authenticated } : policy

/** `--authorization-mode=ABAC`: a list of policies that the server was started with. */
export class AbacAuthorizer implements InstantAuthorizer, RuleResolver {
  readonly #policies: readonly Policy[]

  constructor(policies: readonly Policy[]) {
    this.#policies = policies
  }

  authorize(attributes: Attributes): Decision {
    if (this.#policies.some((policy) => allows(policy, attributes))) return { allowed: true, reason: '' }
    return noOpinion('No policy matched.')
  }

  resolveRules(user: UserInfo, namespace: string): ResolvedRules {
    const own = this.#policies.filter((policy) => isAbout(policy, user) && fits(policy.namespace, namespace))
    const rules = own.flatMap(({ resource, apiGroup, nonResourcePath, readonly }) => {
      const verbs = readonly ? readVerbs : ['*']
      return [
        ...(resource === '' ? [] : [{ verbs, apiGroups: [apiGroup], resources: [resource] }]),
        ...(nonResourcePath === '' ? [] : [{ verbs, nonResourceURLs: [nonResourcePath] }]),
      ]
    })
    return { rules, incomplete: false }
  }
}

const readVerbs = ['get', 'list', 'watch']

const fits = (said: string, asked: string) => said === '*' || said === asked

function allows(policy: Policy, { user, verb, isResource, ...asked }: Attributes): boolean {
  if (!isAbout(policy, user) || (policy.readonly && !readVerbs.includes(verb))) return false
  if (!isResource) return fitsPath(policy.nonResourcePath, asked.path)
  const { namespace, resource, apiGroup } = policy
  return fits(namespace, asked.namespace) && fits(resource, asked.resource) && fits(apiGroup, asked.apiGroup)
}

/** Who says both must be both. */
function isAbout({ user, group }: Policy, asking: UserInfo): boolean {
  if (user === '' && group === '') return false
  return (user === '' || user === asking.name) && (group === '' || asking.groups.includes(group))
}

const fitsPath = (said: string, path: string) =>
  said === path || (said.endsWith('*') && path.startsWith(said.replace(/\*+$/, '')))
