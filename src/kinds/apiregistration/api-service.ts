import { defineKind, type Kind } from '../../schema/kind.ts'
import type { Mutable } from '../../schema/types.ts'
import {
  bool,
  bytes,
  embedded,
  explicit,
  type Infer,
  int32,
  list,
  object,
  optional,
  required,
  string,
  time,
} from '../../schema/types.ts'
import { ageColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { validateApiService } from './validation.ts'

export const ServiceReference = object(
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference',
  'The service that serves an API.',
  {
    namespace: optional(1, string, 'Namespace of the service.'),
    name: optional(2, string, 'Name of the service.'),
    port: explicit(3, int32, 'Port of the service; 443 when absent.'),
  },
)
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const APIServiceSpec = object(
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec',
  'What is wished of an API service.',
  {
    service: explicit(
      1,
      ServiceReference,
      'Service to which requests are passed on; absent means that this server serves the API itself.',
    ),
    group: optional(2, string, 'API group that is served.'),
    version: optional(3, string, 'API version that is served.'),
    insecureSkipTLSVerify: optional(4, bool, 'Whether the certificate of the service is not verified; discouraged.'),
    caBundle: optional(
      5,
      bytes,
      'Certificates in PEM form that verify the service; absent takes the trust of the API server.',
    ),
    groupPriorityMinimum: required(
      7,
      int32,
      'Priority of the group in discovery, 1 to 20000; the highest of its versions counts.',
    ),
    versionPriority: required(
      8,
      int32,
      'Priority of the version within its group, 1 to 1000; equal ones are ordered by stability and number.',
    ),
  },
)
export interface APIServiceSpec extends Infer<typeof APIServiceSpec> {}

export const APIServiceCondition = object(
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceCondition',
  'One aspect of the state of an API service.',
  {
    type: required(1, string, 'Name of the condition; always Available.'),
    status: required(2, string, 'Whether the condition holds: True, False or Unknown.'),
    lastTransitionTime: embedded(3, time, 'When the status last changed from one value to another.'),
    reason: optional(4, string, 'One CamelCase word that says why the condition last changed, for programs.'),
    message: optional(5, string, 'What happened, in words for people.'),
  },
)
export interface APIServiceCondition extends Infer<typeof APIServiceCondition> {}

export const APIServiceStatus = object(
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceStatus',
  'What is known about an API service.',
  {
    conditions: optional(
      1,
      list(APIServiceCondition, { list: ['type'], merge: 'type' }),
      'Whether the API is available.',
    ),
  },
)
export interface APIServiceStatus extends Infer<typeof APIServiceStatus> {}

export const apiServiceSchema = object(
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService',
  'Says who serves one version of an API group; its name is version.group.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: embedded(2, APIServiceSpec, 'What is wished of the API service.'),
    status: embedded(3, APIServiceStatus, 'What is known about the API service.'),
  },
)
export interface APIService extends Infer<typeof apiServiceSchema> {}

export const APIService: Kind<APIService> = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  categories: ['api-extensions'],
  namespaced: false,
  storageVersionHash: 'InPBPD7+PqM=',
  storagePrefix: 'apiregistration.k8s.io/apiservices',
  schema: apiServiceSchema,
  defaults({ spec }) {
    if (spec.service !== undefined) spec.service.port ??= 443
  },
  prepareCreate(service) {
    service.status = {}
    // What this server serves itself is there without asking anybody.
    if (service.spec.service === undefined) {
      const local = {
        type: 'Available',
        status: 'True',
        reason: 'Local',
        message: 'Local APIServices are always available',
      }
      service.status = { conditions: [{ ...local, lastTransitionTime: service.metadata.creationTimestamp ?? '' }] }
    }
  },
  prepareUpdate(service, old) {
    service.status = structuredClone(old.status) as Mutable<APIServiceStatus>
  },
  validate: validateApiService,
  validateUpdate: (service, _old, errors) => validateApiService(service, errors),
  status: {},
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    textColumn('Service', 'Who serves it.', ({ spec: { service } }) =>
      service === undefined ? 'Local' : `${service.namespace}/${service.name}`,
    ),
    textColumn('Available', 'Whether it is served.', ({ status }) => availableText(status)),
    ageColumn,
  ],
})

function availableText({ conditions }: APIServiceStatus): string {
  const condition = conditions?.find(({ type }) => type === 'Available')
  if (condition === undefined) return 'Unknown'
  if (condition.status === 'True' || !condition.reason) return condition.status
  return `${condition.status} (${condition.reason})`
}
