import {
  bool,
  explicit,
  type Infer,
  int64,
  list,
  map,
  object,
  optional,
  rawObject,
  required,
  string,
  time,
} from '../../schema/types.ts'

export const ManagedFieldsEntry = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry',
  'The set of fields that one manager owns through one kind of operation.',
  {
    manager: optional(1, string, 'Name of the manager, usually the fieldManager of the request.'),
    operation: optional(2, string, 'Apply for server-side apply, Update for every other way of writing.'),
    apiVersion: optional(3, string, 'Group and version in whose terms the fields are named.'),
    time: explicit(4, time, 'When the set of fields last changed.'),
    fieldsType: optional(6, string, 'Format of fieldsV1; always FieldsV1.'),
    fieldsV1: optional(7, rawObject, 'The owned fields as a tree of path elements.'),
    subresource: optional(8, string, 'Subresource through which the fields were written; empty for the object itself.'),
  },
)
export interface ManagedFieldsEntry extends Infer<typeof ManagedFieldsEntry> {}

export const OwnerReference = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference',
  'Names an owner in the same namespace or in the cluster; when all owners are gone, the object is deleted.',
  {
    apiVersion: required(5, string, 'Group and version of the owner.'),
    kind: required(1, string, 'Kind of the owner.'),
    name: required(3, string, 'Name of the owner.'),
    uid: required(4, string, 'UID of the owner; a later object of the same name is not the owner.'),
    controller: explicit(6, bool, 'Whether the owner is the one that manages this object; at most one owner may be.'),
    blockOwnerDeletion: explicit(
      7,
      bool,
      'Whether a foreground deletion of the owner waits until this object is gone.',
    ),
  },
  { atomic: true },
)
export interface OwnerReference extends Infer<typeof OwnerReference> {}

export const ObjectMeta = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta',
  'Name, labels and the other facts that every stored object carries.',
  {
    name: optional(1, string, 'Name, unique among the objects of its kind in the namespace; cannot be changed.'),
    generateName: optional(
      2,
      string,
      'Prefix from which the server makes a name when name is empty, by appending five random characters.',
    ),
    namespace: optional(
      3,
      string,
      'Namespace in which the object lives; empty for cluster-scoped kinds; cannot be changed.',
    ),
    selfLink: optional(4, string, 'Never set; kept for old clients.'),
    uid: optional(5, string, 'Identifier that the server gives at creation; never used for another object.'),
    resourceVersion: optional(
      6,
      string,
      'Version of the stored object; an update that states another one fails with a conflict. Opaque to clients.',
    ),
    generation: optional(7, int64, 'Number that the server raises whenever the wished state changes.'),
    creationTimestamp: optional(8, time, 'When the server created the object, in UTC.'),
    deletionTimestamp: explicit(
      9,
      time,
      'When the object is to be gone; set by a graceful deletion, and never taken back.',
    ),
    deletionGracePeriodSeconds: explicit(
      10,
      int64,
      'Seconds of grace that the deletion gives; may only become shorter.',
    ),
    labels: optional(11, map(string), 'Key-value pairs by which objects are selected and grouped.'),
    annotations: optional(12, map(string), 'Key-value pairs for tools and people; not for selection.'),
    ownerReferences: optional(
      13,
      list(OwnerReference, { list: ['uid'], merge: 'uid' }),
      'Objects to which this one belongs; when all of them are gone, it is garbage.',
    ),
    finalizers: optional(
      14,
      list(string, { list: 'set', merge: true }),
      'Names of those who must finish their work before the object goes; each removes its own.',
    ),
    managedFields: optional(
      17,
      list(ManagedFieldsEntry, { list: 'atomic' }),
      'Who owns which fields, for server-side apply.',
    ),
  },
)
export interface ObjectMeta extends Infer<typeof ObjectMeta> {}
