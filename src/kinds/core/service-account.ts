import { defineKind, type Kind } from '../../schema/kind.ts'
import { bool, embedded, explicit, type Infer, list, object, optional } from '../../schema/types.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { LocalObjectReference, ObjectReference } from './references.ts'

export const serviceAccountSchema = object('io.k8s.api.core.v1.ServiceAccount', '', {
  ...typeMeta,
  metadata: embedded(1, ObjectMeta, ''),
  secrets: optional(2, list(ObjectReference, { list: ['name'], merge: 'name' }), ''),
  imagePullSecrets: optional(3, list(LocalObjectReference, { list: 'atomic' }), ''),
  automountServiceAccountToken: explicit(4, bool, ''),
})
export interface ServiceAccount extends Infer<typeof serviceAccountSchema> {}

export const ServiceAccount: Kind<ServiceAccount> = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  namespaced: true,
  storageVersionHash: 'pbx9ZvyFpBE=',
  schema: serviceAccountSchema,
  subresources: [
    { name: 'token', group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: ['create'] },
  ],
})
