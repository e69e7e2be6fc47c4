import { bool, explicit, type Infer, int64, list, object, optional, string } from '../../schema/types.ts'
import { typeMeta } from './type-meta.ts'

export const Preconditions = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions',
  'What must hold of the stored object for the request to be carried out; otherwise it fails with a conflict.',
  {
    uid: explicit(1, string, 'UID that the stored object must have.'),
    resourceVersion: explicit(2, string, 'Resource version that the stored object must have.'),
  },
)
export interface Preconditions extends Infer<typeof Preconditions> {}

export const DeleteOptions = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions',
  'How an object is to be deleted.',
  {
    ...typeMeta,
    gracePeriodSeconds: explicit(
      1,
      int64,
      'Seconds that the object gets to end in an orderly way; 0 deletes at once, absent takes the default of the kind.',
    ),
    preconditions: explicit(
      2,
      Preconditions,
      'What must hold of the stored object, otherwise the deletion fails with a conflict.',
    ),
    orphanDependents: explicit(
      3,
      bool,
      'Old form of propagationPolicy: true orphans the dependents, false deletes them. Only one of the two may be set.',
    ),
    propagationPolicy: explicit(
      4,
      string,
      'What happens to dependents: Orphan leaves them, Background deletes them afterwards, Foreground before.',
    ),
    dryRun: optional(
      5,
      list(string, { list: 'atomic' }),
      'All runs every stage of the request without storing anything; the only permitted value.',
    ),
    ignoreStoreReadErrorWithClusterBreakingPotential: explicit(
      6,
      bool,
      'Deletes an object even though it cannot be read from the store; skips finalizers and preconditions. Dangerous.',
    ),
  },
)
export interface DeleteOptions extends Infer<typeof DeleteOptions> {}
