import { Namespace } from '../../kinds/core/namespace.ts'
import { notFound } from '../../schema/status.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../admission.ts'

const isInNamespace = ({ namespace, kind }: AdmissionAttributes) =>
  namespace !== '' && !(kind.group === '' && kind.plural === 'namespaces')

/** Makes the namespace in which somebody makes something (`NamespaceAutoProvision`). */
export function namespaceAutoProvision(
  reader: ClusterReader,
  createNamespace: (name: string) => Promise<void>,
): AdmissionPlugin {
  return {
    name: 'NamespaceAutoProvision',
    handles: (attributes) =>
      attributes.operation === 'CREATE' && isInNamespace(attributes) && !attributes.context.dryRun,
    async admit({ namespace }) {
      if (!reader.get(Namespace, '', namespace)) await createNamespace(namespace)
    },
  }
}

/** Nothing is written or deleted in a namespace that is not there (`NamespaceExists`). */
export function namespaceExists(reader: ClusterReader): AdmissionPlugin {
  return {
    name: 'NamespaceExists',
    handles: (attributes) => attributes.operation !== 'CONNECT' && isInNamespace(attributes),
    validate({ namespace }) {
      if (!reader.get(Namespace, '', namespace)) throw notFound({ group: '', resource: 'namespaces' }, namespace)
    },
  }
}
