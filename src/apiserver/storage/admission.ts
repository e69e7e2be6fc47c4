import type { ApiObject } from '../../schema/kind.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts'

/**
 * Lets the mutating plugins change the object, in order. Gives undefined at once when none has anything to do, so that
 * most writes need not wait a turn.
 */
export function admit(
  plugins: readonly AdmissionPlugin[],
  attributes: AdmissionAttributes & { readonly object: Mutable<ApiObject> },
): Promise<void> | undefined {
  const concerned = plugins.filter((plugin) => plugin.admit !== undefined && plugin.handles(attributes))
  return concerned.length === 0 ? undefined : inTurn(concerned, (plugin) => plugin.admit?.(attributes))
}

/** Asks the validating plugins; the first that refuses throws. */
export function validateAdmission(
  plugins: readonly AdmissionPlugin[],
  attributes: AdmissionAttributes,
): Promise<void> | undefined {
  const concerned = plugins.filter((plugin) => plugin.validate !== undefined && plugin.handles(attributes))
  return concerned.length === 0 ? undefined : inTurn(concerned, (plugin) => plugin.validate?.(attributes))
}

async function inTurn(
  plugins: readonly AdmissionPlugin[],
  ask: (plugin: AdmissionPlugin) => void | Promise<void>,
): Promise<void> {
  for (const plugin of plugins) await ask(plugin)
}
