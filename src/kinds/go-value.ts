/**
 * How the reference shows a value of ours in an error: the JSON of its own Go struct. Names begin with a capital
 * letter, nothing is left out, and some structs are cut differently from what clients write.
 */
import type { Field, ObjectType, Type } from '../schema/types.ts'

type Json = Record<string, unknown>

/** The value as the reference's internal struct of this type; `undefined` gives null. */
export function goValue(type: Type, value: unknown): unknown {
  if (value === undefined || value === null) return null
  switch (type.type) {
    case 'object':
      return (special[shortName(type)] ?? plainForm)(value as Json, type)
    case 'list':
      return (value as unknown[]).map((item) => goValue(type.items, item))
    case 'map':
      return mapForm(type.values, value as Json)
    default:
      return value
  }
}

/** Go writes the keys of a map in order. */
function mapForm(values: Type, map: Json): Json {
  const keys = Object.keys(map).sort()
  return Object.fromEntries(keys.map((key) => [key, goValue(values, map[key])]))
}

const shortName = (type: ObjectType): string => type.name.slice(type.name.lastIndexOf('.') + 1)

function plainForm(value: Json, type: ObjectType): Json {
  const result: Json = {}
  for (const [name, field] of Object.entries(type.fields as Readonly<Record<string, Field>>)) {
    result[goName(name)] = fieldForm(field, value[name])
  }
  return result
}

function fieldForm(field: Field, value: unknown): unknown {
  if (value !== undefined) return goValue(field.type, value)
  if (field.presence === 'explicit') return null
  switch (field.type.type) {
    case 'string':
    case 'duration':
      return ''
    case 'bool':
      return false
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 0
    case 'quantity':
      return '0'
    case 'object':
      return goValue(field.type, {})
    default:
      return null
  }
}

/** Words that Go writes in capitals; all other names only get a capital at the beginning. */
const initialisms: Readonly<Record<string, string>> = {
  dnsPolicy: 'DNSPolicy',
  dnsConfig: 'DNSConfig',
  fsGroup: 'FSGroup',
  fsGroupChangePolicy: 'FSGroupChangePolicy',
  fsType: 'FSType',
  tty: 'TTY',
  os: 'OS',
  ip: 'IP',
  httpGet: 'HTTPGet',
  httpHeaders: 'HTTPHeaders',
  tcpSocket: 'TCPSocket',
  grpc: 'GRPC',
  uid: 'UID',
  nfs: 'NFS',
  iscsi: 'ISCSI',
  rbd: 'RBD',
  fc: 'FC',
  csi: 'CSI',
  cephfs: 'CephFS',
  storageos: 'StorageOS',
  iqn: 'IQN',
  pdName: 'PDName',
  pdID: 'PdID',
  gcePersistentDisk: 'GCEPersistentDisk',
  awsElasticBlockStore: 'AWSElasticBlockStore',
  seLinuxOptions: 'SELinuxOptions',
  seLinuxChangePolicy: 'SELinuxChangePolicy',
  gmsaCredentialSpecName: 'GMSACredentialSpecName',
  gmsaCredentialSpec: 'GMSACredentialSpec',
  apiVersion: 'APIVersion',
  apiGroup: 'APIGroup',
  wwids: 'WWIDs',
  diskURI: 'DataDiskURI',
  chapAuthDiscovery: 'DiscoveryCHAPAuth',
  chapAuthSession: 'SessionCHAPAuth',
  sslEnabled: 'SSLEnabled',
  ttlSecondsAfterFinished: 'TTLSecondsAfterFinished',
}

/** And these at the beginning of any name. */
const leadingInitialisms = /^(api|uid|csi|tls|http|id|ip|cidr|cel)(?=[A-Z]|s?$)/

function goName(name: string): string {
  const capitals = initialisms[name] ?? name.replace(leadingInitialisms, (word) => word.toUpperCase())
  return capitals.charAt(0).toUpperCase() + capitals.slice(1)
}

/** What the reference keeps in the security context of a pod, though clients write it beside. */
const inSecurityContext = ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace', 'hostUsers']

const podSpecOrder = [
  'volumes',
  'initContainers',
  'containers',
  'ephemeralContainers',
  'restartPolicy',
  'terminationGracePeriodSeconds',
  'activeDeadlineSeconds',
  'dnsPolicy',
  'nodeSelector',
  'serviceAccountName',
  'automountServiceAccountToken',
  'nodeName',
  'securityContext',
  'imagePullSecrets',
  'hostname',
  'subdomain',
  'setHostnameAsFQDN',
  'affinity',
  'schedulerName',
  'tolerations',
  'hostAliases',
  'priorityClassName',
  'priority',
  'preemptionPolicy',
  'dnsConfig',
  'readinessGates',
  'runtimeClassName',
  'overhead',
  'enableServiceLinks',
  'topologySpreadConstraints',
  'os',
  'schedulingGates',
  'resourceClaims',
  'resources',
  'hostnameOverride',
  'schedulingGroup',
]

const podSecurityOrder = [
  'seLinuxOptions',
  'windowsOptions',
  'runAsUser',
  'runAsGroup',
  'runAsNonRoot',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'seccompProfile',
  'appArmorProfile',
  'seLinuxChangePolicy',
]

function orderedForm(names: readonly string[], value: Json, type: ObjectType): Json {
  const fields = type.fields as Readonly<Record<string, Field>>
  return Object.fromEntries(names.map((name) => [goName(name), fieldForm(fields[name] as Field, value[name])]))
}

const special: Readonly<Record<string, (value: Json, type: ObjectType) => unknown>> = {
  PodTemplateSpec: templateForm,
  JobTemplateSpec: templateForm,
  ObjectMeta: (value) => value,
  LabelSelector: (value) => value,
  // Spelled out even where it is absent: line numbers of recorded differences say so.
  VolumeProjection: (value, type) => ({
    ...plainForm(value, type),
    ClusterTrustBundle: goValue((type.fields.clusterTrustBundle as Field).type, value.clusterTrustBundle ?? {}),
  }),
  PodSpec(value, type) {
    const form = orderedForm(podSpecOrder, value, type)
    const context = type.fields.securityContext as Field<ObjectType>
    if (value.securityContext === undefined && !inSecurityContext.some((name) => value[name] !== undefined)) return form
    form.SecurityContext = {
      ...orderedForm(inSecurityContext, value, type),
      ...orderedForm(podSecurityOrder, (value.securityContext ?? {}) as Json, context.type),
    }
    return form
  },
}

/** Metadata is embedded, and keeps the names that clients write. */
function templateForm(value: Json, type: ObjectType): Json {
  const { spec } = type.fields as Readonly<Record<string, Field>>
  return { ...(value.metadata as Json), Spec: fieldForm(spec as Field, value.spec) }
}
