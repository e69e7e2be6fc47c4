import { parseDocument } from 'yaml'
import type { UserInfo } from '../context.ts'
import type { RequestInfo } from '../request-info.ts'

/** How much of a request is written down, each level with what the ones before it have. */
export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
export type Level = (typeof levels)[number]

/** When it is written down. A request that lasts (a watch) has a start of its own. */
export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const
export type Stage = (typeof stages)[number]

/** An `audit.k8s.io/v1` Policy: the first rule that fits decides. */
export interface AuditPolicy {
  readonly rules: readonly AuditRule[]
  readonly omitStages?: readonly Stage[]
  readonly omitManagedFields?: boolean
}

export interface AuditRule {
  readonly level: Level
  readonly users?: readonly string[]
  readonly userGroups?: readonly string[]
  readonly verbs?: readonly string[]
  readonly resources?: readonly GroupResources[]
  readonly namespaces?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
  readonly omitStages?: readonly Stage[]
  readonly omitManagedFields?: boolean
}

export interface GroupResources {
  readonly group?: string
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
}

/** What is done with one request. */
export interface AuditDecision {
  readonly level: Level
  readonly omitStages: ReadonlySet<Stage>
  readonly omitManagedFields: boolean
}

/** A policy that cannot be used; the message says where it is wrong. */
export class AuditPolicyError extends Error {}

const nothing: AuditDecision = { level: 'None', omitStages: new Set(), omitManagedFields: false }

/** What the policy says about a request of `user`. What no rule fits is not written down. */
export function decide(policy: AuditPolicy, user: UserInfo | undefined, info: RequestInfo): AuditDecision {
  const rule = policy.rules.find((rule) => fits(rule, user, info))
  if (rule === undefined || rule.level === 'None') return nothing
  return {
    level: rule.level,
    omitStages: new Set([...(policy.omitStages ?? []), ...(rule.omitStages ?? [])]),
    omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields ?? false,
  }
}

function fits(rule: AuditRule, user: UserInfo | undefined, info: RequestInfo): boolean {
  if (rule.users?.length && (user === undefined || !rule.users.includes(user.name))) return false
  if (rule.userGroups?.length && !user?.groups.some((group) => rule.userGroups!.includes(group))) return false
  if (rule.verbs?.length && !rule.verbs.includes(info.verb)) return false
  const isAboutResources = Boolean(rule.namespaces?.length || rule.resources?.length)
  if (isAboutResources) return info.isResource && fitsResource(rule, info)
  if (rule.nonResourceURLs?.length)
    return !info.isResource && rule.nonResourceURLs.some((url) => fitsUrl(url, info.path))
  return true
}

function fitsUrl(url: string, path: string): boolean {
  if (url === '*' || url === path) return true
  return url.endsWith('*') && path.startsWith(url.slice(0, -1))
}

function fitsResource({ namespaces = [], resources = [] }: AuditRule, info: RequestInfo): boolean {
  if (namespaces.length > 0 && !namespaces.includes(info.namespace)) return false
  if (resources.length === 0) return true
  const full = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`
  return resources.some(({ group = '', resources: names = [], resourceNames = [] }) => {
    if (group !== info.group) return false
    if (names.length === 0) return true
    if (resourceNames.length > 0 && !resourceNames.includes(info.name)) return false
    return names.some((name) => isNamed(name, full, info))
  })
}

// `pods` is pods alone, `pods/log` that sub-resource, `pods/*` all of its, `*/scale` that of all, `*` everything.
function isNamed(name: string, full: string, { resource, subresource }: RequestInfo): boolean {
  if (name === '*' || name === full) return true
  if (subresource !== '' && name === `*/${subresource}`) return true
  return name.endsWith('/*') && name.slice(0, -2) === resource
}

/** Reads a policy file. Throws `AuditPolicyError` in the reference's words. */
export function readAuditPolicy(text: string): AuditPolicy {
  const value = parsed(text)
  const { apiVersion, kind } = value
  if (apiVersion !== 'audit.k8s.io/v1' || kind !== 'Policy') {
    throw new AuditPolicyError(
      `unknown group version field ${JSON.stringify(apiVersion ?? '')} in policy; use audit.k8s.io/v1 and kind Policy`,
    )
  }
  const faults = policyFaults(value as unknown as AuditPolicy)
  if (faults.length > 0) throw new AuditPolicyError(faults.join('; '))
  const policy = value as unknown as AuditPolicy
  if ((policy.rules ?? []).length === 0) throw new AuditPolicyError('loaded illegal policy with 0 rules')
  return policy
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  const document = parseDocument(text)
  const [error] = document.errors
  if (error) throw new AuditPolicyError(`failed decoding: ${error.message.split('\n')[0]}`)
  const value: unknown = document.toJS()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AuditPolicyError('failed decoding: it holds no Policy')
  }
  return value as Readonly<Record<string, unknown>>
}

const policyFields = ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields']
const ruleFields: readonly (keyof AuditRule)[] = [
  'level',
  'users',
  'userGroups',
  'verbs',
  'resources',
  'namespaces',
  'nonResourceURLs',
  'omitStages',
  'omitManagedFields',
]

function policyFaults(policy: AuditPolicy): string[] {
  const unknown = Object.keys(policy).filter((field) => !policyFields.includes(field))
  return [
    ...unknown.map((field) => `strict decoding error: unknown field ${JSON.stringify(field)}`),
    ...stageFaults('omitStages', policy.omitStages),
    ...(policy.rules ?? []).flatMap((rule, index) => ruleFaults(`rules[${index}]`, rule)),
  ]
}

function ruleFaults(path: string, rule: AuditRule): string[] {
  const faults = Object.keys(rule)
    .filter((field) => !ruleFields.includes(field as keyof AuditRule))
    .map((field) => `strict decoding error: unknown field ${JSON.stringify(`${path}.${field}`)}`)
  if (rule.level === undefined) faults.push(`${path}.level: Required value`)
  else if (!levels.includes(rule.level)) faults.push(unsupported(`${path}.level`, rule.level, levels))
  const isAboutResources = Boolean(rule.resources?.length || rule.namespaces?.length)
  if (rule.nonResourceURLs?.length) {
    if (isAboutResources) {
      faults.push(
        `${path}.nonResourceURLs: Invalid value: ${goList(rule.nonResourceURLs)}: rules cannot apply to both regular resources and non-resource URLs`,
      )
    }
    for (const [index, url] of rule.nonResourceURLs.entries())
      faults.push(...urlFaults(`${path}.nonResourceURLs[${index}]`, url))
  }
  for (const [index, { group = '', resources = [], resourceNames = [] }] of (rule.resources ?? []).entries()) {
    const at = `${path}.resources[${index}]`
    if (group.includes('/'))
      faults.push(`${at}.group: Invalid value: ${JSON.stringify(group)}: group can not contain /`)
    if (resourceNames.length > 0 && resources.length === 0) {
      faults.push(
        `${at}.resourceNames: Invalid value: ${goList(resourceNames)}: using resourceNames requires at least one resource`,
      )
    }
  }
  return [...faults, ...stageFaults(`${path}.omitStages`, rule.omitStages)]
}

function urlFaults(path: string, url: string): string[] {
  if (url === '*') return []
  const faults: string[] = []
  if (!url.startsWith('/')) {
    faults.push(
      `${path}: Invalid value: ${JSON.stringify(url)}: non-resource URL rules must begin with a '/' character`,
    )
  }
  if (url.slice(0, -1).includes('*')) {
    faults.push(
      `${path}: Invalid value: ${JSON.stringify(url)}: non-resource URL wildcards '*' must be the final character of the rule`,
    )
  }
  return faults
}

const stageFaults = (path: string, given: readonly Stage[] = []): string[] =>
  given.flatMap((stage, index) => (stages.includes(stage) ? [] : [unsupported(`${path}[${index}]`, stage, stages)]))

const unsupported = (path: string, value: string, allowed: readonly string[]) =>
  `${path}: Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed.map((each) => JSON.stringify(each)).join(', ')}`

const goList = (items: readonly string[]) => `[${items.map((item) => JSON.stringify(item)).join(',')}]`
