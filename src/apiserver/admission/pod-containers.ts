import type { Pod } from '../../kinds/core/pod.ts'
import type { Mutable } from '../../schema/types.ts'

type Spec = Mutable<Pod>['spec']
type AnyContainer = NonNullable<Spec['containers'] | Spec['initContainers']>[number] | Ephemeral
type Ephemeral = NonNullable<Spec['ephemeralContainers']>[number]

/** Every container of a pod with its path, in the order in which the reference visits them. Not validated yet: there may be none. */
export function* containersOf({ initContainers, containers, ephemeralContainers }: Spec): Generator<{
  readonly container: AnyContainer
  readonly path: string
}> {
  for (const [field, list] of Object.entries({ initContainers, containers, ephemeralContainers })) {
    for (const [index, container] of (list ?? []).entries()) yield { container, path: `spec.${field}[${index}]` }
  }
}
