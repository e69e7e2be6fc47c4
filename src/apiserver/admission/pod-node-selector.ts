import { Namespace } from '../../kinds/core/namespace.ts'
import type { Pod } from '../../kinds/core/pod.ts'
import { notFound } from '../../schema/status.ts'
import type { Mutable } from '../../schema/types.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../admission.ts'
import { ConfigurationError, type Fields } from './configuration.ts'
import { isFor } from './is.ts'
import { refuse } from './refuse.ts'

const annotation = 'scheduler.alpha.kubernetes.io/node-selector'
const clusterDefault = 'clusterDefaultNodeSelector'

type Labels = Readonly<Record<string, string>>

/**
 * Binds the pods of a namespace to certain nodes (`PodNodeSelector`): the namespace, or the configuration for those that
 * say nothing, adds to every pod's node selector; and the configuration may list what a namespace may select at all.
 */
export function podNodeSelector(reader: ClusterReader, configuration: Fields | undefined): AdmissionPlugin {
  const given = (configuration?.['podNodeSelectorPluginConfig'] ?? {}) as Readonly<Record<string, string>>
  const byNamespace = new Map(Object.entries(given).map(([namespace, text]) => [namespace, labelsIn(text)]))
  const selectorOf = (namespace: string): Labels => {
    const found = reader.get(Namespace, '', namespace)
    if (!found) throw notFound({ group: '', resource: 'namespaces' }, namespace)
    const text = found.metadata.annotations?.[annotation]
    return text === undefined ? (byNamespace.get(clusterDefault) ?? {}) : labelsIn(text)
  }

  function check(attributes: AdmissionAttributes): void {
    const { nodeSelector = {} } = (attributes.object as Pod).spec
    const ofNamespace = selectorOf(attributes.namespace)
    if (Object.entries(ofNamespace).some(([key, value]) => key in nodeSelector && nodeSelector[key] !== value)) {
      throw refuse(attributes, 'pod node label selector conflicts with its namespace node label selector')
    }
    const allowed = Object.entries(byNamespace.get(attributes.namespace) ?? {})
    if (allowed.length === 0) return
    const isAllowed = Object.entries(nodeSelector).every(([key, value]) =>
      allowed.some(([allowedKey, allowedValue]) => key === allowedKey && value === allowedValue),
    )
    if (!isAllowed) throw refuse(attributes, 'pod node label selector labels conflict with its namespace whitelist')
  }

  return {
    name: 'PodNodeSelector',
    handles: (attributes) => isFor(attributes, 'pods') && attributes.operation === 'CREATE',
    admit(attributes) {
      const { spec } = attributes.object as Mutable<Pod>
      const merged = { ...selectorOf(attributes.namespace), ...spec.nodeSelector }
      if (Object.keys(merged).length > 0) spec.nodeSelector = merged
      check(attributes)
    },
    validate: check,
  }
}

/** `key=value,key=value`. */
function labelsIn(text: string): Labels {
  if (text.trim() === '') return {}
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [key = '', value, ...rest] = pair.split('=')
      if (value === undefined || rest.length > 0) throw new ConfigurationError(`invalid selector: ${text}`)
      return [key.trim(), value.trim()]
    }),
  )
}
