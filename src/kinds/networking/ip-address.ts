import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { dnsSubdomainFaults, pathSegmentFaults } from '../../schema/names.ts'
import { embedded, type Infer, object, optional, required, string } from '../../schema/types.ts'
import { nameColumn, textColumn } from '../columns.ts'
import { goValue } from '../go-value.ts'
import { ipNameRule } from '../ip-rules.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { immutable, invalidAll } from '../rules.ts'

export const ParentReference = object(
  'io.k8s.api.networking.v1.ParentReference',
  'Names the object to which an address belongs.',
  {
    group: optional(1, string, 'API group of the object; empty for the core group.'),
    resource: required(2, string, 'Resource of the object, such as services.'),
    namespace: optional(3, string, 'Namespace of the object; empty for cluster-scoped ones.'),
    name: required(4, string, 'Name of the object.'),
  },
)
export interface ParentReference extends Infer<typeof ParentReference> {}

export const IPAddressSpec = object('io.k8s.api.networking.v1.IPAddressSpec', 'To whom an address belongs.', {
  parentRef: required(1, ParentReference, 'The object to which the address belongs; needed, cannot be changed.'),
})
export interface IPAddressSpec extends Infer<typeof IPAddressSpec> {}

export const ipAddressSchema = object(
  'io.k8s.api.networking.v1.IPAddress',
  'Marks an address as taken; its name is the address in canonical form.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, IPAddressSpec, 'To whom the address belongs.'),
  },
)
export interface IPAddress extends Infer<typeof ipAddressSchema> {}

export const IPAddress: Kind<IPAddress> = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  shortNames: ['ip'],
  namespaced: false,
  storageVersionHash: '3f/plJFChNE=',
  schema: ipAddressSchema,
  nameRule: ipNameRule,
  validate,
  validateUpdate({ spec }, old, errors) {
    if (equalJson(spec.parentRef, old.spec.parentRef)) return
    errors.invalid('spec.parentRef', goValue(ParentReference, spec.parentRef), immutable)
  },
  columns: [
    nameColumn,
    textColumn('ParentRef', 'What the address belongs to.', ({ spec: { parentRef } }) => {
      const { group, resource, namespace, name } = parentRef
      return [group ? `${resource}.${group}` : resource, namespace, name].filter(Boolean).join('/')
    }),
  ],
})

function validate({ spec: { parentRef } }: IPAddress, errors: FieldErrors): void {
  const { group, resource, namespace, name } = parentRef
  if (!group && !resource && !namespace && !name) {
    errors.required('spec.parentRef')
    return
  }
  if (group) invalidAll('spec.parentRef.group', group, dnsSubdomainFaults(group), errors)
  if (!resource) errors.required('spec.parentRef.resource')
  else invalidAll('spec.parentRef.resource', resource, pathSegmentFaults(resource), errors)
  if (!name) errors.required('spec.parentRef.name')
  else invalidAll('spec.parentRef.name', name, pathSegmentFaults(name), errors)
  if (namespace) invalidAll('spec.parentRef.namespace', namespace, pathSegmentFaults(namespace), errors)
}
