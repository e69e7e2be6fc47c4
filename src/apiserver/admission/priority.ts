import type { Pod } from '../../kinds/core/pod.ts'
import { PriorityClass } from '../../kinds/scheduling/priority-class.ts'
import { forbidden } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'

/** Puts the number behind a priority class's name into the pod, which may not choose one itself. */
export function priority(reader: ClusterReader): AdmissionPlugin {
  return {
    name: 'Priority',
    handles: ({ kind, operation, subresource }) =>
      kind.plural === 'pods' && kind.group === '' && subresource === '' && operation === 'CREATE',
    admit({ object, name }) {
      const pod = object as Mutable<Pod>
      const { spec } = pod
      const refuse = (why: string) => forbidden({ group: '', resource: 'pods' }, pod.metadata.name ?? name, why)
      const found = spec.priorityClassName
        ? reader.get(PriorityClass, '', spec.priorityClassName)
        : globalDefault(reader)
      if (spec.priorityClassName && !found)
        throw refuse(`no PriorityClass with name ${spec.priorityClassName} was found`)
      if (!spec.priorityClassName && found) spec.priorityClassName = found.metadata.name!

      const value = found?.value ?? 0
      if (spec.priority !== undefined && spec.priority !== value)
        throw refuse(
          `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        )
      spec.priority = value

      const preemption = (found?.preemptionPolicy ?? 'PreemptLowerPriority') as NonNullable<
        Pod['spec']['preemptionPolicy']
      >
      if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemption)
        throw refuse(
          `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemption} from the given PriorityClass name`,
        )
      spec.preemptionPolicy = preemption
    },
  }
}

/** The class of pods that name none; of several that claim to be it, the one with the lowest value. */
function globalDefault(reader: ClusterReader): PriorityClass | undefined {
  return reader
    .list(PriorityClass, '')
    .filter((candidate) => candidate.globalDefault)
    .reduce<PriorityClass | undefined>((least, next) => (least && least.value <= next.value ? least : next), undefined)
}
