import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import { embedded, type Infer, object } from '../../schema/types.ts'
import { containerImages, containerNames } from '../apps/workload-columns.ts'
import { labelsText, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, startGeneration } from '../rules.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { PodTemplateSpec } from './pod-spec.ts'
import { validatePodTemplate } from './pod-template-validation.ts'
import { templateWarnings } from './pod-warnings.ts'

export const podTemplateSchema = object(
  'io.k8s.api.core.v1.PodTemplate',
  'A stored template of a pod; no controller acts on it by itself.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    template: embedded(2, PodTemplateSpec, 'The template of the pods.'),
  },
)
export interface PodTemplate extends Infer<typeof podTemplateSchema> {}

export const PodTemplate: Kind<PodTemplate> = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  namespaced: true,
  storageVersionHash: 'LIXB2x4IFpk=',
  schema: podTemplateSchema,
  nameRule: subdomainNameRule,
  defaults: ({ template }) => defaultPodTemplate(template),
  prepareCreate: startGeneration,
  prepareUpdate: (object, old) => countChange(object, old, ({ template }) => template),
  validate: ({ template }, errors) => validatePodTemplate(template, 'template', errors),
  validateUpdate: ({ template }, _old, errors) => validatePodTemplate(template, 'template', errors),
  warnings: ({ metadata, template }, old) =>
    old && metadata.generation === old.metadata.generation ? [] : templateWarnings(template, 'template'),
  columns: [
    nameColumn,
    textColumn('Containers', "The names of the pod's containers.", ({ template }) => containerNames(template)),
    textColumn('Images', "The images of the pod's containers.", ({ template }) => containerImages(template)),
    textColumn('Pod Labels', 'The labels of pods made from it.', ({ template }) =>
      labelsText(template.metadata.labels),
    ),
  ],
})
