import { type Attributes, type Authorizer, type Decision, type InstantAuthorizer, noOpinion } from './authz.ts'
import type { RuleResolver } from './rules.ts'

/** Asks one after the other; the first that allows or denies decides. What the others said is joined. */
export function firstThatDecides(authorizers: readonly Authorizer[]): Authorizer {
  return { authorize: (attributes) => askFrom(authorizers, 0, attributes, undefined) }
}

function askFrom(
  authorizers: readonly Authorizer[],
  first: number,
  attributes: Attributes,
  before: Decision | undefined,
): Decision | Promise<Decision> {
  let said = before
  for (let at = first; at < authorizers.length; at++) {
    const decision = authorizers[at]!.authorize(attributes)
    if (decision instanceof Promise) {
      const heard = said
      return decision.then((late) =>
        late.allowed || late.denied ? late : askFrom(authorizers, at + 1, attributes, joined(heard, late)),
      )
    }
    if (decision.allowed || decision.denied) return decision
    said = joined(said, decision)
  }
  return said ?? noOpinion()
}

/** Most have nothing to say, so that mostly nothing is made anew. */
function joined(said: Decision | undefined, next: Decision): Decision {
  if (said === undefined || (said.reason === '' && said.evaluationError === undefined)) return next
  if (next.reason === '' && next.evaluationError === undefined) return said
  const reason = [said.reason, next.reason].filter((each) => each !== '').join('\n')
  const errors = [said.evaluationError, next.evaluationError].filter((each) => each !== undefined)
  return { allowed: false, reason, ...(errors.length > 0 && { evaluationError: errors.join(', ') }) }
}

/** The group that may do everything, whatever roles say: the way back in when RBAC is broken. */
export const privilegedGroup: InstantAuthorizer = {
  authorize: ({ user }) => (user.groups.includes('system:masters') ? { allowed: true, reason: '' } : noOpinion()),
}

/** `--authorization-mode=AlwaysAllow`. */
export const alwaysAllow: InstantAuthorizer & RuleResolver = {
  authorize: () => ({ allowed: true, reason: '' }),
  resolveRules: () => ({
    rules: [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ],
    incomplete: false,
  }),
}

/** `--authorization-mode=AlwaysDeny`. It has no opinion either, so that a mode behind it may still allow. */
export const alwaysDeny: InstantAuthorizer & RuleResolver = {
  authorize: () => noOpinion('Everything is forbidden.'),
  resolveRules: () => ({ rules: [], incomplete: false }),
}
