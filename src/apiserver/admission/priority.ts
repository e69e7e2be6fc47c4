import type { Pod } from '../../kinds/core/pod.ts'
import { PriorityClass } from '../../kinds/scheduling/priority-class.ts'
import { forbidden } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../admission.ts'
import { isFor, isWrite, nameOf } from './is.ts'
import { refuse } from './refuse.ts'

/** Puts the number behind a priority class's name into the pod, which may not choose one itself. */
export function priority(reader: ClusterReader): AdmissionPlugin {
  return {
    name: 'Priority',
    completes: true,
    handles: (attributes) => isWrite(attributes) && (isFor(attributes, 'pods') || isClass(attributes)),
    validate(attributes) {
      if (isClass(attributes)) checkDefault(attributes, reader)
    },
    admit(attributes) {
      if (isClass(attributes)) return
      const { object, oldObject, name } = attributes
      const pod = object as Mutable<Pod>
      if (oldObject) return keepPriority(pod, oldObject as Pod)
      const { spec } = pod
      const say = (why: string) => forbidden({ group: '', resource: 'pods' }, pod.metadata.name ?? name, why)
      const found = spec.priorityClassName
        ? reader.get(PriorityClass, '', spec.priorityClassName)
        : globalDefault(reader)
      if (spec.priorityClassName && !found) throw say(`no PriorityClass with name ${spec.priorityClassName} was found`)
      if (!spec.priorityClassName && found) spec.priorityClassName = found.metadata.name!

      const value = found?.value ?? 0
      if (spec.priority !== undefined && spec.priority !== value)
        throw say(
          `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        )
      spec.priority = value

      const preemption = (found?.preemptionPolicy ?? 'PreemptLowerPriority') as NonNullable<
        Pod['spec']['preemptionPolicy']
      >
      if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemption)
        throw say(
          `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemption} from the given PriorityClass name`,
        )
      spec.preemptionPolicy = preemption
    },
  }
}

const isClass = (attributes: AdmissionAttributes) => isFor(attributes, 'priorityclasses', 'scheduling.k8s.io')

/** Only one class may be that of pods that name none. */
function checkDefault(attributes: AdmissionAttributes, reader: ClusterReader): void {
  if (!(attributes.object as PriorityClass).globalDefault) return
  const current = globalDefault(reader)?.metadata.name
  if (current === undefined || (attributes.operation === 'UPDATE' && current === nameOf(attributes))) return
  throw refuse(attributes, `PriorityClass ${current} is already marked as default. Only one default can exist`)
}

/** Whoever writes a pod anew need not know what was put into it when it was made. */
function keepPriority({ spec }: Mutable<Pod>, { spec: old }: Pod): void {
  if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority
  if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined) {
    spec.preemptionPolicy = old.preemptionPolicy
  }
}

/** The class of pods that name none; of several that claim to be it, the one with the lowest value. */
function globalDefault(reader: ClusterReader): PriorityClass | undefined {
  return reader
    .list(PriorityClass, '')
    .filter((candidate) => candidate.globalDefault)
    .reduce<PriorityClass | undefined>((least, next) => (least && least.value <= next.value ? least : next), undefined)
}
