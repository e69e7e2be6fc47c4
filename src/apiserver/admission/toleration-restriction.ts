import { Namespace } from '../../kinds/core/namespace.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { computeQos } from '../../kinds/core/pod-qos.ts'
import type { Toleration } from '../../kinds/core/scheduling.ts'
import { ApiError, notFound } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'
import type { Fields } from './configuration.ts'
import { isFor, isWrite } from './is.ts'
import { covers, mergeTolerations } from './tolerations.ts'

const defaultsAnnotation = 'scheduler.alpha.kubernetes.io/defaultTolerations'
const whitelistAnnotation = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist'

const memoryPressure: Toleration = {
  key: 'node.kubernetes.io/memory-pressure',
  operator: 'Exists',
  effect: 'NoSchedule',
}

/** Pods get the tolerations of their namespace, and none that it does not list (`PodTolerationRestriction`). */
export function tolerationRestriction(reader: ClusterReader, configuration: Fields | undefined): AdmissionPlugin {
  const cluster = {
    defaults: configuration?.['default'] as readonly Toleration[] | undefined,
    whitelist: configuration?.['whitelist'] as readonly Toleration[] | undefined,
  }
  const ofNamespace = (namespace: string, annotation: string): readonly Toleration[] | undefined => {
    const found = reader.get(Namespace, '', namespace)
    if (!found) throw notFound({ group: '', resource: 'namespaces' }, namespace)
    const text = found.metadata.annotations?.[annotation]
    return text === undefined ? undefined : tolerationsIn(text)
  }

  function check({ tolerations = [] }: Pod['spec'], namespace: string): void {
    if (tolerations.length === 0) return
    const own = ofNamespace(namespace, whitelistAnnotation)
    const whitelist = own ?? cluster.whitelist ?? []
    if (whitelist.length === 0) return
    if (tolerations.every((toleration) => whitelist.some((listed) => covers(listed, toleration)))) return
    const scope = own === undefined ? 'cluster' : 'namespace'
    throw new ApiError(
      '',
      `pod tolerations (possibly merged with namespace default tolerations) conflict with its ${scope} whitelist`,
    )
  }

  return {
    name: 'PodTolerationRestriction',
    handles: (attributes) => isFor(attributes, 'pods') && isWrite(attributes),
    admit({ object, namespace, operation }) {
      const { spec } = object as Mutable<Pod>
      let tolerations: readonly Toleration[] = spec.tolerations ?? []
      if (operation === 'CREATE') {
        const defaults = ofNamespace(namespace, defaultsAnnotation) ?? cluster.defaults ?? []
        tolerations = mergeTolerations(defaults, tolerations)
      }
      // Only pods without any claim suffer first when memory is short.
      if (computeQos(spec as Pod['spec']) !== 'BestEffort')
        tolerations = mergeTolerations(tolerations, [memoryPressure])
      if (tolerations.length > 0) spec.tolerations = [...tolerations]
      check(spec as Pod['spec'], namespace)
    },
    validate: ({ object, namespace }) => check((object as Pod).spec, namespace),
  }
}

function tolerationsIn(text: string): readonly Toleration[] {
  try {
    return JSON.parse(text) as readonly Toleration[]
  } catch (error) {
    throw new ApiError('', (error as Error).message)
  }
}
