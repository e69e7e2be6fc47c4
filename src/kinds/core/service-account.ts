import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { bool, embedded, explicit, type Infer, list, object, optional } from '../../schema/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { LocalObjectReference, ObjectReference } from './references.ts'

export const serviceAccountSchema = object(
  'io.k8s.api.core.v1.ServiceAccount',
  'An identity for the processes in pods.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    secrets: optional(
      2,
      list(ObjectReference, { list: ['name'], merge: 'name' }),
      'Secrets that pods of the account may use; only enforced by annotation, and deprecated.',
    ),
    imagePullSecrets: optional(
      3,
      list(LocalObjectReference, { list: 'atomic' }),
      'Secrets for pulling images, given to pods of the account that name none.',
    ),
    automountServiceAccountToken: explicit(
      4,
      bool,
      'Whether pods get a token mounted; true when absent, and the pod may override it.',
    ),
  },
)
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
  nameRule: subdomainNameRule,
  prepareCreate: keepNamesOfSecrets,
  prepareUpdate: keepNamesOfSecrets,
  warnings(account, old) {
    const enforces = account.metadata.annotations?.[enforceMountableSecrets] !== undefined
    const before = old?.metadata.annotations?.[enforceMountableSecrets] !== undefined
    if (!enforces || before) return []
    return [
      `metadata.annotations[${enforceMountableSecrets}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
    ]
  },
  columns: [nameColumn, ageColumn],
})

const enforceMountableSecrets = 'kubernetes.io/enforce-mountable-secrets'

/** A reference to a secret is its name; the reference drops everything else. */
function keepNamesOfSecrets(account: Mutable<ServiceAccount>): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name ? { name } : {}))
}
