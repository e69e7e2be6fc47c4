import { ReplicaSet } from '../../kinds/apps/replica-set.ts'
import { StatefulSet } from '../../kinds/apps/stateful-set.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { ReplicationController } from '../../kinds/core/replication-controller.ts'
import { Service } from '../../kinds/core/service.ts'
import { type Labels, type Matcher, mapMatcherOf, matcherOf } from '../../reconciler/selector.ts'
import type { Kind } from '../../schema/kind.ts'
import type { Objects } from '../plugin.ts'

/** Kinds that are read to find out to whom a pod belongs. */
export const ownerKinds: readonly Kind[] = [Service, ReplicationController, ReplicaSet, StatefulSet]

/** Selects the pods of the same services and the same controller; nothing for a pod that belongs to nobody. */
export function ownersSelector(pod: Pod, objects: Objects) {
  const { namespace = '', labels, ownerReferences } = pod.metadata
  const equal: Record<string, string> = {}
  for (const { spec } of objects.of(Service).list(namespace))
    if (spec?.selector && mapMatcherOf(spec.selector)(labels)) Object.assign(equal, spec.selector)
  const owner = ownerReferences?.find(({ controller }) => controller)
  const further = owner && furtherSelector(owner, namespace, objects, equal)
  const pairs = Object.entries(equal).sort(([a], [b]) => (a < b ? -1 : 1))
  if (pairs.length === 0 && !further) return undefined
  const selects: Matcher = (given: Labels | undefined) =>
    pairs.every(([key, value]) => given?.[key] === value) && (further?.selects(given) ?? true)
  return {
    selects,
    selectorKey: JSON.stringify([pairs, further?.key]),
    label: pairs[0]?.join('=') ?? further?.label,
  }
}

function furtherSelector(
  { kind, name }: { readonly kind: string; readonly name: string },
  namespace: string,
  objects: Objects,
  equal: Record<string, string>,
) {
  if (kind === 'ReplicationController') {
    Object.assign(equal, objects.of(ReplicationController).get(namespace, name)?.spec?.selector)
    return undefined
  }
  const selector =
    kind === 'ReplicaSet'
      ? objects.of(ReplicaSet).get(namespace, name)?.spec?.selector
      : kind === 'StatefulSet'
        ? objects.of(StatefulSet).get(namespace, name)?.spec?.selector
        : undefined
  if (!selector) return undefined
  const label = Object.entries(selector.matchLabels ?? {})[0]?.join('=')
  return { selects: matcherOf(selector), key: JSON.stringify(selector), label }
}
