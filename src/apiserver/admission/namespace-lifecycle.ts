import { Namespace } from '../../kinds/core/namespace.ts'
import { ApiError, forbidden, notFound } from '../../schema/status.ts'
import type { AdmissionPlugin, ClusterReader } from '../admission.ts'

/** Namespaces that cannot be deleted. */
const immortal: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public'])

/** Nothing is created in a namespace that is not there or that is going away, and three namespaces stay for good. */
export function namespaceLifecycle(reader: ClusterReader): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    completes: true,
    handles: ({ operation, kind }) =>
      (operation === 'CREATE' && kind.namespaced) ||
      (operation === 'DELETE' && kind.plural === 'namespaces' && kind.group === ''),
    // Deleting changes no object, so there only this is asked.
    validate({ operation, name }) {
      if (operation === 'DELETE' && immortal.has(name)) {
        throw forbidden(namespaces, name, 'this namespace may not be deleted')
      }
    },
    admit(attributes) {
      const { operation, kind, namespace, name, subresource } = attributes
      if (operation !== 'CREATE') return
      // A review of access says nothing about what is there, so it may be asked of any namespace.
      if (kind.group === 'authorization.k8s.io') return
      const found = reader.get(Namespace, '', namespace)
      if (!found) throw notFound(namespaces, namespace)
      if (found.metadata.deletionTimestamp === undefined || subresource !== '') return
      const refusal = forbidden(
        { group: kind.group, resource: kind.plural },
        attributes.object?.metadata.name ?? name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      )
      throw new ApiError('Forbidden', refusal.message, {
        details: {
          ...refusal.details,
          causes: [
            {
              reason: 'NamespaceTerminating',
              message: `namespace ${namespace} is being terminated`,
              field: 'metadata.namespace',
            },
          ],
        },
      })
    },
  }
}

const namespaces = { group: '', resource: 'namespaces' }
