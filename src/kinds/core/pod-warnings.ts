/** What the author of a pod, or of a template, should know though nothing is wrong. */
import { own } from '../../base/own.ts'
import { parseQuantity } from '../../base/quantity.ts'
import { dnsLabelFaults } from '../../schema/names.ts'
import type { Container, ContainerPort } from './containers.ts'
import type { Pod } from './pod.ts'
import type { PodSpec, PodTemplateSpec } from './pod-spec.ts'
import type { NodeSelectorTerm } from './scheduling.ts'
import type { Volume } from './volumes.ts'

export function podWarnings(pod: Pod, old: Pod | undefined): readonly string[] {
  if (old) return []
  const faults = dnsLabelFaults(pod.metadata.name ?? '')
  const name =
    faults.length === 0 || !pod.metadata.name
      ? []
      : [
          "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is " +
            `recommended: [${faults.join(' ')}]`,
        ]
  return [...name, ...specWarnings(pod.spec, pod.metadata.annotations, '')]
}

export function templateWarnings(template: PodTemplateSpec | undefined, path: string): readonly string[] {
  return template ? specWarnings(template.spec, template.metadata.annotations, `${path}.`) : []
}

interface Workload {
  readonly metadata: { readonly name?: string; readonly generation?: number }
  readonly spec: { readonly template?: PodTemplateSpec }
}

/** Of what makes pods whose names begin with its own; at an update only when the wish has changed. */
export function workloadWarnings({ metadata, spec }: Workload, old: Workload | undefined): readonly string[] {
  if (old && metadata.generation === old.metadata.generation) return []
  return [...(old ? [] : podNameWarnings(metadata.name)), ...templateWarnings(spec.template, 'spec.template')]
}

/** Pods are hosts, too: their names had better be labels in DNS. */
export function podNameWarnings(name = ''): readonly string[] {
  const faults = name === '' ? [] : dnsLabelFaults(name)
  if (faults.length === 0) return []
  return [
    'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is ' +
      `recommended: [${faults.join(' ')}]`,
  ]
}

type Annotations = Readonly<Record<string, string>> | undefined

function specWarnings(spec: PodSpec, annotations: Annotations, prefix: string): string[] {
  const path = `${prefix}spec`
  return [
    ...nodeLabelWarnings(spec, path),
    ...spreadWarnings(spec, path),
    ...annotationWarnings(spec, annotations, `${prefix}metadata.annotations`),
    ...(spec.volumes ?? []).flatMap((volume, index) => volumeWarnings(volume, `${path}.volumes[${index}]`)),
    ...repeats(spec.hostAliases, ({ ip }) => ip).map(
      ([index, ip]) => `${path}.hostAliases[${index}].ip: duplicate ip ${JSON.stringify(ip)}`,
    ),
    ...repeats(spec.imagePullSecrets, ({ name = '' }) => name).map(
      ([index, name]) => `${path}.imagePullSecrets[${index}].name: duplicate name ${JSON.stringify(name)}`,
    ),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name }, index) =>
      name ? [] : [`${path}.imagePullSecrets[${index}].name: invalid empty name ""`],
    ),
    ...graceWarnings(spec, path),
    ...fractions(spec.overhead, `${path}.overhead`, 'memory'),
    ...fractions(spec.overhead, `${path}.overhead`, 'ephemeral-storage'),
    ...(['initContainers', 'containers'] as const).flatMap((list) =>
      (spec[list] ?? []).flatMap((container, index) => containerWarnings(container, `${path}.${list}[${index}]`)),
    ),
    ...portWarnings(spec.containers ?? [], `${path}.containers`),
  ]
}

const graceWarnings = ({ terminationGracePeriodSeconds: seconds = 0 }: PodSpec, path: string): string[] =>
  seconds >= 0
    ? []
    : [`${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]

const deprecatedLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}

function nodeLabelWarnings({ nodeSelector = {}, affinity }: PodSpec, path: string): string[] {
  const node = affinity?.nodeAffinity
  const at = `${path}.affinity.nodeAffinity`
  const required = node?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const preferred = node?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  return [
    ...Object.keys(nodeSelector).flatMap((key) => {
      const word = own(deprecatedLabels, key)
      return word === undefined ? [] : [`${path}.nodeSelector[${key}]: ${word}`]
    }),
    ...required.flatMap((term, index) =>
      termWarnings(term, `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`),
    ),
    ...preferred.flatMap(({ preference }, index) =>
      termWarnings(preference, `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`),
    ),
  ]
}

function termWarnings({ matchExpressions = [] }: NodeSelectorTerm, path: string): string[] {
  return matchExpressions.flatMap(({ key }, index) => {
    const word = own(deprecatedLabels, key)
    return word === undefined ? [] : [`${path}.matchExpressions[${index}].key: ${key} is ${word}`]
  })
}

function spreadWarnings({ topologySpreadConstraints = [] }: PodSpec, path: string): string[] {
  return topologySpreadConstraints.flatMap(({ topologyKey, labelSelector }, index) => {
    const at = `${path}.topologySpreadConstraints[${index}]`
    const word = own(deprecatedLabels, topologyKey)
    return [
      ...(word === undefined ? [] : [`${at}.topologyKey: ${topologyKey} is ${word}`]),
      ...(labelSelector ? [] : [`${at}.labelSelector: a null labelSelector results in matching no pod`]),
    ]
  })
}

const useField = (name: string): string => `use the "${name}" field instead`
const deprecatedAnnotations: readonly (readonly [prefix: string, text: string])[] = [
  ['scheduler.alpha.kubernetes.io/critical-pod', `non-functional in v1.16+; ${useField('priorityClassName')}`],
  ['security.alpha.kubernetes.io/sysctls', `non-functional in v1.11+; ${useField('sysctls')}`],
  ['security.alpha.kubernetes.io/unsafe-sysctls', `non-functional in v1.11+; ${useField('sysctls')}`],
  ['seccomp.security.alpha.kubernetes.io/pod', `non-functional in v1.27+; ${useField('seccompProfile')}`],
]
const seccompPrefix = 'container.seccomp.security.alpha.kubernetes.io/'
const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/'

function annotationWarnings(spec: PodSpec, annotations: Annotations, path: string): string[] {
  if (!annotations) return []
  const plain = deprecatedAnnotations.flatMap(([key, text]) => (key in annotations ? [`${path}[${key}]: ${text}`] : []))
  const perContainer = Object.keys(annotations).flatMap((key) => {
    if (key.startsWith(seccompPrefix)) {
      return [`${path}[${key}]: non-functional in v1.27+; ${useField('seccompProfile')}`]
    }
    const container = spec.containers?.find(({ name }) => key === appArmorPrefix + name)
    const covered = container?.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile
    return key.startsWith(appArmorPrefix) && !covered
      ? [`${path}[${key}]: deprecated since v1.30; ${useField('appArmorProfile')}`]
      : []
  })
  return [...plain, ...perContainer]
}

const goneVolumes: readonly (readonly [field: keyof Volume, name: string, text: string])[] = [
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
]

const volumeWarnings = (volume: Volume, path: string): string[] =>
  goneVolumes.flatMap(([field, name, text]) => (volume[field] === undefined ? [] : [`${path}.${name}: ${text}`]))

function repeats<T>(list: readonly T[] | undefined, keyOf: (item: T) => string): [index: number, key: string][] {
  const seen = new Set<string>()
  return (list ?? []).flatMap((item, index) => {
    const key = keyOf(item)
    if (seen.has(key)) return [[index, key]]
    seen.add(key)
    return []
  })
}

function fractions(amounts: Readonly<Record<string, string>> | undefined, path: string, name: string): string[] {
  const amount = amounts?.[name]
  if (amount === undefined || parseQuantity(amount).milliValue() % 1000 === 0) return []
  return [`${path}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`]
}

function containerWarnings({ env, resources }: Container, path: string): string[] {
  const { limits, requests } = resources
  return [
    ...['memory', 'ephemeral-storage'].flatMap((name) => [
      ...fractions(limits, `${path}.resources.limits`, name),
      ...fractions(requests, `${path}.resources.requests`, name),
    ]),
    ...repeats(env, ({ name }) => name).map(
      ([index, name]) =>
        `${path}.env[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
    ),
  ]
}

interface PlacedPort {
  readonly port: ContainerPort
  readonly path: string
}

/** Ports of one pod that are the same, or would be on one address. */
function portWarnings(containers: readonly Container[], path: string): string[] {
  const placed: PlacedPort[] = containers.flatMap(({ ports = [] }, index) =>
    ports.map((port, number) => ({ port, path: `${path}[${index}].ports[${number}]` })),
  )
  return placed.flatMap((one, index) =>
    placed.slice(0, index).flatMap((other) => {
      const word = clash(one.port, other.port)
      return word === undefined ? [] : [`${one.path}: ${word} port definition with ${other.path}`]
    }),
  )
}

function clash(one: ContainerPort, other: ContainerPort): 'duplicate' | 'overlapping' | undefined {
  const { protocol = 'TCP', hostIP = '', hostPort = 0 } = one
  if (one.containerPort !== other.containerPort || protocol !== (other.protocol ?? 'TCP')) return undefined
  const sameIP = hostIP === (other.hostIP ?? '')
  if (hostPort === (other.hostPort ?? 0)) {
    if (sameIP) return 'duplicate'
    return isEverywhere(hostIP) || isEverywhere(other.hostIP ?? '') ? 'overlapping' : undefined
  }
  return hostPort === 0 || (other.hostPort ?? 0) === 0 ? 'overlapping' : undefined
}

const isEverywhere = (ip: string): boolean => ip === '' || ip === '0.0.0.0' || ip === '::'
