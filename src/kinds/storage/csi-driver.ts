import type { FieldErrors } from '../../schema/field-errors.ts'
import { defineKind, type Kind } from '../../schema/kind.ts'
import { subdomainNameRule } from '../../schema/names.ts'
import {
  bool,
  embedded,
  explicit,
  type Infer,
  int64,
  list,
  object,
  optional,
  required,
  string,
} from '../../schema/types.ts'
import { ageColumn, booleanColumn, nameColumn, textColumn } from '../columns.ts'
import { ObjectMeta } from '../meta/object-meta.ts'
import { typeMeta } from '../meta/type-meta.ts'
import { countChange, keepsValue } from '../rules.ts'

export const TokenRequest = object(
  'io.k8s.api.storage.v1.TokenRequest',
  'A token of the service account that a CSI driver gets for each pod.',
  {
    audience: required(1, string, 'For whom the token is meant; empty means the API server. Unique in the list.'),
    expirationSeconds: explicit(2, int64, 'Life of the token in seconds, at least 600; 3600 when absent.'),
  },
)
export interface TokenRequest extends Infer<typeof TokenRequest> {}

export const CSIDriverSpec = object('io.k8s.api.storage.v1.CSIDriverSpec', 'What a CSI driver needs and can do.', {
  attachRequired: explicit(
    1,
    bool,
    'Whether volumes must be attached before they are mounted; true when absent. Cannot be changed.',
  ),
  podInfoOnMount: explicit(2, bool, 'Whether the driver is told about the pod when mounting; false when absent.'),
  volumeLifecycleModes: optional(
    3,
    list(string, { list: 'set' }),
    'Persistent, Ephemeral or both; Persistent when absent. Cannot be changed.',
  ),
  storageCapacity: explicit(
    4,
    bool,
    'Whether scheduling heeds the CSIStorageCapacity objects of the driver; false when absent.',
  ),
  fsGroupPolicy: explicit(
    5,
    string,
    'Whether files get the fsGroup of the pod: None, File or ReadWriteOnceWithFSType; the last when absent.',
  ),
  tokenRequests: optional(
    6,
    list(TokenRequest, { list: 'atomic' }),
    'Tokens of the service account that the driver gets when mounting.',
  ),
  requiresRepublish: explicit(
    7,
    bool,
    'Whether mounting is repeated from time to time, so that the driver can renew content; false when absent.',
  ),
  seLinuxMount: explicit(8, bool, 'Whether volumes can be mounted with an SELinux label; false when absent.'),
  nodeAllocatableUpdatePeriodSeconds: explicit(
    9,
    int64,
    'Seconds between updates of the volume limit of each node, at least 10; absent means none.',
  ),
  serviceAccountTokenInSecrets: explicit(
    10,
    bool,
    'Whether tokens are passed in the secrets field instead of the volume context; needs tokenRequests.',
  ),
  preventPodSchedulingIfMissing: explicit(
    11,
    bool,
    'Whether pods with volumes of the driver stay away from nodes on which it is not installed.',
  ),
})
export interface CSIDriverSpec extends Infer<typeof CSIDriverSpec> {}

export const csiDriverSchema = object(
  'io.k8s.api.storage.v1.CSIDriver',
  'Says what a CSI driver needs and can do; its name is that of the driver.',
  {
    ...typeMeta,
    metadata: embedded(1, ObjectMeta, 'Name, labels and the other facts that every object carries.'),
    spec: required(2, CSIDriverSpec, 'What the driver needs and can do.'),
  },
)
export interface CSIDriver extends Infer<typeof csiDriverSchema> {}

export const CSIDriver: Kind<CSIDriver> = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  namespaced: false,
  storageVersionHash: 'hL6j/rwBV5w=',
  schema: csiDriverSchema,
  nameRule: subdomainNameRule,
  defaults({ spec }) {
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
    spec.volumeLifecycleModes ??= ['Persistent']
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
  },
  prepareUpdate: (driver, old) => countChange(driver, old, ({ spec }) => spec),
  validate,
  validateUpdate(driver, old, errors) {
    keepsValue('spec.attachedRequired', driver.spec.attachRequired, old.spec.attachRequired, errors)
    keepsValue('spec.volumeLifecycleModes', driver.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, errors)
    validateSettings(driver, errors)
  },
  warnings: ({ spec }, old) =>
    old === undefined && spec.tokenRequests?.length && spec.serviceAccountTokenInSecrets === undefined
      ? [
          'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes',
        ]
      : [],
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    booleanColumn(
      'AttachRequired',
      'Whether volumes are attached to nodes first.',
      ({ spec }) => spec.attachRequired ?? true,
    ),
    booleanColumn(
      'PodInfoOnMount',
      'Whether the driver is told about the pod.',
      ({ spec }) => spec.podInfoOnMount ?? false,
    ),
    booleanColumn(
      'StorageCapacity',
      'Whether the driver says how much space is left.',
      ({ spec }) => spec.storageCapacity ?? false,
    ),
    textColumn(
      'TokenRequests',
      'For whom the driver gets tokens of the pod.',
      ({ spec }) => spec.tokenRequests?.map(({ audience }) => audience).join(',') ?? '<unset>',
    ),
    booleanColumn(
      'RequiresRepublish',
      'Whether mounts are renewed from time to time.',
      ({ spec }) => spec.requiresRepublish ?? false,
    ),
    textColumn(
      'Modes',
      'Whether volumes outlive pods.',
      ({ spec }) => spec.volumeLifecycleModes?.join(',') ?? '<none>',
    ),
    ageColumn,
  ],
})

function validate(driver: CSIDriver, errors: FieldErrors): void {
  const { attachRequired, podInfoOnMount, storageCapacity } = driver.spec
  if (attachRequired === undefined) errors.required('spec.attachedRequired')
  if (podInfoOnMount === undefined) errors.required('spec.podInfoOnMount')
  if (storageCapacity === undefined) errors.required('spec.storageCapacity')
  validateSettings(driver, errors)
}

const maxExpirationSeconds = 2 ** 32

/** The rules that hold for updates too. */
function validateSettings({ spec }: CSIDriver, errors: FieldErrors): void {
  const policies = ['File', 'None', 'ReadWriteOnceWithFSType']
  if (spec.fsGroupPolicy !== undefined && !policies.includes(spec.fsGroupPolicy)) {
    errors.notSupported('spec.fsGroupPolicy', spec.fsGroupPolicy, policies)
  }
  const seen = new Set<string>()
  for (const [index, { audience, expirationSeconds }] of (spec.tokenRequests ?? []).entries()) {
    const path = `spec.tokenRequests[${index}]`
    if (seen.has(audience)) {
      errors.duplicate(`${path}.audience`, audience)
      continue
    }
    seen.add(audience)
    if (expirationSeconds === undefined) continue
    const refuse = (detail: string) => errors.invalid(`${path}.expirationSeconds`, expirationSeconds, detail)
    if (expirationSeconds < 600) refuse('may not specify a duration less than 10 minutes')
    if (expirationSeconds > maxExpirationSeconds) refuse('may not specify a duration larger than 2^32 seconds')
  }
  const modes = ['Ephemeral', 'Persistent']
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (!modes.includes(mode)) errors.notSupported('spec.volumeLifecycleModes', mode, modes)
  }
  const period = spec.nodeAllocatableUpdatePeriodSeconds
  if (period !== undefined && period < 10) {
    errors.invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, 'must be greater than or equal to 10 seconds')
  }
}
