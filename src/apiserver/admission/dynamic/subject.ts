/** One request for admission, as policies and webhooks see it. */

import type { Scale } from '../../../kinds/autoscaling/scale.ts'
import { decode } from '../../../schema/decode.ts'
import type { ApiObject, Kind } from '../../../schema/kind.ts'
import { forbidden } from '../../../schema/status.ts'
import type { Mutable } from '../../../schema/types.ts'
import type { AdmissionAttributes, BodyKind } from '../../admission.ts'
import { scaleOf, scaleType, withScale } from '../../subresources/scale.ts'
import { convertVersion } from './convert.ts'
import { Pending } from './pending.ts'

export interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

export interface GroupVersionResource {
  readonly group: string
  readonly version: string
  readonly resource: string
}

/** What is shown to somebody who looks at a version of the resource. */
export interface View {
  readonly kind: GroupVersionKind
  readonly resource: GroupVersionResource
  readonly object: ApiObject | null
  readonly oldObject: ApiObject | null
}

/** What the request shows, by version, and how what somebody makes of its object comes back into it. */
export class Subject {
  readonly attributes: AdmissionAttributes
  readonly #views = new Map<Kind, View>()
  readonly #converted = new Map<'object' | 'oldObject', Map<Kind, ApiObject>>()

  constructor(attributes: AdmissionAttributes) {
    this.attributes = attributes
  }

  /** What the body is, where it is not the resource's own kind. */
  get bodyKind(): BodyKind | undefined {
    const { bodyKind, kind, subresource } = this.attributes
    if (bodyKind !== undefined) return bodyKind
    return subresource === 'scale' && kind.scale !== undefined ? scaleType : undefined
  }

  /** The request as a version of its resource shows it. Throws `Pending` where somebody must be asked for that. */
  view(version: Kind): View {
    let view = this.#views.get(version)
    if (view === undefined) {
      const { object, oldObject } = this.attributes
      view = {
        kind: kindOf(this.bodyKind ?? version),
        resource: resourceOf(version),
        object: this.#shown('object', object, version),
        oldObject: this.#shown('oldObject', oldObject, version),
      }
      this.#views.set(version, view)
    }
    return view
  }

  /**
   * Puts what somebody made of the view's object into the request, with the defaults of its version.
   * @throws DecodeError
   */
  async replace(version: Kind, changed: object): Promise<void> {
    const { kind } = this.attributes
    const schema = this.bodyKind?.schema ?? version.schema
    const object = decode(schema, changed).object as unknown as Mutable<ApiObject>
    if (this.bodyKind === undefined) version.defaults(object)
    const target = this.attributes.object as Mutable<ApiObject>
    if (this.attributes.bodyKind !== undefined) overwrite(target, object)
    else if (this.bodyKind !== undefined) overwrite(target, withScale(kind, target, object as unknown as Scale))
    else overwrite(target, await convertVersion(version, kind, object))
    this.#views.clear()
    this.#converted.delete('object')
  }

  #shown(which: 'object' | 'oldObject', object: ApiObject | undefined, version: Kind): ApiObject | null {
    const { bodyKind, kind } = this.attributes
    if (object === undefined) return null
    if (bodyKind !== undefined) return object
    if (this.bodyKind !== undefined) return scaleOf(kind, object) as unknown as ApiObject
    return version === kind ? object : this.#inVersion(which, object, version)
  }

  #inVersion(which: 'object' | 'oldObject', object: ApiObject, version: Kind): ApiObject {
    const known = this.#converted.get(which)?.get(version)
    if (known !== undefined) return known
    const converted = convertVersion(this.attributes.kind, version, object)
    if (!(converted instanceof Promise)) return converted
    throw new Pending(converted.then((late) => this.#keep(which, version, late)))
  }

  #keep(which: 'object' | 'oldObject', version: Kind, object: ApiObject): void {
    const byVersion = this.#converted.get(which) ?? new Map()
    this.#converted.set(which, byVersion.set(version, object))
  }
}

export const kindOf = ({ group, version, kind }: GroupVersionKind): GroupVersionKind => ({ group, version, kind })

export const resourceOf = ({ group, version, plural }: Kind): GroupVersionResource => ({
  group,
  version,
  resource: plural,
})

/** As Go prints a kind; the core group is empty. */
export const kindText = ({ group, version, kind }: GroupVersionKind): string => `${group}/${version}, Kind=${kind}`

function overwrite(target: Mutable<ApiObject>, content: ApiObject): void {
  for (const name of Object.keys(target)) delete (target as Record<string, unknown>)[name]
  Object.assign(target, content)
}

/** A refusal that names the object as far as it has a name. */
export function refusalOf({ kind, name, object }: AdmissionAttributes, why: string) {
  const shown = name || object?.metadata.name || object?.metadata.generateName || 'Unknown'
  return forbidden({ group: kind.group, resource: kind.plural }, shown, why)
}

/** The request as expressions and webhooks read it (`AdmissionRequest`), but for its objects. */
export function requestOf(subject: Subject, version: Kind): Readonly<Record<string, unknown>> {
  const { attributes } = subject
  const { kind, subresource, name, operation, context } = attributes
  const namespace = namespaceOf(attributes)
  const { name: username, uid, groups, extra } = context.user
  const part = subresource === '' ? {} : { subResource: subresource }
  const body = kindOf(subject.bodyKind ?? kind)
  return {
    kind: kindOf(subject.bodyKind ?? version),
    resource: resourceOf(version),
    ...part,
    requestKind: body,
    requestResource: resourceOf(kind),
    ...(subresource !== '' && { requestSubResource: subresource }),
    ...(name !== '' && { name }),
    ...(namespace !== '' && { namespace }),
    operation,
    userInfo: {
      username,
      ...(uid && { uid }),
      ...(groups.length > 0 && { groups }),
      ...(extra && Object.keys(extra).length > 0 && { extra }),
    },
    dryRun: context.dryRun,
    options: optionsOf(attributes),
  }
}

/** A request for a namespace that is there is in that namespace. */
function namespaceOf({ kind, operation, name, namespace }: AdmissionAttributes): string {
  const isNamespace = kind.plural === 'namespaces' && kind.group === ''
  return isNamespace && operation !== 'CREATE' ? name : namespace
}

const optionKinds: Readonly<Record<AdmissionAttributes['operation'], string>> = {
  CREATE: 'CreateOptions',
  UPDATE: 'UpdateOptions',
  DELETE: 'DeleteOptions',
  CONNECT: '',
}

function optionsOf({ operation, context, deleteOptions }: AdmissionAttributes): object | null {
  if (operation === 'CONNECT') return null
  const { dryRun, fieldManager, fieldValidation, userAgent } = context
  // What follows from the user agent nobody has asked for.
  const isOwn = fieldManager !== '' && fieldManager !== userAgent.split('/', 1)[0]
  const writes = operation !== 'DELETE'
  return {
    kind: optionKinds[operation],
    apiVersion: 'meta.k8s.io/v1',
    ...deleteOptions,
    ...(dryRun && { dryRun: ['All'] }),
    ...(writes && isOwn && { fieldManager }),
    ...(writes && fieldValidation !== 'Warn' && { fieldValidation }),
  }
}
