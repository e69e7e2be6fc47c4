import type {
  FieldSelectorAttributes,
  LabelSelectorAttributes,
  NonResourceAttributes,
  ResourceAttributes,
  SubjectAccessReviewSpec,
} from '../../kinds/authorization/shared.ts'
import { FieldErrors } from '../../schema/field-errors.ts'
import { qualifiedNameFaults } from '../../schema/names.ts'
import { parseFieldSelector, parseLabelSelector, type Requirement, toLabelSelector } from '../../schema/selectors.ts'
import type { Infer } from '../../schema/types.ts'
import type { Attributes, FieldRequirement } from '../authz/authz.ts'
import type { UserInfo } from '../context.ts'

/** What reviews of access ask about: how it is checked, and what authorizers are asked then. */
export type AccessSpec = Pick<Infer<typeof SubjectAccessReviewSpec>, 'resourceAttributes' | 'nonResourceAttributes'>

export function checkAccess(spec: AccessSpec, errors = new FieldErrors()): FieldErrors {
  checkKindOfAttributes(spec, errors)
  checkSelectors(spec, errors)
  return errors
}

export function checkSubjectAccess(spec: SubjectAccessReviewSpec, errors = new FieldErrors()): FieldErrors {
  checkKindOfAttributes(spec, errors)
  if ((spec.user ?? '') === '' && (spec.groups ?? []).length === 0) {
    errors.invalid('spec.user', '', 'at least one of user or group must be specified')
  }
  checkSelectors(spec, errors)
  return errors
}

/** Of a review that asks about one namespace. */
export function checkLocalSubjectAccess(spec: SubjectAccessReviewSpec, namespace: string): FieldErrors {
  const errors = checkSubjectAccess(spec)
  const { resourceAttributes, nonResourceAttributes } = spec
  if (resourceAttributes && (resourceAttributes.namespace ?? '') !== namespace) {
    const path = 'spec.resourceAttributes.namespace'
    errors.invalid(path, resourceAttributes.namespace ?? '', 'must match metadata.namespace')
  }
  if (nonResourceAttributes) {
    const why = 'disallowed on this kind of request'
    errors.invalid('spec.nonResourceAttributes', goAttributes(nonResourceAttributes), why)
  }
  return errors
}

function checkKindOfAttributes({ resourceAttributes, nonResourceAttributes }: AccessSpec, errors: FieldErrors): void {
  if (resourceAttributes && nonResourceAttributes) {
    const why = 'cannot be specified in combination with resourceAttributes'
    errors.invalid('spec.nonResourceAttributes', goAttributes(nonResourceAttributes), why)
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
    errors.invalid('spec.resourceAttributes', null, why)
  }
}

/** As the reference's internal type shows itself. */
const goAttributes = ({ path, verb }: NonResourceAttributes) => ({ Path: path ?? '', Verb: verb ?? '' })

type Selector = FieldSelectorAttributes | LabelSelectorAttributes

/** Operators that nobody knows here pass: a newer client may use them, and is then judged by the rest. */
function checkSelectors({ resourceAttributes }: AccessSpec, errors: FieldErrors): void {
  const path = 'spec.resourceAttributes'
  const { fieldSelector, labelSelector } = resourceAttributes ?? {}
  if (fieldSelector) {
    checkSelector(fieldSelector, `${path}.fieldSelector`, errors, (key, at) => {
      if (key === '') errors.required(at, 'must be specified')
    })
  }
  if (labelSelector) {
    checkSelector(labelSelector, `${path}.labelSelector`, errors, (key, at) => {
      for (const fault of qualifiedNameFaults(key)) errors.invalid(at, key, fault)
    })
  }
}

function checkSelector(
  { rawSelector = '', requirements }: Selector,
  path: string,
  errors: FieldErrors,
  checkKey: (key: string, path: string) => void,
): void {
  const count = requirements?.length ?? 0
  if (rawSelector !== '' && count > 0) {
    errors.invalid(`${path}.rawSelector`, rawSelector, 'may not specified at the same time as requirements')
  }
  if (rawSelector === '' && count === 0) {
    errors.required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`)
  }
  requirements?.forEach(({ key, operator, values }, index) => {
    const at = `${path}.requirements[${index}]`
    const isEmpty = (values?.length ?? 0) === 0
    if ((operator === 'In' || operator === 'NotIn') && isEmpty) {
      errors.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
    }
    if ((operator === 'Exists' || operator === 'DoesNotExist') && !isEmpty) {
      errors.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    }
    checkKey(key ?? '', `${at}.key`)
  })
}

/** What authorizers are asked; and of which selectors something had to be left out. */
export function attributesOf(
  user: UserInfo,
  { resourceAttributes, nonResourceAttributes }: AccessSpec,
): { readonly attributes: Attributes; readonly faults: readonly string[] } {
  const asked: Partial<ResourceAttributes> = resourceAttributes ?? {}
  const fields = asked.fieldSelector && readFields(asked.fieldSelector)
  const labels = asked.labelSelector && readLabels(asked.labelSelector)
  const attributes: Attributes = {
    user,
    verb: asked.verb ?? nonResourceAttributes?.verb ?? '',
    namespace: asked.namespace ?? '',
    apiGroup: asked.group ?? '',
    apiVersion: asked.version || '*',
    resource: asked.resource ?? '',
    subresource: asked.subresource ?? '',
    name: asked.name ?? '',
    isResource: resourceAttributes !== undefined && resourceAttributes !== null,
    path: nonResourceAttributes?.path ?? '',
    ...(fields && { fieldSelector: fields.requirements }),
    ...(labels && { labelSelector: labels.requirements }),
  }
  return { attributes, faults: [...faultOf('fieldSelector', fields), ...faultOf('labelSelector', labels)] }
}

interface Readable<T> {
  readonly requirements: readonly T[]
  readonly complete: boolean
}

function faultOf(name: string, read: Readable<unknown> | undefined): string[] {
  if (read === undefined || read.complete) return []
  const how = read.requirements.length > 0 ? 'partially ignored' : 'ignored'
  return [`spec.resourceAttributes.${name} ${how} due to parse error`]
}

/** All hold together, so that leaving one out asks for more: whoever may do that may do this. */
function readFields({ rawSelector = '', requirements = [] }: FieldSelectorAttributes): Readable<FieldRequirement> {
  if (requirements.length === 0) return readRaw(() => parseFieldSelector(rawSelector).terms)
  const read = requirements.flatMap(({ key, operator, values = [] }): FieldRequirement[] => {
    const isKnown = operator === 'In' || operator === 'NotIn'
    return isKnown && values.length === 1 ? [{ field: key, value: values[0]!, equal: operator === 'In' }] : []
  })
  return { requirements: read, complete: read.length === requirements.length }
}

function readLabels({ rawSelector = '', requirements = [] }: LabelSelectorAttributes): Readable<Requirement> {
  if (requirements.length === 0) return readRaw(() => parseLabelSelector(rawSelector).requirements)
  const read = requirements.flatMap(
    (each) => readRaw(() => toLabelSelector({ matchExpressions: [each] }).requirements).requirements,
  )
  return { requirements: read, complete: read.length === requirements.length }
}

function readRaw<T>(read: () => readonly T[]): Readable<T> {
  try {
    return { requirements: read(), complete: true }
  } catch {
    return { requirements: [], complete: false }
  }
}
