import { type ApiObject, apiVersionOf, type Kind } from '../../schema/kind.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin, BodyKind } from '../admission.ts'
import { admit, validateAdmission } from '../storage/admission.ts'
import type { SubresourceCreator } from './resources.ts'

/**
 * A sub-resource to which one may only post what admission lets pass: it is asked about the body that is posted, and not
 * again about what comes of it (the pod that is bound or deleted).
 */
export function admitted(
  create: SubresourceCreator,
  kind: Kind,
  subresource: string,
  bodyKind: BodyKind,
  plugins: readonly AdmissionPlugin[],
): SubresourceCreator {
  return async (resources, namespace, name, body, context) => {
    const own = { ...body, metadata: { ...body.metadata } }
    const object = { kind: bodyKind.kind, apiVersion: apiVersionOf(bodyKind), ...own } as Mutable<ApiObject>
    const about = { operation: 'CREATE' as const, kind, subresource, namespace, name, object, bodyKind, context }
    await admit(plugins, about)
    await validateAdmission(plugins, about)
    return create(resources, namespace, name, object, { ...context, signal: context.signal, admitted: true })
  }
}
