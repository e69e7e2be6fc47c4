import { Pod } from '../../kinds/core/pod.ts'
import { computeQos } from '../../kinds/core/pod-qos.ts'
import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import type { Mutable } from '../../schema/types.ts'

/**
 * Changing what running containers may use (KEP-1287). Of what is sent only the containers' resources count; a pod
 * keeps its class of service, and a request or limit that is there cannot be taken away.
 */

type Container = Pod['spec']['containers'][number]
type Amounts = Readonly<Record<string, string>>

/** Everything but resources (and resize policies, which validation refuses to change) goes back to what it was. */
export function prepareResize(pod: Mutable<Pod>, old: Pod): void {
  const spec = { ...old.spec, containers: resized(old.spec.containers, pod.spec.containers) }
  if (old.spec.initContainers) {
    spec.initContainers = resized(old.spec.initContainers, pod.spec.initContainers ?? []) as typeof spec.initContainers
  }
  pod.spec = spec as unknown as typeof pod.spec
  pod.status = old.status as typeof pod.status
  const { labels, annotations, ownerReferences, finalizers } = old.metadata
  Object.assign(pod.metadata, { labels, annotations, ownerReferences, finalizers })
  if (!equalJson(spec, old.spec)) pod.metadata.generation = (old.metadata.generation ?? 0) + 1
}

function resized(old: readonly Container[], sent: readonly Container[]): Container[] {
  return old.map((container) => {
    const wanted = sent.find(({ name }) => name === container.name)
    if (wanted === undefined) return container
    return { ...container, resources: wanted.resources, resizePolicy: wanted.resizePolicy } as Container
  })
}

export function validateResize(pod: Pod, old: Pod, errors: FieldErrors): void {
  Pod.validate(pod, errors)
  const qosClass = old.status.qosClass ?? computeQos(old.spec)
  if (computeQos(pod.spec) !== qosClass) {
    errors.invalid('spec', qosClass, 'Pod QOS Class may not change as a result of resizing')
  }
  old.spec.containers.forEach((container, index) => {
    const path = `spec.containers[${index}].resources`
    const wanted = pod.spec.containers[index]?.resources
    if (misses(wanted?.requests, container.resources?.requests)) {
      errors.forbidden(`${path}.requests`, 'resource requests cannot be removed')
    }
    if (misses(wanted?.limits, container.resources?.limits)) {
      errors.forbidden(`${path}.limits`, 'resource limits cannot be removed')
    }
  })
  if (!equalJson(withoutMutable(pod), withoutMutable(old))) {
    errors.forbidden('spec', 'only cpu and memory resources are mutable')
  }
}

const mutable = ['cpu', 'memory']

const misses = (wanted: Amounts = {}, old: Amounts = {}): boolean =>
  mutable.some((name) => old[name] !== undefined && wanted[name] === undefined)

const withoutMutable = ({ spec }: Pod) => ({
  containers: spec.containers.map(fixedPart),
  initContainers: (spec.initContainers ?? []).map(fixedPart),
})

function fixedPart(container: Container): object {
  const { requests = {}, limits = {}, ...rest } = container.resources ?? {}
  return { ...container, resources: { ...rest, requests: fixedAmounts(requests), limits: fixedAmounts(limits) } }
}

const fixedAmounts = (amounts: Amounts): Amounts =>
  Object.fromEntries(Object.entries(amounts).filter(([name]) => !mutable.includes(name)))
