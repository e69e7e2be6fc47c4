import { secondsTime } from '../../base/seconds-time.ts'
import type { Binding } from '../../kinds/core/binding.ts'
import { Pod } from '../../kinds/core/pod.ts'
import type { ApiObject } from '../../schema/kind.ts'
import { ApiError, badRequest, conflict } from '../../schema/status.ts'
import type { RequestContext } from '../context.ts'
import { created, type Resources } from './resources.ts'

/** Puts a pod on a node, once and for all. What labels and annotations the binding has the pod gets, too. */
export async function bind(
  resources: Resources,
  namespace: string,
  name: string,
  body: ApiObject,
  context: RequestContext,
): Promise<object> {
  const binding = body as Binding
  const { metadata, target } = binding
  if ((metadata.namespace ?? namespace) !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  if (metadata.name !== name) throw badRequest('name in URL does not match name in Binding object')
  checkTarget(target)
  const now = secondsTime(resources.world.clock.now())
  const change = (pod: Pod | undefined) => bound(pod!, binding, now)
  const uid = metadata.uid
  await resources.resource(Pod).update(namespace, name, 'binding', change, context, {
    keepsManagers: true,
    derived: true,
    ...(uid && { uid }),
  })
  return created
}

/** The reference does not make an Invalid of these faults, so they come as a 500 without a reason. */
function checkTarget({ kind = '', name = '' }: Binding['target']): void {
  const faults = [
    ...(kind === '' || kind === 'Node'
      ? []
      : [`target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`]),
    ...(name === '' ? ['target.name: Required value'] : []),
  ]
  if (faults.length > 0) throw new ApiError('', faults.length === 1 ? faults[0]! : `[${faults.join(', ')}]`)
}

function bound(pod: Pod, { metadata, target }: Binding, now: string): Pod {
  const name = pod.metadata.name ?? ''
  const refuse = (why: string) => conflict({ group: '', resource: 'pods/binding' }, name, `pod ${name} ${why}`)
  if (pod.metadata.deletionTimestamp !== undefined) throw refuse('is being deleted, cannot be assigned to a host')
  if ((pod.spec.nodeName ?? '') !== '') throw refuse(`is already assigned to node "${pod.spec.nodeName}"`)
  if ((pod.spec.schedulingGates ?? []).length > 0) throw refuse('has non-empty .spec.schedulingGates')
  // The node that it waited for says nothing any more (KEP-5278).
  const { nominatedNodeName: _, ...status } = pod.status
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: merged(pod.metadata.labels, metadata.labels),
      annotations: merged(pod.metadata.annotations, metadata.annotations),
    },
    spec: { ...pod.spec, nodeName: target.name ?? '' },
    status: { ...status, conditions: scheduled(status.conditions ?? [], now) },
  } as Pod
}

type Words = Readonly<Record<string, string>> | undefined

const merged = (current: Words, more: Words): Words => (more === undefined ? current : { ...current, ...more })

type Conditions = NonNullable<Pod['status']['conditions']>

function scheduled(conditions: Conditions, now: string): Conditions {
  const others = conditions.filter(({ type }) => type !== 'PodScheduled')
  const condition = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now }
  return [...others, condition as unknown as Conditions[number]]
}
