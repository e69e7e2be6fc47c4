import type { HostWorld } from '../../world/world.ts'
import type { ResetConfiguration } from '../config/types.ts'
import type { LifecycleTools } from '../init/data.ts'

/** What the phases of `reset` share. */
export interface ResetData {
  readonly tools: LifecycleTools
  readonly world: HostWorld
  readonly reset: ResetConfiguration
  /** Checks whose errors are warnings, in lower case. */
  readonly ignored: ReadonlySet<string>
}
