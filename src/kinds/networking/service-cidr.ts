import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { cidrFaults, subdomainNameRule } from '../../schema/names.ts'
import type { Mutable } from '../../schema/types.ts'
import { embedded, type Infer, list, object, optional, string } from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { goValue } from '../go-value.ts'
import { familyOfCidr } from '../ip-rules.ts'
import { Condition } from '../meta/condition.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { immutable, invalidAll } from '../rules.ts'

export const ServiceCIDRSpec = object(
  'io.k8s.api.networking.v1.ServiceCIDRSpec',
  'Ranges from which services get addresses.',
  {
    cidrs: optional(
      1,
      list(string, { list: 'atomic' }),
      'One or two ranges, at most one for each IP family; a second one may be added later.',
    ),
  },
)
export interface ServiceCIDRSpec extends Infer<typeof ServiceCIDRSpec> {}

export const ServiceCIDRStatus = object(
  'io.k8s.api.networking.v1.ServiceCIDRStatus',
  'What is known about the ranges.',
  {
    conditions: optional(
      1,
      list(Condition, { list: ['type'], merge: 'type' }),
      'Aspects of the state; Ready says whether addresses are given from them.',
    ),
  },
)
export interface ServiceCIDRStatus extends Infer<typeof ServiceCIDRStatus> {}

export const serviceCIDRSchema = object(
  'io.k8s.api.networking.v1.ServiceCIDR',
  'Adds ranges from which services get their cluster IPs.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, ServiceCIDRSpec, 'The ranges that are added.'),
    status: embedded(3, ServiceCIDRStatus, 'What is known about the ranges.'),
  },
)
export interface ServiceCIDR extends Infer<typeof serviceCIDRSchema> {}

export const ServiceCIDR: Kind<ServiceCIDR> = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  namespaced: false,
  storageVersionHash: 'gNLvruQhW2g=',
  schema: serviceCIDRSchema,
  nameRule: subdomainNameRule,
  prepareCreate(range) {
    range.status = {}
  },
  prepareUpdate(range, old) {
    range.status = structuredClone(old.status) as Mutable<ServiceCIDRStatus>
  },
  validate,
  validateUpdate,
  // Conditions are taken as they are: the default range's own has no reason.
  status: {},
  columns: [
    nameColumn,
    textColumn('CIDRs', 'The ranges, one of each family at most.', ({ spec }) => (spec.cidrs ?? []).join(',')),
    ageColumn,
  ],
})

const oneOfEach = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'

function validate({ spec }: ServiceCIDR, errors: FieldErrors): void {
  const cidrs = spec.cidrs ?? []
  const [first, second] = cidrs.map(familyOfCidr)
  if (cidrs.length === 0) errors.required('spec.cidrs', 'at least one CIDR required')
  else if (cidrs.length > 2) {
    errors.invalid('spec.cidrs', goValue(ServiceCIDRSpec, spec), 'may only hold up to 2 values')
  } else if (cidrs.length === 2 && (first === undefined || second === undefined || first === second)) {
    errors.invalid('spec.cidrs', cidrs, oneOfEach)
  } else {
    for (const [index, cidr] of cidrs.entries()) invalidAll(`spec.cidrs[${index}]`, cidr, cidrFaults(cidr), errors)
  }
}

/** A range stays as it is, but a second one, of the other family, may join it. */
function validateUpdate(range: ServiceCIDR, old: ServiceCIDR, errors: FieldErrors): void {
  const cidrs = range.spec.cidrs ?? []
  const before = old.spec.cidrs ?? []
  const grows = before.length === 1 && cidrs.length === 2
  if (cidrs.length !== before.length && !grows) {
    errors.invalid('spec.cidrs', cidrs, immutable)
    return
  }
  for (const [index, cidr] of before.entries()) {
    if (cidrs[index] !== cidr) errors.invalid(`spec.cidrs[${index}]`, cidrs[index], immutable)
  }
  if (grows) validate(range, errors)
}
