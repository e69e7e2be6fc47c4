import { bind } from './binding.ts'
import { evict } from './eviction.ts'
import type { SubresourceCreator } from './resources.ts'
import { createToken, type TokenIssuer } from './token.ts'

/**
 * What a POST to a sub-resource does. The name is `<plural>.<group>/<sub-resource>`. To add one, add a line here.
 * Without somebody who signs tokens there are none.
 */
export function subresourceCreators(tokens: TokenIssuer | undefined): Readonly<Record<string, SubresourceCreator>> {
  return {
    'pods./binding': bind,
    'pods./eviction': evict,
    ...(tokens && { 'serviceaccounts./token': createToken(tokens) }),
  }
}
