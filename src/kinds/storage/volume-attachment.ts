import type { FieldErrors } from '../../schema/field-errors.ts'
import { equalJson } from '../../schema/freeze.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { dnsSubdomainFaults, subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  int32,
  map,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ageColumn, booleanColumn, nameColumn, textColumn } from '../columns.ts'
import { PersistentVolumeSpec } from '../core/shared.ts'
import { goValue } from '../go-value.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { immutable, invalidAll } from '../rules.ts'
import { validateDriverName } from './validation.ts'

export const VolumeAttachmentSource = object(
  'io.k8s.api.storage.v1.VolumeAttachmentSource',
  'The volume that is attached; exactly one member is set.',
  {
    persistentVolumeName: explicit(1, string, 'Name of the persistent volume.'),
    inlineVolumeSpec: explicit(
      2,
      PersistentVolumeSpec,
      'A volume that stands in the pod itself, in the form of a persistent volume.',
    ),
  },
)
export interface VolumeAttachmentSource extends Infer<typeof VolumeAttachmentSource> {}

export const VolumeAttachmentSpec = object(
  'io.k8s.api.storage.v1.VolumeAttachmentSpec',
  'What is to be attached where; cannot be changed.',
  {
    attacher: required(1, string, 'CSI driver that attaches the volume.'),
    source: required(2, VolumeAttachmentSource, 'The volume that is attached.'),
    nodeName: required(3, string, 'Node to which the volume is attached.'),
  },
)
export interface VolumeAttachmentSpec extends Infer<typeof VolumeAttachmentSpec> {}

export const VolumeError = object('io.k8s.api.storage.v1.VolumeError', 'An error when attaching or detaching.', {
  time: embedded(1, time, 'When the error happened.'),
  message: optional(2, string, 'The error in words for people; must hold no secrets.'),
  errorCode: explicit(3, int32, 'gRPC code of the error; absent when not known.'),
})
export interface VolumeError extends Infer<typeof VolumeError> {}

export const VolumeAttachmentStatus = object(
  'io.k8s.api.storage.v1.VolumeAttachmentStatus',
  'What is known about an attachment; written by the attacher.',
  {
    attached: required(1, bool, 'Whether the volume is attached.'),
    attachmentMetadata: optional(2, map(string), 'What the attacher passes on to mounting.'),
    attachError: explicit(3, VolumeError, 'Last error when attaching.'),
    detachError: explicit(4, VolumeError, 'Last error when detaching.'),
  },
)
export interface VolumeAttachmentStatus extends Infer<typeof VolumeAttachmentStatus> {}

export const volumeAttachmentSchema = object(
  'io.k8s.api.storage.v1.VolumeAttachment',
  'Asks for a volume to be attached to a node; deleting it detaches the volume.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, VolumeAttachmentSpec, 'What is to be attached where.'),
    status: embedded(3, VolumeAttachmentStatus, 'What is known about the attachment.'),
  },
)
export interface VolumeAttachment extends Infer<typeof volumeAttachmentSchema> {}

export const VolumeAttachment: Kind<VolumeAttachment> = defineKind<VolumeAttachment>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  namespaced: false,
  storageVersionHash: 'tJx/ezt6UDU=',
  schema: volumeAttachmentSchema,
  nameRule: subdomainNameRule,
  prepareCreate(attachment) {
    attachment.status = { attached: false }
  },
  prepareUpdate(attachment, old) {
    attachment.status = structuredClone(old.status) as Mutable<VolumeAttachmentStatus>
  },
  validate,
  validateUpdate(attachment, old, errors) {
    validate(attachment, errors)
    if (equalJson(attachment.spec, old.spec)) return
    errors.invalid('spec', goValue(VolumeAttachmentSpec, attachment.spec), immutable)
  },
  status: {},
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    {
      ...textColumn('Attacher', 'The driver that attaches the volume.', ({ spec }: VolumeAttachment) => spec.attacher),
      format: 'name',
    },
    textColumn('PV', 'The volume.', ({ spec }) => spec.source.persistentVolumeName ?? ''),
    textColumn('Node', 'The node to which it is attached.', ({ spec }) => spec.nodeName),
    booleanColumn('Attached', 'Whether it is attached.', ({ status }) => status.attached),
    ageColumn,
  ],
})

const exactlyOne = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'

function validate({ spec: { attacher, nodeName, source } }: VolumeAttachment, errors: FieldErrors): void {
  validateDriverName('spec.attacher', attacher, errors)
  const { persistentVolumeName, inlineVolumeSpec } = source
  if (persistentVolumeName === undefined && inlineVolumeSpec === undefined) errors.required('spec.source', exactlyOne)
  else if (persistentVolumeName !== undefined && inlineVolumeSpec !== undefined) {
    errors.forbidden('spec.source', exactlyOne)
  } else if (persistentVolumeName === '') {
    errors.required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName')
  }
  invalidAll('spec.nodeName', nodeName, dnsSubdomainFaults(nodeName), errors)
}
