import { type ApiObject, apiVersionOf, type Kind } from '../../schema/kind.ts'
import { ApiError, type GroupResource } from '../../schema/status.ts'
import type { Store } from '../../store/store.ts'
import type { Clock, Random } from '../../world/world.ts'
import type { AdmissionPlugin } from '../admission.ts'
import type { FieldIndex } from './field-index.ts'
import type { LeasePool } from './lease-pool.ts'
import type { Races } from './races.ts'
import type { WatchHub } from './watch-hub.ts'
import type { WriteHook } from './write-hook.ts'

/** What everything that is done with one resource works with. */
export interface ResourceState<T extends ApiObject = ApiObject> {
  readonly kind: Kind<T>
  /** As errors name it. */
  readonly name: GroupResource
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly admission: readonly AdmissionPlugin[]
  readonly hub: WatchHub
  readonly indexes: readonly FieldIndex[]
  readonly leases: LeasePool
  readonly races: Races
  readonly hook: WriteHook<T> | undefined
  /** Another version of the same resource. */
  version(apiVersion: string): Kind | undefined
}

/** How a fault of an object names its kind: in the group in which it is stored. */
export const errorKind = ({ group, kind, storedAs }: Kind) => ({ group: storedAs?.group ?? group, kind })

export const apiVersionAndKind = (kind: Kind) => ({ kind: kind.kind, apiVersion: apiVersionOf(kind) })

/** The number that a resourceVersion stands for; nothing and `0` are 0. Undefined when it is not one. */
export function parseRevision(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return 0
  return /^\d{1,20}$/.test(text) ? Number(text) : undefined
}

/** How Go says that a text is no number. */
export const notANumber = (text: string): string => `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`

/** 504: the revision asked for is not there yet. */
export function tooLargeRevision(asked: number, current: number): ApiError {
  return new ApiError('Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  })
}
