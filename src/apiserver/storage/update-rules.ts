import type { FieldErrors } from '../../schema/field-errors.ts'
import type { ApiObject, Kind, StatusRules } from '../../schema/kind.ts'
import { notFound } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'

/** How a write through a sub-resource differs from one of the object itself. */
export interface UpdateRules<T extends ApiObject> {
  prepareUpdate(object: Mutable<T>, old: T): void
  validateUpdate(object: T, old: T, errors: FieldErrors): void
  /** Whether the object may go once it has no finalizers left. */
  mayVanish(object: T): boolean
}

interface NamespaceLike {
  spec: { finalizers?: readonly string[] }
}

/** The rules for a sub-resource that is the object seen from another side. Throws NotFound when the kind has none such. */
export function rulesOf<T extends ApiObject>(kind: Kind<T>, subresource: string): UpdateRules<T> {
  const mayVanish = isNamespace(kind)
    ? (object: T) => ((object as unknown as NamespaceLike).spec.finalizers ?? []).length === 0
    : () => true
  if (subresource === '') {
    return {
      prepareUpdate: (object, old) => kind.prepareUpdate(object, old),
      validateUpdate: (object, old, errors) => kind.validateUpdate(object, old, errors),
      mayVanish,
    }
  }
  if (subresource === 'status' && kind.status !== undefined) return { ...statusRules(kind), mayVanish }
  if (subresource === 'finalize' && isNamespace(kind)) return { ...finalizeRules<T>(), mayVanish }
  if (subresource === 'scale' && kind.scale !== undefined) return rulesOf(kind, '')
  const side = kind.sides[subresource]
  if (side !== undefined) return { ...sideRules(side), mayVanish }
  const given = kind.group === '' && kind.kind === 'Pod' ? podSides[subresource] : undefined
  if (given !== undefined) return { ...given, mayVanish }
  throw notFound({ group: kind.group, resource: kind.plural }, subresource)
}

type Sides = Readonly<Record<string, Omit<UpdateRules<never>, 'mayVanish'>>>

/** Sides of a pod that are written for themselves: everything else stays as it was. */
const podSides: Sides = {
  binding: { prepareUpdate: () => {}, validateUpdate: () => {} },
}

export const isNamespace = (kind: Kind): boolean => kind.group === '' && kind.kind === 'Namespace'

/** What the kind's file says of a side; what it does not say, may be changed freely. */
function sideRules<T extends ApiObject>(side: StatusRules<T>): Omit<UpdateRules<T>, 'mayVanish'> {
  return {
    prepareUpdate: (object, old) => side.prepareUpdate?.(object, old),
    validateUpdate: (object, old, errors) => side.validateUpdate?.(object, old, errors),
  }
}

function statusRules<T extends ApiObject>({ status = {} }: Kind<T>): Omit<UpdateRules<T>, 'mayVanish'> {
  const rules = sideRules(status)
  return status.prepareUpdate ? rules : { ...rules, prepareUpdate: (object, old) => keepAllBut(object, old, 'status') }
}

/** `finalize` of a namespace changes its finalizers and nothing else of the spec and status. */
function finalizeRules<T extends ApiObject>(): Omit<UpdateRules<T>, 'mayVanish'> {
  return {
    prepareUpdate(object, old) {
      Object.assign(object, { status: (old as unknown as { status: unknown }).status })
    },
    validateUpdate() {},
  }
}

/** Everything but `field` and the metadata goes back to what it was. */
function keepAllBut<T extends ApiObject>(object: Mutable<T>, old: T, field: string): void {
  const target = object as Record<string, unknown>
  const source = old as unknown as Record<string, unknown>
  for (const name in target) {
    if (name !== field && name !== 'metadata' && !Object.hasOwn(source, name)) delete target[name]
  }
  for (const name in source) if (name !== field && name !== 'metadata') target[name] = source[name]
}
