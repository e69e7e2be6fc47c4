import { zeroOf } from '../decode.ts'
import { deepFreeze } from '../freeze.ts'
import type { ApiObject } from '../kind.ts'
import type { ObjectType } from '../types.ts'
import { withoutPartsOfAtoms } from './collapse.ts'
import { type Comparison, comparisonOf, type Differences, differencesOf } from './compare.ts'
import { Conflicts } from './conflicts.ts'
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmptySet,
  leaf,
  recursiveDifference,
  union,
} from './field-set.ts'
import { FieldsOfNew } from './fields-of-new.ts'
import { toFieldsV1 } from './fields-v1.ts'
import { capOwners, identityOf, type Operation, type Owner, type Owners } from './owners.ts'
import { OwnersOfChange, type Share, type Shares } from './owners-of-change.ts'
import { ItemFault, type Shape, shapeOf } from './shape.ts'

/** What is written, and how. */
export interface Write {
  readonly schema: ObjectType
  readonly apiVersion: string
  /** '' for the object itself. */
  readonly subresource: string
  /** Fields that this way of writing does not touch, whatever is sent: nobody comes to own them, or what is below. */
  readonly reset: FieldSet
  /** Fields that were given as something which the object does not show: an empty list where it has none. */
  readonly given?: FieldSet
  /** Whoever writes; nobody in particular is `unknown`. */
  readonly manager: string
  readonly now: string
  /** An object as another version has it; undefined: there is no such version any more. */
  inVersion(
    apiVersion: string,
    object: ApiObject,
  ): { readonly schema: ObjectType; readonly object: ApiObject } | undefined
}

/** What belongs to nobody but the server. */
export const systemFields: FieldSet = {
  'f:apiVersion': leaf,
  'f:kind': leaf,
  'f:metadata': {
    '.': leaf,
    'f:clusterName': leaf,
    'f:creationTimestamp': leaf,
    'f:generation': leaf,
    'f:managedFields': leaf,
    'f:name': leaf,
    'f:namespace': leaf,
    'f:resourceVersion': leaf,
    'f:selfLink': leaf,
    'f:uid': leaf,
  },
}

const { '.': _, ...systemMetadata } = systemFields['f:metadata']!
const unseen: FieldSet = { ...systemFields, 'f:metadata': systemMetadata }

/** What existed when the first apply came to an object without managed fields. */
const beforeFirstApply = 'before-first-apply'

/**
 * Who owns what after an update: whoever writes owns what this changes, and others no longer do.
 * @param live the object before, as it is stored; undefined when this creates it
 * @param object the object that is to be, as it was sent and defaulted
 */
export function afterUpdate(write: Write, live: ApiObject | undefined, object: ApiObject, owners: Owners): Owners {
  // An object of which nobody keeps track stays so until somebody applies.
  if (owners.size === 0 && live !== undefined) return owners
  try {
    const after =
      live === undefined && owners.size === 0 && isEmptySet(write.given ?? emptySet)
        ? ownersOfNew(write, object)
        : recordUpdate(write, live ?? zeroObject(write.schema), object, owners)
    capOwners(after)
    return after
  } catch (error) {
    if (error instanceof ItemFault) return owners
    throw error
  }
}

const fieldsOfNew = new WeakMap<ObjectType, FieldsOfNew>()

/** The same for an object that nobody has owned anything of. */
function ownersOfNew(write: Write, object: ApiObject): Owners {
  const { schema } = write
  const zero = zeroObject(schema)
  const answers = fieldsOfNew.get(schema) ?? new FieldsOfNew(shapeOf(schema), zero)
  fieldsOfNew.set(schema, answers)
  const find = () => toFieldsV1(writtenBy(write, new Comparisons(write, zero, object)))
  const fields = answers.of(object, write.reset, find)
  const owner = writer(write, 'Update', write.now, fields)
  return new Map(isEmptySet(fields) ? [] : [[identityOf(owner), owner]])
}

const ownersOfChange = new WeakMap<ObjectType, OwnersOfChange>()

function recordUpdate(write: Write, live: ApiObject, object: ApiObject, owners: Owners): Owners {
  const { schema, manager, apiVersion, subresource, reset, given = emptySet } = write
  const answers = ownersOfChange.get(schema) ?? new OwnersOfChange(shapeOf(schema))
  ownersOfChange.set(schema, answers)
  const skipped = unseenBy(reset)
  const change = { live, object, owners, manager, apiVersion, subresource, reset, given, skipped }
  const shares = answers.of(change, () => sharesOf(write, live, object, owners))
  return new Map(
    shares.map(({ id, fields, isWritten }) => {
      const before = owners.get(id)
      if (isWritten) return [id, writer(write, 'Update', write.now, fields)]
      return [id, before!.fields === fields ? before! : { ...before!, fields }]
    }),
  )
}

/** What everybody owns after an update, found by looking at everything. */
function sharesOf(write: Write, live: ApiObject, object: ApiObject, owners: Owners): Shares {
  const known = withoutPartsOfAtoms(shapeOf(write.schema), write.apiVersion, owners)
  const comparisons = new Comparisons(write, live, object)
  const after = settle(comparisons, known, '', true)
  const written = writtenBy(write, comparisons)
  const shares = new Map([...after].map(([id, { fields }]) => [id, { id, fields, isWritten: false }]))
  if (!isEmptySet(written)) {
    const id = identityOf(writer(write, 'Update', write.now, written))
    const fields = union(after.get(id)?.fields ?? emptySet, written)
    shares.set(id, { id, fields, isWritten: true })
  }
  const inOrder = (share: Share) => ({ ...share, fields: toFieldsV1(share.fields) })
  return { differences: comparisons.in(write.apiVersion)!.differences, shares: [...shares.values()].map(inOrder) }
}

function writtenBy(write: Write, comparisons: Comparisons): FieldSet {
  const given = recursiveDifference(write.given ?? emptySet, write.reset)
  return difference(union(comparisons.in(write.apiVersion)!.changed, given), systemFields)
}

export function writer(write: Write, operation: Operation, time: string | undefined, fields: FieldSet): Owner {
  const { manager, apiVersion, subresource } = write
  return { manager: manager || 'unknown', operation, apiVersion, subresource, time, fields }
}

/** The owners of an object that had none, when it is first applied to: all that is there is somebody's. */
export function ownersBefore(write: Write, live: ApiObject): Owners {
  return recordUpdate({ ...write, manager: beforeFirstApply }, zeroObject(write.schema), live, new Map())
}

const zeroObjects = new WeakMap<ObjectType, ApiObject>()

/** The object with nothing in it, as the reference makes one before it reads a body into it. */
export function zeroObject(schema: ObjectType): ApiObject {
  let object = zeroObjects.get(schema)
  if (object === undefined) {
    object = deepFreeze(makeZeroObject(schema))
    zeroObjects.set(schema, object)
  }
  return object
}

function makeZeroObject(schema: ObjectType): ApiObject {
  const object = zeroOf(schema) as unknown as ApiObject & { readonly spec: Record<string, unknown> }
  const absent = absentInZero[schema.name]
  if (absent !== undefined) delete object.spec[absent]
  const none = nullInZero[schema.name]
  if (none !== undefined) object.spec[none] = null
  return object
}

/** And one that need not be given, which the reference has as `null`. */
const nullInZero: Readonly<Record<string, string>> = {
  'io.k8s.api.authentication.v1.TokenRequest': 'boundObjectRef',
}

/** Fields of the spec that must be given, and which the reference yet does not have in an object with nothing in it. */
const absentInZero: Readonly<Record<string, string>> = {
  'io.k8s.api.networking.v1.IPAddress': 'parentRef',
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding': 'validationActions',
}

/**
 * Takes from everybody but `self` what the write changes or removes. Throws Conflicts where somebody owns what is
 * changed, unless `force`.
 */
export function settle(comparisons: Comparisons, owners: Owners, self: string, force: boolean): Owners {
  const conflicts = new Map<string, { owner: Owner; fields: FieldSet }>()
  const after: Owners = new Map()
  for (const [id, owner] of owners) {
    if (id === self) {
      after.set(id, owner)
      continue
    }
    const comparison = comparisons.in(owner.apiVersion)
    // Nobody can say any more what the fields of such a version were.
    if (comparison === undefined) continue
    const taken = comparison.changed
    const fields = intersection(owner.fields, taken)
    if (!isEmptySet(fields)) conflicts.set(id, { owner, fields })
    const rest = difference(difference(owner.fields, taken), comparison.removed)
    if (rest === owner.fields) after.set(id, owner)
    else if (!isEmptySet(rest)) after.set(id, { ...owner, fields: rest })
  }
  if (!force && conflicts.size > 0) throw new Conflicts(conflicts)
  const own = after.get(self)
  if (own !== undefined && isEmptySet(own.fields)) after.delete(self)
  return after
}

interface KnownComparison extends Comparison {
  readonly differences: Differences | undefined
  /** Modified and added. */
  readonly changed: FieldSet
}

/** The same change as every version sees it, as far as somebody asks. */
export class Comparisons {
  readonly #write: Write
  readonly #live: ApiObject
  readonly #object: ApiObject
  readonly #known = new Map<string, KnownComparison | undefined>()

  constructor(write: Write, live: ApiObject, object: ApiObject) {
    this.#write = write
    this.#live = live
    this.#object = object
  }

  /** Undefined: there is no such version any more. */
  in(apiVersion: string): KnownComparison | undefined {
    if (!this.#known.has(apiVersion)) this.#known.set(apiVersion, this.#compareIn(apiVersion))
    return this.#known.get(apiVersion)
  }

  #compareIn(apiVersion: string): KnownComparison | undefined {
    if (apiVersion === this.#write.apiVersion)
      return this.#compare(shapeOf(this.#write.schema), this.#live, this.#object)
    const live = this.#write.inVersion(apiVersion, this.#live)
    const object = this.#write.inVersion(apiVersion, this.#object)
    if (live === undefined || object === undefined) return undefined
    return this.#compare(shapeOf(live.schema), live.object, object.object)
  }

  #compare(shape: Shape, live: ApiObject, object: ApiObject): KnownComparison {
    const skipped = unseenBy(this.#write.reset)
    const differences = differencesOf(shape, live, object, skipped)
    const found = comparisonOf(differences, skipped)
    return { ...found, differences, changed: union(found.modified, found.added) }
  }
}

const unseenSets = new WeakMap<FieldSet, FieldSet>()

function unseenBy(reset: FieldSet): FieldSet {
  let set = unseenSets.get(reset)
  if (set === undefined) {
    set = union(unseen, reset)
    unseenSets.set(reset, set)
  }
  return set
}

/** What of an applied set its manager comes to own. */
export const ownedOf = (write: Write, set: FieldSet): FieldSet =>
  difference(recursiveDifference(set, write.reset), systemFields)
