import type { Metrics } from '../../base/metrics.ts'
import type { ApiObject, Kind } from '../../schema/kind.ts'
import type { Store } from '../../store/store.ts'
import type { World } from '../../world/world.ts'
import type { Exchange } from '../exchange.ts'
import type { ApiResponse } from '../request.ts'
import type { Resource } from '../resource.ts'
import type { FlowAdmission } from './admission.ts'
import { flowDocuments } from './dump.ts'
import { FlowControl } from './flow-control.ts'
import { InFlight } from './in-flight.ts'
import { StoredSizes } from './object-sizes.ts'
import { type FlowSettings, usualFlowSettings } from './settings.ts'

export interface StartedFlowControl {
  readonly admission: FlowAdmission
  /** What can be seen of it under `/debug`. */
  readonly documents: Readonly<Record<string, (exchange: Exchange) => ApiResponse>>
}

/** Begins to decide who waits, as the settings say. Resolves when it knows the objects that are there. */
export async function startFlowControl(
  parts: Pick<World, 'clock' | 'log'> & {
    readonly settings: FlowSettings | undefined
    readonly metrics: Metrics
    readonly store: Store
    readonly kinds: () => readonly Kind[]
    readonly resources: <T extends ApiObject>(kind: Kind<T>) => Resource<T>
    readonly signal: AbortSignal
  },
): Promise<StartedFlowControl> {
  const { clock, log, metrics, signal } = parts
  const { reading, writing, isFair } = parts.settings ?? usualFlowSettings
  if (!isFair) return { admission: new InFlight(reading, writing), documents: {} }
  const sizes = new StoredSizes(parts.store, clock, parts.kinds)
  const control = new FlowControl({ clock, metrics, seats: reading + writing, sizes })
  await control.follow(parts.resources, log, signal)
  return { admission: control, documents: flowDocuments(control) }
}
