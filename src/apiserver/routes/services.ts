import type { Kind } from '../../schema/kind.ts'
import type { Clock, Random } from '../../world/world.ts'
import type { KnownKinds } from '../body.ts'
import type { Catalogue } from '../catalogue.ts'
import type { DeprecatedUses } from '../deprecated-uses.ts'
import type { Resource } from '../resource.ts'

/** What the routes of objects work with. */
export interface ObjectServices extends KnownKinds {
  readonly deprecatedUses: DeprecatedUses
  readonly clock: Clock
  readonly random: Random
  readonly catalogue: Catalogue
}

/** One resource and everything that a route needs to know of it. */
export interface Target {
  readonly kind: Kind
  readonly resource: Resource
  readonly custom: boolean
}
