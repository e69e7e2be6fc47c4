import type { ControllerRevision } from '../../kinds/apps/controller-revision.ts'
import { StatefulSet } from '../../kinds/apps/stateful-set.ts'
import type { PersistentVolumeClaim } from '../../kinds/core/persistent-volume-claim.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import type { PodTemplateSpec } from '../../kinds/core/pod-spec.ts'
import type { Draft } from '../../schema/types.ts'
import { controllerReference } from '../shared/owner.ts'
import { podFrom } from '../shared/pods.ts'

export const revisionLabel = 'controller-revision-hash'
const nameLabel = 'statefulset.kubernetes.io/pod-name'
const indexLabel = 'apps.kubernetes.io/pod-index'

export const firstOrdinal = ({ spec }: StatefulSet): number => spec.ordinals?.start ?? 0

/** Whether there shall be a pod of this number. */
export const isWanted = (set: StatefulSet, ordinal: number): boolean =>
  ordinal >= firstOrdinal(set) && ordinal < firstOrdinal(set) + (set.spec.replicas ?? 1)

export const podNameAt = ({ metadata }: StatefulSet, ordinal: number): string => `${metadata.name}-${ordinal}`

/** The number in the pod's name; undefined when the name is not one of this set. */
export function ordinalOf(set: StatefulSet, { metadata }: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`
  const number = metadata.name!.startsWith(prefix) ? metadata.name!.slice(prefix.length) : ''
  return /^(0|[1-9][0-9]*)$/.test(number) ? Number(number) : undefined
}

export const revisionOf = ({ metadata }: Pod): string | undefined => metadata.labels?.[revisionLabel]

/** The pod of a number, from the template of a revision. Its name, its host name and its storage stay its own for ever. */
export function podAt(set: StatefulSet, ordinal: number, revision: ControllerRevision): Draft<Pod> {
  const { name = '', namespace = '' } = set.metadata
  const podName = podNameAt(set, ordinal)
  const template = templateOf(revision)
  const draft = podFrom(template, { name, namespace }, controllerReference(StatefulSet, set))
  const { generateName: _, labels, ...metadata } = draft.metadata!
  return {
    metadata: {
      ...metadata,
      name: podName,
      labels: {
        ...labels,
        [indexLabel]: String(ordinal),
        [revisionLabel]: revision.metadata.name!,
        [nameLabel]: podName,
      },
    },
    spec: {
      ...template.spec,
      hostname: podName,
      subdomain: set.spec.serviceName,
      volumes: volumesAt(set, ordinal, template),
    },
  }
}

/** A revision's data is the template as a patch. */
function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { spec } = data as { readonly spec: { readonly template: PodTemplateSpec & { readonly $patch?: string } } }
  const { $patch: _, ...template } = spec.template
  return template
}

function volumesAt(set: StatefulSet, ordinal: number, { spec }: PodTemplateSpec) {
  const claims = set.spec.volumeClaimTemplates ?? []
  const ours = claims.map((claim) => ({
    name: claim.metadata.name!,
    persistentVolumeClaim: { claimName: claimName(set, claim, ordinal) },
  }))
  const others = (spec.volumes ?? []).filter(({ name }) => !ours.some((each) => each.name === name))
  return [...ours, ...others]
}

export function claimsAt(set: StatefulSet, ordinal: number): Draft<PersistentVolumeClaim>[] {
  return (set.spec.volumeClaimTemplates ?? []).map((claim) => ({
    ...claim,
    metadata: {
      ...claim.metadata,
      name: claimName(set, claim, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...claim.metadata.labels, ...set.spec.selector.matchLabels },
    },
  }))
}

const claimName = (set: StatefulSet, claim: PersistentVolumeClaim, ordinal: number) =>
  `${claim.metadata.name}-${set.metadata.name}-${ordinal}`
