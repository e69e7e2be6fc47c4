import type { AuthorizerDecision, AuthorizerAttributes as Question } from '../../../cel/index.ts'
import { parseFieldSelector, parseLabelSelector } from '../../../schema/selectors.ts'
import { serviceAccountUser } from '../../authn/service-account-tokens.ts'
import type { Attributes, Authorizer, Decision } from '../../authz/authz.ts'
import type { UserInfo } from '../../context.ts'
import { Pending } from './pending.ts'

/**
 * The server's authorizer as expressions ask it, for one request: the same question is asked once. Expressions cannot
 * wait, so where the answer takes time, `Pending` is thrown.
 */
export class RequestAuthorizer {
  readonly #authorizer: Authorizer
  readonly #user: UserInfo
  readonly #answers = new Map<string, AuthorizerDecision>()

  constructor(authorizer: Authorizer, user: UserInfo) {
    this.#authorizer = authorizer
    this.#user = user
  }

  authorize(question: Question): AuthorizerDecision {
    const key = JSON.stringify(question)
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const decision = this.#authorizer.authorize(attributesOf(question, this.#user))
    if (!(decision instanceof Promise)) return this.#keep(key, decision)
    throw new Pending(decision.then((late) => this.#keep(key, late)))
  }

  #keep(key: string, { allowed, reason, evaluationError }: Decision): AuthorizerDecision {
    const answer = { allowed, reason, ...(evaluationError !== undefined && { error: evaluationError }) }
    this.#answers.set(key, answer)
    return answer
  }
}

function attributesOf(question: Question, asker: UserInfo): Attributes {
  const { verb, path, group = '', resource = '', subresource = '', namespace = '', name = '' } = question
  const { serviceAccount, fieldSelector, labelSelector } = question
  const user = serviceAccount === undefined ? asker : serviceAccountUser(serviceAccount.namespace, serviceAccount.name)
  return {
    user,
    verb,
    namespace,
    apiGroup: group,
    apiVersion: '*',
    resource,
    subresource,
    name,
    isResource: path === undefined,
    path: path ?? '',
    ...(fieldSelector && { fieldSelector: readable(() => parseFieldSelector(fieldSelector).terms) }),
    ...(labelSelector && { labelSelector: readable(() => parseLabelSelector(labelSelector).requirements) }),
  }
}

/** What cannot be read limits nothing. */
function readable<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read()
  } catch {
    return []
  }
}
