import type { HostWorld } from '../../world/world.ts'
import type { ComponentFlags, GivenFlags } from './flags.ts'

/** A process of the control plane or of a node, with the flags that the reference's has. */
export interface Component {
  readonly name: string
  readonly summary: string
  readonly flags: ComponentFlags
  readonly example: string
  /**
   * Runs until it is asked to stop, and then stops in good order. Throws `ComponentFlagError` or `SettingError` for what
   * whoever started it must mend, and rejects when it cannot go on.
   */
  run(flags: GivenFlags, world: HostWorld, interrupted: Promise<void>): Promise<void>
}
