/**
 * What the reference's default admission plugins do to a pod, as far as recordings show it: for tests of a pod's own
 * hooks, which see pods after admission. The names of token volumes are taken from the recorded answer.
 */
type Json = Record<string, unknown>

interface Named extends Json {
  readonly name: string
}

interface PodLike {
  readonly spec: Json & {
    tolerations?: Json[]
    volumes?: Named[]
    containers?: (Json & { volumeMounts?: Named[] })[]
    initContainers?: (Json & { volumeMounts?: Named[] })[]
  }
}

export function admitPod(object: Json, old: Json | undefined, answer: Json): void {
  const { spec } = object as unknown as PodLike
  if (!old) {
    spec.serviceAccountName ??= 'default'
    spec.priority ??= 0
    spec.preemptionPolicy ??= 'PreemptLowerPriority'
    if (answer.kind === 'Pod') addTokenVolume(spec, (answer as unknown as PodLike).spec)
  }
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerations = spec.tolerations ?? []
    if (tolerations.some((toleration) => toleration.key === key || !toleration.key)) continue
    spec.tolerations = [...tolerations, { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }]
  }
}

const isToken = ({ name }: Named): boolean => name.startsWith('kube-api-access-')

function addTokenVolume(spec: PodLike['spec'], recorded: PodLike['spec']): void {
  const volumes = recorded.volumes?.filter(isToken) ?? []
  if (volumes.length > 0) spec.volumes = [...(spec.volumes ?? []), ...structuredClone(volumes)]
  for (const list of ['containers', 'initContainers'] as const) {
    spec[list]?.forEach((container, index) => {
      const mounts = recorded[list]?.[index]?.volumeMounts?.filter(isToken) ?? []
      if (mounts.length > 0) container.volumeMounts = [...(container.volumeMounts ?? []), ...structuredClone(mounts)]
    })
  }
}
