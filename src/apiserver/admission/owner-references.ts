import type { OwnerReference } from '../../kinds/meta/object-meta.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { Kind } from '../../schema/kind.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../admission.ts'
import type { Attributes, Authorizer } from '../authz/authz.ts'
import { isWrite } from './is.ts'
import { refuse } from './refuse.ts'

/** Gives the kind that is served under a name; undefined when there is none. */
export type FindKind = (
  apiVersion: string,
  kind: string,
) => Pick<Kind, 'group' | 'version' | 'plural' | 'namespaced'> | undefined

/**
 * An owner that goes takes with it what it owns, so only who may delete an object may give it other owners; and who keeps
 * an owner from going (`blockOwnerDeletion`) must be allowed to set its finalizers (`OwnerReferencesPermissionEnforcement`).
 */
export function ownerReferences(authorizer: Authorizer, findKind: FindKind): AdmissionPlugin {
  return {
    name: 'OwnerReferencesPermissionEnforcement',
    handles(attributes) {
      if (!isWrite(attributes)) return false
      // Written by those who run the pods; owners cannot change there.
      if (attributes.kind.plural === 'pods' && attributes.subresource === 'status') return false
      return !equalJson(ownersOf(attributes.object), ownersOf(attributes.oldObject))
    },
    async validate(attributes) {
      const { kind, namespace, name, object } = attributes
      const mayDelete = await authorizer.authorize({
        ...askedBy(attributes),
        verb: 'delete',
        namespace,
        apiGroup: kind.group,
        apiVersion: kind.version,
        resource: kind.plural,
        name: name || (object?.metadata.name ?? ''),
      })
      if (!mayDelete.allowed) {
        throw refuse(attributes, `cannot set an ownerRef on a resource you can't delete: ${mayDelete.reason}, <nil>`)
      }
      for (const owner of newlyBlocked(attributes)) await checkBlocked(attributes, owner)
    },
  }

  async function checkBlocked(
    attributes: AdmissionAttributes,
    { apiVersion, kind, name }: OwnerReference,
  ): Promise<void> {
    const found = findKind(apiVersion, kind)
    if (!found) {
      const why = `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`
      throw refuse(
        attributes,
        `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${apiVersion} Kind ${kind}: ${why}`,
      )
    }
    const decision = await authorizer.authorize({
      ...askedBy(attributes),
      verb: 'update',
      namespace: found.namespaced ? attributes.namespace : '',
      apiGroup: found.group,
      apiVersion: found.version,
      resource: found.plural,
      subresource: 'finalizers',
      name,
    })
    if (decision.allowed) return
    throw refuse(
      attributes,
      `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${decision.reason}, <nil>`,
    )
  }
}

const askedBy = ({ context: { user } }: AdmissionAttributes): Attributes => ({
  user,
  verb: '',
  namespace: '',
  apiGroup: '',
  apiVersion: '',
  resource: '',
  subresource: '',
  name: '',
  isResource: true,
  path: '',
})

const ownersOf = (object: AdmissionAttributes['object']): readonly OwnerReference[] =>
  (object?.metadata.ownerReferences ?? []) as readonly OwnerReference[]

/** Owners that this write keeps from going, and that could go before. */
function newlyBlocked({ object, oldObject }: AdmissionAttributes): readonly OwnerReference[] {
  const before = new Set(
    ownersOf(oldObject).flatMap(({ uid, blockOwnerDeletion }) => (blockOwnerDeletion ? [uid] : [])),
  )
  return ownersOf(object).filter(({ uid, blockOwnerDeletion }) => blockOwnerDeletion === true && !before.has(uid))
}
