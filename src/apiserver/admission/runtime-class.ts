import { compareQuantities } from '../../base/quantity.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { RuntimeClass } from '../../kinds/node/runtime-class.ts'
import { equalJson } from '../../schema/freeze.ts'
import { forbidden } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'

/** Gives pods the overhead, the node selector and the tolerations of the runtime class that they name (KEP-585, KEP-688). */
export function runtimeClass(reader: ClusterReader): AdmissionPlugin {
  const classOf = ({ spec }: Pod) =>
    spec.runtimeClassName ? reader.get(RuntimeClass, '', spec.runtimeClassName) : undefined
  return {
    name: 'RuntimeClass',
    completes: true,
    handles: ({ kind, operation, subresource }) =>
      kind.plural === 'pods' && kind.group === '' && operation === 'CREATE' && subresource === '',
    admit({ object, name }) {
      const pod = object as Mutable<Pod>
      const refuse = refusal(pod, name)
      const found = classOf(pod)
      if (pod.spec.runtimeClassName && !found) {
        throw refuse(`pod rejected: RuntimeClass "${pod.spec.runtimeClassName}" not found`)
      }
      if (!found) return
      const conflict = addOverhead(pod, found) ?? addScheduling(pod, found)
      if (conflict !== undefined) throw refuse(conflict)
    },
    validate({ object, name }) {
      const pod = object as Pod
      if (!isEmpty(pod.spec.overhead) && isEmpty(classOf(pod)?.overhead?.podFixed)) {
        throw refusal(pod, name)('pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
      }
    },
  }
}

const refusal = (pod: Pod, name: string) => (why: string) =>
  forbidden({ group: '', resource: 'pods' }, pod.metadata.name ?? name, why)

const isEmpty = (amounts: object | undefined) => Object.keys(amounts ?? {}).length === 0

/** Says what is wrong when the pod states another overhead already. */
function addOverhead({ spec }: Mutable<Pod>, { overhead }: RuntimeClass): string | undefined {
  const amounts = overhead?.podFixed
  if (amounts === undefined) return undefined
  if (!isEmpty(spec.overhead) && !isSameAmounts(spec.overhead!, amounts)) {
    return "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
  }
  spec.overhead = { ...amounts }
  return undefined
}

type Amounts = Readonly<Record<string, string>>

const isSameAmounts = (left: Amounts, right: Amounts) =>
  Object.keys(left).length === Object.keys(right).length &&
  Object.entries(left).every(([name, amount]) => name in right && compareQuantities(amount, right[name]!) === 0)

/** Says what is wrong when the pod wants to go elsewhere. */
function addScheduling({ spec }: Mutable<Pod>, { scheduling }: RuntimeClass): string | undefined {
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    const given = spec.nodeSelector?.[key]
    if (given !== undefined && given !== value) {
      return `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${given}`
    }
  }
  if (scheduling?.nodeSelector) spec.nodeSelector = { ...spec.nodeSelector, ...scheduling.nodeSelector }
  for (const toleration of scheduling?.tolerations ?? []) {
    const isThere = spec.tolerations?.some((existing) => equalJson(existing, toleration))
    if (!isThere) spec.tolerations = [...(spec.tolerations ?? []), { ...toleration }]
  }
  return undefined
}
