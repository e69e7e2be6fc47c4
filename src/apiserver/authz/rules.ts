import type { PolicyRule } from '../../kinds/rbac/shared.ts'
import type { UserInfo } from '../context.ts'

/** What somebody may do in a namespace, as far as it can be listed (`SelfSubjectRulesReview`). */
export interface ResolvedRules {
  readonly rules: readonly PolicyRule[]
  /** More may be allowed than the rules say. */
  readonly incomplete: boolean
  readonly error?: string
}

/** An authorizer that can list what it allows. */
export interface RuleResolver {
  resolveRules(user: UserInfo, namespace: string): ResolvedRules
}

/** What all of them say together. */
export function resolveAll(resolvers: readonly RuleResolver[]): RuleResolver {
  return {
    resolveRules(user, namespace) {
      const all = resolvers.map((resolver) => resolver.resolveRules(user, namespace))
      const errors = all.flatMap(({ error }) => (error === undefined ? [] : [error]))
      return {
        rules: all.flatMap(({ rules }) => rules),
        incomplete: all.some(({ incomplete }) => incomplete),
        ...(errors.length > 0 && { error: errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]` }),
      }
    },
  }
}
