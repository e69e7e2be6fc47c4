/** What a write through a pod's `status` may do. */
import type { FieldErrors } from '../../schema/field-errors.ts'
import { dnsSubdomainFaults } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { isSidecar } from './container-amounts.ts'
import { checkQualifiedName } from './field-checks.ts'
import type { ContainerStatus, Pod } from './pod.ts'

/** The class was found at creation; what owns the pod is not the node agent's to say. */
export function preparePodStatus(pod: Mutable<Pod>, old: Pod): void {
  pod.spec = old.spec as Mutable<Pod>['spec']
  if (old.metadata.ownerReferences) {
    pod.metadata.ownerReferences = structuredClone(old.metadata.ownerReferences) as typeof pod.metadata.ownerReferences
  } else delete pod.metadata.ownerReferences
  if (!pod.status.qosClass && old.status.qosClass) pod.status.qosClass = old.status.qosClass
}

const systemConditions = new Set([
  'PodScheduled',
  'Ready',
  'Initialized',
  'ContainersReady',
  'DisruptionTarget',
  'PodReadyToStartContainers',
  'PodResizePending',
  'PodResizeInProgress',
])

export function validatePodStatus(pod: Pod, old: Pod, errors: FieldErrors): void {
  pod.status.conditions?.forEach(({ type }, index) => {
    if (!systemConditions.has(type)) checkQualifiedName(errors, `metadata.conditions[${index}].Type`, type)
  })
  const nominated = pod.status.nominatedNodeName
  if (nominated && nominated !== old.status.nominatedNodeName) {
    if (old.spec.nodeName) {
      errors.forbidden('status.nominatedNodeName', 'may not be set on pods that are already bound to a node')
    }
    for (const fault of dnsSubdomainFaults(nominated)) errors.invalid('status.nominatedNodeName', nominated, fault)
  }
  if (old.status.qosClass && pod.status.qosClass !== old.status.qosClass) {
    errors.invalid('status.qosClass', pod.status.qosClass ?? '', 'field is immutable')
  }
  validateTransitions(pod, old, errors)
  validateAddresses(pod, errors)
}

/** A container that has ended stays so, unless the pod's policy lets it begin again. */
function validateTransitions(pod: Pod, old: Pod, errors: FieldErrors): void {
  const { restartPolicy } = old.spec
  const containers = [...(old.spec.containers ?? []), ...(old.spec.initContainers ?? [])]
  const mayRestart = (status: ContainerStatus): boolean => {
    const container = containers.find(({ name }) => name === status.name)
    if (container && (isSidecar(container) || container.restartPolicyRules || container.restartPolicy)) return true
    return status.state.terminated?.exitCode !== 0 && restartPolicy === 'OnFailure'
  }
  if (restartPolicy === 'Always') return
  for (const list of ['containerStatuses', 'initContainerStatuses'] as const) {
    old.status[list]?.forEach((before, index) => {
      if (!before.state.terminated || mayRestart(before)) return
      const now = pod.status[list]?.find(({ name }) => name === before.name)
      if (now && !now.state.terminated) {
        errors.forbidden(`status.${list}[${index}].state`, 'may not be transitioned to non-terminated state')
      }
    })
  }
}

function validateAddresses({ status }: Pod, errors: FieldErrors): void {
  for (const list of ['podIPs', 'hostIPs'] as const) {
    const seen = new Set<string>()
    status[list]?.forEach(({ ip }, index) => {
      if (seen.has(ip)) errors.duplicate(`status.${list}[${index}]`, { IP: ip })
      seen.add(ip)
    })
    const families = new Set([...seen].map((ip) => ip.includes(':')))
    const many = status[list]?.length ?? 0
    if (many > 2 || (many === 2 && families.size !== 2)) {
      const shown = status[list]?.map(({ ip }) => ({ IP: ip }))
      const detail = 'may specify no more than one IP for each IP family'
      errors.invalid(`status.${list}`, shown, detail)
    }
  }
}
