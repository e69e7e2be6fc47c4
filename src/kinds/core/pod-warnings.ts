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
  const found: string[] = []
  nodeLabelWarnings(spec, path, found)
  spreadWarnings(spec, path, found)
  if (annotations) annotationWarnings(spec, annotations, `${prefix}metadata.annotations`, found)
  for (const [index, volume] of spec.volumes?.entries() ?? []) volumeWarnings(volume, path, index, found)
  repeats(spec.hostAliases, ipOf, (index, ip) =>
    found.push(`${path}.hostAliases[${index}].ip: duplicate ip ${JSON.stringify(ip)}`),
  )
  repeats(spec.imagePullSecrets, nameOf, (index, name) =>
    found.push(`${path}.imagePullSecrets[${index}].name: duplicate name ${JSON.stringify(name)}`),
  )
  for (const [index, { name }] of spec.imagePullSecrets?.entries() ?? [])
    if (!name) found.push(`${path}.imagePullSecrets[${index}].name: invalid empty name ""`)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0)
    found.push(
      `${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    )
  if (spec.overhead) for (const name of bytes) fraction(spec.overhead, name, () => `${path}.overhead`, found)
  for (const list of ['initContainers', 'containers'] as const)
    for (const [index, container] of spec[list]?.entries() ?? [])
      containerWarnings(container, () => `${path}.${list}[${index}]`, found)
  portWarnings(spec.containers ?? [], `${path}.containers`, found)
  return found
}

const ipOf = ({ ip }: { readonly ip: string }) => ip
const nameOf = ({ name = '' }: { readonly name?: string }) => name

const deprecatedLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}

function nodeLabelWarnings({ nodeSelector, affinity }: PodSpec, path: string, found: string[]): void {
  for (const key in nodeSelector) {
    const word = own(deprecatedLabels, key)
    if (word !== undefined) found.push(`${path}.nodeSelector[${key}]: ${word}`)
  }
  const node = affinity?.nodeAffinity
  if (!node) return
  const at = `${path}.affinity.nodeAffinity`
  const required = node.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  for (const [index, term] of required.entries())
    termWarnings(term, `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`, found)
  const preferred = node.preferredDuringSchedulingIgnoredDuringExecution ?? []
  for (const [index, { preference }] of preferred.entries())
    termWarnings(preference, `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`, found)
}

function termWarnings({ matchExpressions = [] }: NodeSelectorTerm, path: string, found: string[]): void {
  for (const [index, { key }] of matchExpressions.entries()) {
    const word = own(deprecatedLabels, key)
    if (word !== undefined) found.push(`${path}.matchExpressions[${index}].key: ${key} is ${word}`)
  }
}

function spreadWarnings({ topologySpreadConstraints }: PodSpec, path: string, found: string[]): void {
  for (const [index, { topologyKey, labelSelector }] of topologySpreadConstraints?.entries() ?? []) {
    const at = `${path}.topologySpreadConstraints[${index}]`
    const word = own(deprecatedLabels, topologyKey)
    if (word !== undefined) found.push(`${at}.topologyKey: ${topologyKey} is ${word}`)
    if (!labelSelector) found.push(`${at}.labelSelector: a null labelSelector results in matching no pod`)
  }
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

function annotationWarnings(spec: PodSpec, annotations: NonNullable<Annotations>, path: string, found: string[]): void {
  for (const [key, text] of deprecatedAnnotations) if (key in annotations) found.push(`${path}[${key}]: ${text}`)
  for (const key in annotations) {
    if (key.startsWith(seccompPrefix))
      found.push(`${path}[${key}]: non-functional in v1.27+; ${useField('seccompProfile')}`)
    if (!key.startsWith(appArmorPrefix)) continue
    const container = spec.containers?.find(({ name }) => key === appArmorPrefix + name)
    if (!(container?.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile))
      found.push(`${path}[${key}]: deprecated since v1.30; ${useField('appArmorProfile')}`)
  }
}

/** What volumes are called in a message, and what is to be said of them. */
const goneVolumes: Readonly<Partial<Record<keyof Volume, readonly [name: string, text: string]>>> = {
  photonPersistentDisk: ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  gitRepo: ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  scaleIO: ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  flocker: ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  storageos: ['storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  quobyte: ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  glusterfs: ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  cephfs: ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  rbd: ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
}

function volumeWarnings(volume: Volume, path: string, index: number, found: string[]): void {
  for (const field in volume) {
    const gone = own(goneVolumes, field)
    if (gone !== undefined) found.push(`${path}.volumes[${index}].${gone[0]}: ${gone[1]}`)
  }
}

function repeats<T>(
  list: readonly T[] | undefined,
  keyOf: (item: T) => string,
  found: (index: number, key: string) => void,
): void {
  if (list === undefined || list.length < 2) return
  const seen = new Set<string>()
  for (const [index, item] of list.entries()) {
    const key = keyOf(item)
    if (seen.has(key)) found(index, key)
    seen.add(key)
  }
}

/** Amounts of which there is no half. */
const bytes = ['memory', 'ephemeral-storage'] as const

function fraction(
  amounts: Readonly<Record<string, string>> | undefined,
  name: string,
  pathOf: () => string,
  found: string[],
): void {
  const amount = amounts?.[name]
  if (amount === undefined || parseQuantity(amount).milliValue() % 1000 === 0) return
  found.push(`${pathOf()}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`)
}

function containerWarnings({ env, resources }: Container, pathOf: () => string, found: string[]): void {
  const { limits, requests } = resources
  for (const name of bytes) {
    fraction(limits, name, () => `${pathOf()}.resources.limits`, found)
    fraction(requests, name, () => `${pathOf()}.resources.requests`, found)
  }
  repeats(env, nameOf, (index, name) =>
    found.push(
      `${pathOf()}.env[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
    ),
  )
}

interface PlacedPort {
  readonly port: ContainerPort
  readonly path: string
}

/** Ports of one pod that are the same, or would be on one address. */
function portWarnings(containers: readonly Container[], path: string, found: string[]): void {
  const placed: PlacedPort[] = []
  for (const [index, { ports }] of containers.entries()) {
    for (const [number, port] of ports?.entries() ?? []) {
      const one = { port, path: `${path}[${index}].ports[${number}]` }
      for (const other of placed) {
        const word = clash(port, other.port)
        if (word !== undefined) found.push(`${one.path}: ${word} port definition with ${other.path}`)
      }
      placed.push(one)
    }
  }
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
