import type { Scale } from '../../kinds/autoscaling/scale.ts'
import { DecodeError, decode } from '../../schema/decode.ts'
import { clone } from '../../schema/freeze.ts'
import { type ApiObject, apiVersionOf, type Kind, type ObjectMetaLike } from '../../schema/kind.ts'
import { apply as applyConfiguration } from '../../schema/managed-fields/apply.ts'
import { Conflicts } from '../../schema/managed-fields/conflicts.ts'
import { withLastApplied } from '../../schema/managed-fields/last-applied.ts'
import { decodeOwners, encodeOwners, type Owners } from '../../schema/managed-fields/owners.ts'
import { ownersAfterScale, scaleOwners } from '../../schema/managed-fields/scale.ts'
import type { Write } from '../../schema/managed-fields/tracking.ts'
import { validateApplied } from '../../schema/managed-fields/validate-applied.ts'
import { ApiError, badRequest } from '../../schema/status.ts'
import { type Expected, matchName } from '../body.ts'
import type { RequestContext } from '../context.ts'
import type { ApplyOptions } from '../resource.ts'
import { scaleOf, scaleType, withScale } from '../subresources/scale.ts'
import { withVersions } from './conversion.ts'
import { scalePlace, scaleWriteOf, writeOf } from './managers.ts'
import type { ResourceState } from './state.ts'
import { type Updated, update } from './update.ts'

/** Server-side apply; see `Resource.apply`. */
export function apply<T extends ApiObject>(
  state: ResourceState<T>,
  namespace: string,
  name: string,
  subresource: string,
  configuration: unknown,
  options: ApplyOptions,
  context: RequestContext,
): Promise<Updated<T>> {
  const change = (current: T | undefined) => withVersions(state.kind, () => changeNow(current))
  const changeNow = (current: T | undefined) => {
    const write = writeOf(state, subresource, context)
    const [object, owners] =
      subresource === 'scale'
        ? scaled(state.kind, current!, configuration, write, options.force)
        : applied(state.kind, current, configuration, write, options.force)
    if (options.problems.length > 0) tellProblems(options.problems, context)
    matchName(object.metadata, name)
    return { ...object, metadata: { ...object.metadata, managedFields: encodeOwners(owners) } } as ApiObject
  }
  return update(state, namespace, name, subresource, change, context, {
    forceCreate: true,
    keepsManagers: true,
    owned: subresource !== 'scale',
  })
}

function tellProblems(problems: readonly string[], { fieldValidation, warn }: RequestContext): void {
  if (fieldValidation === 'Strict') throw badRequest(`error strict decoding YAML: ${problems.join(', ')}`)
  if (fieldValidation === 'Warn') for (const problem of problems) warn(problem)
}

/** The object that the configuration makes of the current one, which nobody else holds, and who then owns its fields. */
function applied<T extends ApiObject>(
  kind: Kind<T>,
  current: T | undefined,
  configuration: unknown,
  write: Write,
  force: boolean,
): [ApiObject, Owners] {
  const live = current && withoutManagers(current)
  const { object = clone(live!), owners, patch } = applyTo(kind, live, ownersOf(current), configuration, write, force)
  const { metadata, ...rest } = withLastApplied(write.manager, object, patch)
  return [
    { ...rest, metadata: current === undefined ? { ...metadata, ...unversioned } : metadata } as ApiObject,
    owners,
  ]
}

/** The same for a configuration of the object's scale. */
function scaled<T extends ApiObject>(
  kind: Kind<T>,
  current: T,
  configuration: unknown,
  write: Write,
  force: boolean,
): [ApiObject, Owners] {
  const scale = scaleOf(kind, current)
  const place = scalePlace(kind)
  const known = ownersOf(current)
  const before = scaleOwners(known, place)
  const { object = scale, owners } = applyTo(scaleType, scale, before, configuration, scaleWriteOf(write), force)
  return [withScale(kind, current, object as unknown as Scale), ownersAfterScale(known, owners, place)]
}

function ownersOf(current: ApiObject | undefined): Owners {
  const owners = decodeOwners(current?.metadata.managedFields)
  if (owners === undefined) throw new ApiError('', 'failed to decode managed fields')
  return owners
}

/** Throws Conflict where others own what would change. */
function applyTo(
  type: Expected,
  live: ApiObject | undefined,
  owners: Owners,
  configuration: unknown,
  write: Write,
  force: boolean,
) {
  const patch = checked(type, configuration)
  try {
    const result = applyConfiguration(write, live, patch, owners, force)
    const object = result.object && converted(type, result.object, patch)
    return { object, owners: result.owners, patch }
  } catch (error) {
    throw error instanceof Conflicts ? error.toError() : error
  }
}

/** A new object has no version that somebody could have seen. */
const unversioned = { resourceVersion: undefined }

function withoutManagers<T extends ApiObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** Throws BadRequest for what is no configuration of this kind, and a 500 where it does not fit the type, as the reference. */
function checked(kind: Expected, configuration: unknown): ApiObject {
  const given = (configuration ?? {}) as Partial<ApiObject>
  const { apiVersion = '', kind: kindName = '' } = given
  if (apiVersion !== apiVersionOf(kind) || kindName !== kind.kind) {
    throw badRequest(`invalid object type: ${typeText(apiVersion, kindName)}`)
  }
  const patch = { ...given, metadata: given.metadata ?? {} } as ApiObject
  if ((patch.metadata.managedFields ?? undefined) !== undefined) throw badRequest('metadata.managedFields must be nil')
  const fault = validateApplied(kind.schema, given)
  if (fault !== undefined) throw new ApiError('', `failed to create typed patch object (${whichText(patch)}): ${fault}`)
  return patch
}

function converted(kind: Expected, object: ApiObject, patch: ApiObject): ApiObject {
  try {
    return decode(kind.schema, object).object as unknown as ApiObject
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new ApiError('', `failed to convert new typed object (${whichText(patch)}) to object: ${error.message}`)
  }
}

/** How Go shows a group, version and kind. */
function typeText(apiVersion: string, kind: string): string {
  return `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`
}

function whichText({ metadata, apiVersion = '', kind = '' }: ApiObject): string {
  const { namespace = '', name = '' }: ObjectMetaLike = metadata
  return `${namespace}/${name}; ${typeText(apiVersion, kind)}`
}
