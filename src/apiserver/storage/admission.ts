import type { ApiObject } from '../../schema/kind.ts'
import { decodeOwners } from '../../schema/managed-fields/owners.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts'
import { setManagers } from './managers.ts'
import { settleNamespace, wipeSystemFields } from './metadata.ts'

type Admitted = AdmissionAttributes & { readonly object: Mutable<ApiObject> }

/**
 * Lets the mutating plugins change the object, in order. Gives undefined at once when none has anything to do, so that
 * most writes need not wait a turn.
 */
export function admit(plugins: readonly AdmissionPlugin[], attributes: Admitted): Promise<void> | undefined {
  return admitNew(plugins, attributes)?.done
}

/** The admission of a new object. */
export interface Admission {
  readonly done: Promise<void>
  /** Whether defaults leave what plugins put into the object as it is. */
  readonly isComplete: boolean
}

/** The same for a new object. */
export function admitNew(plugins: readonly AdmissionPlugin[], attributes: Admitted): Admission | undefined {
  if (attributes.context.admitted === true) return undefined
  const concerned = mutating(plugins, attributes)
  if (concerned.length === 0) return undefined
  const mayRepeat = concerned.some(({ reinvokes }) => reinvokes === true)
  const done = mayRepeat
    ? inRounds(plugins, attributes, concerned)
    : inTurn(concerned, (plugin) => plugin.admit?.(attributes))
  return { done, isComplete: concerned.every(({ completes }) => completes === true) }
}

/** Whether a mutating plugin would look at it. */
export const isAdmissionConcerned = (plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes): boolean =>
  attributes.context.admitted !== true && mutating(plugins, attributes).length > 0

/** Asks the validating plugins; the first that refuses throws. */
export function validateAdmission(
  plugins: readonly AdmissionPlugin[],
  attributes: AdmissionAttributes,
): Promise<void> | undefined {
  if (attributes.context.admitted === true) return undefined
  const concerned = plugins.filter((plugin) => plugin.validate !== undefined && plugin.handles(attributes))
  return concerned.length === 0 ? undefined : inTurn(concerned, (plugin) => plugin.validate?.(attributes))
}

const mutating = (plugins: readonly AdmissionPlugin[], attributes: AdmissionAttributes) =>
  plugins.filter((plugin) => plugin.admit !== undefined && plugin.handles(attributes))

async function inTurn(
  plugins: readonly AdmissionPlugin[],
  ask: (plugin: AdmissionPlugin) => void | Promise<void>,
): Promise<void> {
  for (const plugin of plugins) {
    const answer = ask(plugin)
    // Most answer at once, and even to wait for nothing takes a turn.
    if (answer !== undefined) await answer
  }
}

/** One round, of those `concerned`, and a second one when a plugin has asked for it: then others may be. */
async function inRounds(
  plugins: readonly AdmissionPlugin[],
  attributes: Admitted,
  concerned: readonly AdmissionPlugin[],
): Promise<void> {
  const memory = new Map<string, unknown>()
  let isWanted = false
  const round = (isSecond: boolean) => {
    const request = () => {
      isWanted = true
    }
    const given = { ...attributes, reinvocation: { isSecond, memory, request } }
    return inTurn(isSecond ? mutating(plugins, given) : concerned, (plugin) => plugin.admit?.(given))
  }
  const { managedFields } = attributes.object.metadata
  await round(false)
  if (isWanted) await round(true)
  keepManagers(attributes, managedFields)
  if (attributes.bodyKind === undefined) keepPlace(attributes)
}

/** What the server has seen to before admission it sees to again: whoever changes an object cannot put it elsewhere. */
function keepPlace({ kind, namespace, operation, object }: Admitted): void {
  const metadata = object.metadata as Mutable<ApiObject['metadata']>
  settleNamespace(kind, namespace, metadata)
  if (operation === 'CREATE') wipeSystemFields(metadata)
}

/** Who knows nothing of managed fields may spoil them; then they stay as they were. */
function keepManagers({ object, context }: Admitted, before: readonly unknown[] | undefined): void {
  const { managedFields } = object.metadata
  if (managedFields === before || decodeOwners(managedFields) !== undefined) return
  setManagers(object, before)
  context.warn(
    '.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating ' +
      'admission controller; please fix your requests',
  )
}
