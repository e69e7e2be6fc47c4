/** Questions to the authorizer: `authorizer.group('apps').resource('deployments').check('create').allowed()`. */
import { type Library, member } from '../declarations.ts'
import { Failure } from '../failure.ts'
import { bool, opaqueType, string } from '../types.ts'
import { Opaque } from '../values.ts'
import { dns1123Label, dns1123Subdomain } from './names.ts'

/** Who decides; the API server hands it in. Evaluation does not wait, so the answer must be there at once. */
export interface Authorizer {
  authorize(attributes: AuthorizerAttributes): AuthorizerDecision
}

/** One question. A path has only a verb besides. */
export interface AuthorizerAttributes {
  readonly verb: string
  /** Of requests that are not for a resource. */
  readonly path?: string
  readonly group?: string
  readonly resource?: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  readonly fieldSelector?: string
  readonly labelSelector?: string
  /** The service account to ask for instead of the user of the request. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string }
}

export interface AuthorizerDecision {
  readonly allowed: boolean
  readonly reason?: string
  readonly error?: string
}

const prefix = 'kubernetes.authorization.'

/** The type of the variable `authorizer`. */
export const authorizerType = opaqueType(`${prefix}Authorizer`)
/** The type of the variable `authorizer.requestResource`. */
export const requestResourceType = opaqueType(`${prefix}ResourceCheck`)
const pathCheckType = opaqueType(`${prefix}PathCheck`)
const groupCheckType = opaqueType(`${prefix}GroupCheck`)
const decisionType = opaqueType(`${prefix}Decision`)

type Question = Omit<AuthorizerAttributes, 'verb'>

/** An authorizer or a question that is being put together. */
class Check extends Opaque {
  readonly typeName: string
  readonly authorizer: Authorizer
  readonly question: Question

  constructor(typeName: string, authorizer: Authorizer, question: Question) {
    super()
    this.typeName = typeName
    this.authorizer = authorizer
    this.question = question
  }

  with(typeName: string, more: Question): Check {
    return new Check(typeName, this.authorizer, { ...this.question, ...more })
  }
}

class Decision extends Opaque {
  readonly typeName = decisionType.name
  readonly decision: AuthorizerDecision

  constructor(decision: AuthorizerDecision) {
    super()
    this.decision = decision
  }
}

/**
 * The value of the variable `authorizer`, and that of `authorizer.requestResource` when `request` is given.
 *
 * ```ts
 * program.evaluate({ authorizer: createAuthorizer(authorizer) })
 * ```
 */
export function createAuthorizer(authorizer: Authorizer, request?: Omit<Question, 'path' | 'serviceAccount'>): Opaque {
  if (!request) return new Check(authorizerType.name, authorizer, {})
  return new Check(requestResourceType.name, authorizer, request)
}

function required(text: string, what: string): string {
  if (text.trim() === '') throw new Failure(`${what} must not be empty`)
  return text
}

function ask(check: Check, verb: string): Decision {
  return new Decision(check.authorizer.authorize({ ...check.question, verb }))
}

/** A function that adds something to a question about a resource. */
const refinement = (name: string, refine: (value: string) => Question) =>
  member(`resourcecheck_${name}`, [requestResourceType, string], requestResourceType, (check: Check, value: string) =>
    check.with(requestResourceType.name, refine(value)),
  )

export const authorizerLibrary: Library = {
  types: Object.fromEntries(
    [authorizerType, pathCheckType, groupCheckType, requestResourceType, decisionType].map((type) => [type.name, type]),
  ),
  functions: {
    path: [
      member('authorizer_path', [authorizerType, string], pathCheckType, (check: Check, path: string) =>
        check.with(pathCheckType.name, { path: required(path, 'path') }),
      ),
    ],
    group: [
      member('authorizer_group', [authorizerType, string], groupCheckType, (check: Check, group: string) =>
        check.with(groupCheckType.name, { group }),
      ),
    ],
    serviceAccount: [
      member('authorizer_serviceaccount', [authorizerType, string, string], authorizerType, forServiceAccount),
    ],
    resource: [
      member('groupcheck_resource', [groupCheckType, string], requestResourceType, (check: Check, resource: string) =>
        check.with(requestResourceType.name, { resource: required(resource, 'resource') }),
      ),
    ],
    subresource: [refinement('subresource', (subresource) => ({ subresource }))],
    namespace: [refinement('namespace', (namespace) => ({ namespace }))],
    name: [refinement('name', (name) => ({ name }))],
    check: [
      member('pathcheck_check', [pathCheckType, string], decisionType, ask),
      member('resourcecheck_check', [requestResourceType, string], decisionType, ask),
    ],
    allowed: [member('decision_allowed', [decisionType], bool, ({ decision }: Decision) => decision.allowed)],
    reason: [member('decision_reason', [decisionType], string, ({ decision }: Decision) => decision.reason ?? '')],
    errored: [
      member('decision_errored', [decisionType], bool, ({ decision }: Decision) => decision.error !== undefined),
    ],
    error: [member('decision_error', [decisionType], string, ({ decision }: Decision) => decision.error ?? '')],
  },
}

export const authorizerSelectorLibrary: Library = {
  functions: {
    fieldSelector: [refinement('fieldselector', (fieldSelector) => ({ fieldSelector }))],
    labelSelector: [refinement('labelselector', (labelSelector) => ({ labelSelector }))],
  },
}

function forServiceAccount(check: Check, namespace: string, name: string): Check {
  if (dns1123Subdomain(name).length > 0) throw new Failure('Invalid service account name')
  if (dns1123Label(namespace).length > 0) throw new Failure('Invalid service account namespace')
  return check.with(authorizerType.name, { serviceAccount: { namespace, name } })
}
