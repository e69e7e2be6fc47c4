import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import { goValue } from '../go-value.ts'
import { invalidAll } from '../rules.ts'
import {
  FlowDistinguisherMethod,
  type FlowSchema,
  type NonResourcePolicyRule,
  type PolicyRulesWithSubjects,
  type ResourcePolicyRule,
  type Subject,
} from './flow-schema.ts'
import type { LimitedPriorityLevelConfiguration, PriorityLevelConfiguration } from './priority-level-configuration.ts'

const maxPrecedence = 10_000

export function validateFlowSchema({ spec }: FlowSchema, errors: FieldErrors): void {
  const { matchingPrecedence, distinguisherMethod, priorityLevelConfiguration, rules = [] } = spec
  if (matchingPrecedence <= 0) {
    errors.invalid('spec.matchingPrecedence', matchingPrecedence, 'must be a positive value')
  }
  if (matchingPrecedence > maxPrecedence) {
    errors.invalid('spec.matchingPrecedence', matchingPrecedence, `must not be greater than ${maxPrecedence}`)
  }
  const methods = ['ByNamespace', 'ByUser']
  if (distinguisherMethod !== undefined && !methods.includes(distinguisherMethod.type)) {
    const shown = goValue(FlowDistinguisherMethod, distinguisherMethod)
    errors.notSupported('spec.distinguisherMethod.type', shown, methods)
  }
  const { name } = priorityLevelConfiguration
  const path = 'spec.priorityLevelConfiguration.name'
  if (!name) errors.required(path, 'must reference a priority level')
  else invalidAll(path, name, dnsSubdomainFaults(name), errors)
  for (const [index, rule] of rules.entries()) validateRule(`spec.rules[${index}]`, rule, errors)
}

function validateRule(path: string, rule: PolicyRulesWithSubjects, errors: FieldErrors): void {
  const { subjects, resourceRules = [], nonResourceRules = [] } = rule
  if (!subjects?.length) errors.required(`${path}.subjects`, 'subjects must contain at least one value')
  for (const [index, subject] of (subjects ?? []).entries()) {
    validateSubject(`${path}.subjects[${index}]`, subject, errors)
  }
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty')
  }
  for (const [index, entry] of resourceRules.entries()) {
    validateResourceRule(`${path}.resourceRules[${index}]`, entry, errors)
  }
  for (const [index, entry] of nonResourceRules.entries()) {
    validateNonResourceRule(`${path}.nonResourceRules[${index}]`, entry, errors)
  }
}

function validateSubject(path: string, { kind, user, group, serviceAccount }: Subject, errors: FieldErrors): void {
  const fields = { user, group, serviceAccount }
  const needed = ({ User: 'user', Group: 'group', ServiceAccount: 'serviceAccount' } as const)[kind]
  if (needed === undefined) {
    errors.notSupported(`${path}.kind`, kind, ['Group', 'ServiceAccount', 'User'])
    return
  }
  const value = fields[needed]
  if (value === undefined) errors.required(`${path}.${needed}`, `${needed} is required when subject kind is '${kind}'`)
  else if (!value.name) errors.required(`${path}.${needed}.name`)
  for (const field of ['user', 'group', 'serviceAccount'] as const) {
    if (field !== needed && fields[field] !== undefined) {
      errors.forbidden(`${path}.${field}`, `${field} is forbidden when subject kind is not '${kind}'`)
    }
  }
}

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']

function validateResourceRule(path: string, rule: ResourcePolicyRule, errors: FieldErrors): void {
  const { apiGroups, resources, namespaces = [], clusterScope } = rule
  validateVerbs(`${path}.verbs`, rule.verbs ?? [], verbs, errors)
  validateList(`${path}.apiGroups`, apiGroups ?? [], 'resource rules must supply at least one api group', errors)
  validateList(`${path}.resources`, resources ?? [], 'resource rules must supply at least one resource', errors)
  if (namespaces.length === 0 && !clusterScope) {
    const detail = 'resource rules that are not cluster scoped must supply at least one namespace'
    errors.required(`${path}.namespaces`, detail)
  } else if (namespaces.length > 1 && namespaces.includes('*')) {
    errors.invalid(`${path}.namespaces`, namespaces, "if '*' is present, must not specify other namespaces")
  }
}

function validateVerbs(path: string, given: readonly string[], known: readonly string[], errors: FieldErrors): void {
  if (given.length === 0) errors.required(path, 'verbs must contain at least one value')
  else if (given.includes('*')) {
    if (given.length > 1) errors.invalid(path, given, "if '*' is present, must not specify other verbs")
  } else if (!given.every((verb) => known.includes(verb))) {
    errors.notSupported(path, given, known)
  }
}

function validateList(path: string, values: readonly string[], whenEmpty: string, errors: FieldErrors): void {
  if (values.length === 0) errors.required(path, whenEmpty)
  else if (values.length > 1 && values.includes('*')) {
    const what = path.endsWith('apiGroups') ? 'api groups' : 'resources'
    errors.invalid(path, values, `if '*' is present, must not specify other ${what}`)
  }
}

function validateNonResourceRule(
  path: string,
  { verbs: given, nonResourceURLs }: NonResourcePolicyRule,
  errors: FieldErrors,
): void {
  const methods = ['connect', 'delete', 'get', 'head', 'options', 'patch', 'post', 'put', 'trace']
  validateVerbs(`${path}.verbs`, given ?? [], methods, errors)
  if (!nonResourceURLs?.length) {
    errors.required(`${path}.nonResourceURLs`, 'nonResourceURLs must contain at least one value')
  }
}

export function validatePriorityLevel({ metadata, spec }: PriorityLevelConfiguration, errors: FieldErrors): void {
  const { type, limited, exempt } = spec
  if (type !== 'Exempt' && type !== 'Limited') {
    errors.notSupported('spec.type', type, ['Exempt', 'Limited'])
    return
  }
  if ((metadata.name === 'exempt') !== (type === 'Exempt')) {
    errors.invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'")
  }
  if (type === 'Exempt') {
    if (limited !== undefined) errors.forbidden('spec.limited', 'must be nil if the type is not Limited')
    return
  }
  if (exempt !== undefined) errors.forbidden('spec.exempt', 'must be nil if the type is Limited')
  if (limited === undefined) errors.required('spec.limited', 'must not be empty when type is Limited')
  else validateLimited('spec.limited', limited, errors)
}

function validateLimited(path: string, limited: LimitedPriorityLevelConfiguration, errors: FieldErrors): void {
  const { nominalConcurrencyShares = 0, lendablePercent = 0, borrowingLimitPercent, limitResponse } = limited
  if (nominalConcurrencyShares < 0) {
    errors.invalid(`${path}.nominalConcurrencyShares`, nominalConcurrencyShares, 'must be a non-negative integer')
  }
  validateLimitResponse(`${path}.limitResponse`, limitResponse, errors)
  if (lendablePercent < 0 || lendablePercent > 100) {
    errors.invalid(`${path}.lendablePercent`, lendablePercent, 'must be between 0 and 100, inclusive')
  }
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) {
    const detail = 'if specified, must be a non-negative integer'
    errors.invalid(`${path}.borrowingLimitPercent`, borrowingLimitPercent, detail)
  }
}

function validateLimitResponse(
  path: string,
  { type, queuing }: LimitedPriorityLevelConfiguration['limitResponse'],
  errors: FieldErrors,
): void {
  if (type === 'Reject') {
    if (queuing !== undefined)
      errors.forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')
  } else if (type !== 'Queue') {
    errors.notSupported(`${path}.type`, type, ['Queue', 'Reject'])
  } else if (queuing === undefined) {
    errors.required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')
  } else {
    const { queues, handSize, queueLengthLimit } = queuing
    const where = `${path}.queuing`
    if (queueLengthLimit <= 0) errors.invalid(`${where}.queueLengthLimit`, queueLengthLimit, 'must be positive')
    if (queues <= 0) errors.invalid(`${where}.queues`, queues, 'must be positive')
    if (handSize <= 0) errors.invalid(`${where}.handSize`, handSize, 'must be positive')
    if (handSize > queues) {
      errors.invalid(`${where}.handSize`, handSize, `should not be greater than queues (${queues})`)
    }
  }
}
