import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import { embedded, type Infer, int64, object, optional, rawObject, required } from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { keepsValue, validateNotNegative } from '../rules.ts'

export const controllerRevisionSchema = object(
  'io.k8s.api.apps.v1.ControllerRevision',
  'A stored state of a controller, from which it can roll back; its data cannot be changed.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    data: optional(2, rawObject, 'The state, in the form that its controller chose.'),
    revision: required(3, int64, 'Number of the state; a higher one is newer.'),
  },
)
export interface ControllerRevision extends Infer<typeof controllerRevisionSchema> {}

function validate({ data, revision }: ControllerRevision, errors: FieldErrors): void {
  const value: unknown = data
  if (value === undefined || value === null) errors.required('data', 'data is mandatory')
  else if (typeof value !== 'object' || Array.isArray(value))
    errors.required('data', 'data must be a valid JSON object')
  validateNotNegative('revision', revision, errors)
}

export const ControllerRevision: Kind<ControllerRevision> = defineKind<ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  namespaced: true,
  storageVersionHash: '85nkx63pcBU=',
  schema: controllerRevisionSchema,
  nameRule: subdomainNameRule,
  validate,
  validateUpdate(revision, old, errors) {
    validate(revision, errors)
    keepsValue('data', revision.data, old.data, errors)
  },
  columns: [
    nameColumn,
    textColumn('Controller', 'What the revision belongs to.', ({ metadata }) => {
      const owner = metadata.ownerReferences?.find(({ controller }) => controller)
      if (!owner) return '<none>'
      const [group, version] = owner.apiVersion.includes('/') ? owner.apiVersion.split('/') : ['', owner.apiVersion]
      const kind = group ? `${owner.kind.toLowerCase()}.${group}` : owner.kind.toLowerCase()
      return version === undefined ? owner.name : `${kind}/${owner.name}`
    }),
    textColumn('Revision', 'Its place in the history.', ({ revision }) => revision),
    ageColumn,
  ],
})
