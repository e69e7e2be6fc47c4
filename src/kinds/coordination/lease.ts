import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { embedded, explicit, type Infer, int32, microTime, object, string } from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { validateNotNegative } from '../rules.ts'

export const LeaseSpec = object('io.k8s.api.coordination.v1.LeaseSpec', 'Who holds a lease and for how long.', {
  holderIdentity: explicit(1, string, 'Who holds the lease; absent or empty when nobody does.'),
  leaseDurationSeconds: explicit(2, int32, 'Seconds after renewTime from which others may take the lease.'),
  acquireTime: explicit(3, microTime, 'When the holder got the lease.'),
  renewTime: explicit(4, microTime, 'When the holder last renewed the lease.'),
  leaseTransitions: explicit(5, int32, 'How often the lease has changed hands.'),
  strategy: explicit(
    6,
    string,
    'How the next leader is chosen in coordinated election, such as OldestEmulationVersion.',
  ),
  preferredHolder: explicit(7, string, 'Who should get the lease next, so that the holder steps down; needs strategy.'),
})
export interface LeaseSpec extends Infer<typeof LeaseSpec> {}

export const leaseSchema = object(
  'io.k8s.api.coordination.v1.Lease',
  'A right that one party holds for a limited time: leader election and heartbeats of nodes.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, LeaseSpec, 'Who holds the lease and for how long.'),
  },
)
export interface Lease extends Infer<typeof leaseSchema> {}

export const Lease: Kind<Lease> = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  storageVersionHash: 'gqkMMb/YqFM=',
  schema: leaseSchema,
  nameRule: subdomainNameRule,
  prepareCreate: dropElectionFields,
  prepareUpdate: dropElectionFields,
  validate,
  validateUpdate: (lease, _old, errors) => validate(lease, errors),
  createOnUpdate: true,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    textColumn('Holder', 'Who holds the lease.', ({ spec }) => spec.holderIdentity ?? ''),
    ageColumn,
  ],
})

/** Coordinated leader election (KEP-4355) is off by default; its fields are not kept. */
function dropElectionFields({ spec }: Mutable<Lease>): void {
  spec.strategy = undefined
  spec.preferredHolder = undefined
}

function validate({ spec }: Lease, errors: FieldErrors): void {
  if (spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0) {
    errors.invalid('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0')
  }
  validateNotNegative('spec.leaseTransitions', spec.leaseTransitions, errors)
}
