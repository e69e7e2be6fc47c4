import { Namespace } from '../kinds/core/namespace.ts'
import { Node } from '../kinds/core/node.ts'
import { Pod } from '../kinds/core/pod.ts'
import { PodDisruptionBudget } from '../kinds/policy/pod-disruption-budget.ts'
import type { Kind } from '../schema/kind.ts'
import { deviceKinds } from './plugins/dynamic-resources.ts'
import { ownerKinds } from './plugins/owners-selector.ts'
import { storageKinds } from './plugins/volume-claims.ts'

/** All kinds that the scheduler reads. */
export const readKinds: readonly Kind[] = [
  Node,
  Pod,
  Namespace,
  PodDisruptionBudget,
  ...ownerKinds,
  ...storageKinds,
  ...deviceKinds,
]
